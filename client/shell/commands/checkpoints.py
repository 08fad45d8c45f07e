"""checkpoint-*: points from which changes of a domain's disks are followed."""

from __future__ import annotations

import click

from ....wire.enums.domain_jobs import DomainCheckpointListFlags as ListFlags
from ...snapshots import Checkpoint
from ..declaring import command, data, domain
from ..flags import Flag, flag_options
from ..render import Pairs, Text, show
from ..session import Shell
from ..xmltext import element
from .definitions import read
from .documents import show_xml, xml_options
from .moments import (
    CHECKPOINT,
    QUIESCE,
    XML_FILE,
    Shape,
    chosen,
    delete_command,
    find,
    finish,
    info_pairs,
    list_options,
    moment,
    moment_data,
    named_parts,
    naming,
    parent_command,
    show_list,
    specification,
)

FILTERS: dict[str, Flag] = {
    "roots": (ListFlags.ROOTS, "Without parents."),
    "leaves": (ListFlags.LEAVES, "Without children."),
    "no-leaves": (ListFlags.NO_LEAVES, "With children."),
    "topological": (ListFlags.TOPOLOGICAL, "Parents before their children, not by name."),
}
_QUIESCE = click.option("--quiesce", is_flag=True, help=QUIESCE)


@command("checkpoint-create")
@domain()
@XML_FILE
@click.option("--redefine", is_flag=True, help="Restore the record of one that is there.")
@click.option("--redefine-validate", is_flag=True, help="See whether it is there, with --redefine.")
@_QUIESCE
@click.pass_obj
def checkpoint_create(shell: Shell, name: str, xmlfile: str | None, **how: bool) -> None:
    xml = "<domaincheckpoint/>" if xmlfile is None else read(xmlfile)
    finish(shell, CHECKPOINT, shell.domain(name).checkpoints.create(xml, **how), "created")


@command("checkpoint-create-as")
@domain()
@naming("checkpoint_name")
@_QUIESCE
@data("diskspec", help="Of a disk: NAME[,checkpoint=TYPE][,bitmap=NAME].", many=True, metavar="DISK")
@click.pass_obj
def checkpoint_create_as(
    shell: Shell,
    name: str,
    checkpoint_name: str | None,
    description: str | None,
    print_xml: bool,
    quiesce: bool,
    diskspec: tuple[str, ...],
) -> None:
    xml = checkpoint_xml(checkpoint_name, description, diskspec)
    if print_xml:
        show(shell.options, {"xml": xml}, Text(xml))
        return
    finish(shell, CHECKPOINT, shell.domain(name).checkpoints.create(xml, quiesce=quiesce), "created")


def checkpoint_xml(name: str | None, description: str | None, disks: tuple[str, ...]) -> str:
    """The definition that options make. Raises InvalidArgument for a specification that is malformed."""
    parts = named_parts(name, description)
    if disks:
        said = [specification(text, ("checkpoint", "bitmap"), first="name") for text in disks]
        parts.append(element("disks", None, [element("disk", one) for one in said]))
    return element("domaincheckpoint", None, parts)


@command("checkpoint-list")
@domain()
@list_options
@flag_options(FILTERS)
@click.pass_obj
def checkpoint_list(
    shell: Shell,
    name: str,
    parent: bool,
    tree: bool,
    names: bool,
    from_: str | None,
    descendants: bool,
    flags: int,
) -> None:
    found = chosen(shell, CHECKPOINT, name, flags, from_, descendants or (tree and from_ is not None))
    shape = Shape(parent, tree, names, bool(flags & ListFlags.TOPOLOGICAL))
    show_list(shell, CHECKPOINT, name, found, shape, states=False)


@command("checkpoint-info")
@moment(CHECKPOINT)
@click.pass_obj
def checkpoint_info(shell: Shell, name: str, which: str | None) -> None:
    pairs = info_pairs(find(shell, CHECKPOINT, name, which))
    show(shell.options, {label.lower(): value for label, value in pairs}, Pairs(pairs))


@command("checkpoint-dumpxml")
@moment(CHECKPOINT)
@click.option("--security-info", "secure", is_flag=True, help="Include passwords.")
@click.option("--no-domain", is_flag=True, help="Without the domain's definition.")
@click.option("--size", is_flag=True, help="With how much of each disk has changed since.")
@xml_options
@click.pass_obj
def checkpoint_dumpxml(shell: Shell, name: str, which: str | None, xpath: str | None, wrap: bool, **what: bool) -> None:
    found: Checkpoint = find(shell, CHECKPOINT, name, which)
    show_xml(shell, moment_data(found), found.xml(**what), xpath, wrap)


@command("checkpoint-edit")
@moment(CHECKPOINT)
@click.pass_obj
def checkpoint_edit(shell: Shell, name: str, which: str | None) -> None:
    from ..revising import revise

    found: Checkpoint = find(shell, CHECKPOINT, name, which)

    def take(xml: str) -> None:
        shell.domain(name).checkpoints.create(xml, redefine=True)

    changed = revise(found.xml(secure=True), take)
    finish(shell, CHECKPOINT, found, "changed" if changed else "not changed")


COMMANDS = {
    one.name: one
    for one in (
        checkpoint_create,
        checkpoint_create_as,
        delete_command("checkpoint-delete", CHECKPOINT),
        checkpoint_dumpxml,
        checkpoint_edit,
        checkpoint_info,
        checkpoint_list,
        parent_command("checkpoint-parent", CHECKPOINT),
    )
}
