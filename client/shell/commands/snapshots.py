"""snapshot-*: a domain as it was."""

from __future__ import annotations

from xml.etree import ElementTree

import click

from ....wire.enums.domain_jobs import DomainSnapshotListFlags as ListFlags
from ....wire.errors import InvalidArgument
from ...snapshots import Snapshot
from ..declaring import command, data, domain
from ..flags import Flag, flag_options
from ..render import Pairs, Text, show
from ..session import Shell
from ..xmltext import element
from .definitions import read
from .documents import show_xml, xml_options
from .moments import (
    QUIESCE,
    SNAPSHOT,
    XML_FILE,
    Shape,
    chosen,
    delete_command,
    facts_of,
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
from .objects import Decorator, decorated, yes_no

FILTERS: dict[str, Flag] = {
    "roots": (ListFlags.ROOTS, "Without parents."),
    "leaves": (ListFlags.LEAVES, "Without children."),
    "no-leaves": (ListFlags.NO_LEAVES, "With children."),
    "metadata": (ListFlags.METADATA, "Of which the daemon keeps a record."),
    "no-metadata": (ListFlags.NO_METADATA, "Of which it keeps none."),
    "inactive": (ListFlags.INACTIVE, "Of a domain that was off."),
    "active": (ListFlags.ACTIVE, "Of a running domain, with its memory."),
    "disk-only": (ListFlags.DISK_ONLY, "Of a running domain, without its memory."),
    "internal": (ListFlags.INTERNAL, "Kept inside the disks."),
    "external": (ListFlags.EXTERNAL, "Kept in files of their own."),
    "topological": (ListFlags.TOPOLOGICAL, "Parents before their children, not by name."),
}
_SECURE = click.option("--security-info", "secure", is_flag=True, help="Include passwords.")
# How a snapshot is made: the option, the client's keyword, what it does.
_MAKING = {
    "no-metadata": ("no_metadata", "Keep no record of it."),
    "halt": ("halt", "Stop the guest afterwards."),
    "disk-only": ("disk_only", "Without the guest's memory."),
    "reuse-external": ("reuse_external", "The files that it goes to are there."),
    "quiesce": ("quiesce", QUIESCE),
    "atomic": ("atomic", "All disks or none."),
    "live": ("live", "Let the guest run meanwhile."),
    "validate": ("validate", "Check the XML against the schema too."),
}
_REDEFINING = {
    "redefine": ("redefine", "Restore the record of one that is there."),
    "current": ("current", "As the current one, with --redefine."),
}


def _flags(options: dict[str, tuple[str, str]]) -> list[Decorator]:
    return [click.option(f"--{name}", keyword, is_flag=True, help=help) for name, (keyword, help) in options.items()]


def _create(shell: Shell, name: str, xmlfile: str | None, **how: bool) -> None:
    if how["current"] and not how["redefine"]:
        raise click.UsageError("--current wants --redefine")
    xml = "<domainsnapshot/>" if xmlfile is None else read(xmlfile)
    finish(shell, SNAPSHOT, shell.domain(name).snapshots.create(xml, **how), "created")


def _create_as(
    shell: Shell,
    name: str,
    snapshot_name: str | None,
    description: str | None,
    print_xml: bool,
    memspec: str | None,
    diskspec: tuple[str, ...],
    **how: bool,
) -> None:
    xml = snapshot_xml(snapshot_name, description, memspec, diskspec)
    if print_xml:
        show(shell.options, {"xml": xml}, Text(xml))
        return
    finish(shell, SNAPSHOT, shell.domain(name).snapshots.create(xml, **how), "created")


def snapshot_xml(name: str | None, description: str | None, memory: str | None, disks: tuple[str, ...]) -> str:
    """The definition that options make. Raises InvalidArgument for a specification that is malformed."""
    parts = named_parts(name, description)
    if memory is not None:
        said = specification(memory, ("snapshot", "file"), first="file")
        parts.append(element("memory", {"snapshot": said.get("snapshot"), "file": said.get("file")}))
    if disks:
        parts.append(element("disks", None, [_disk(text) for text in disks]))
    return element("domainsnapshot", None, parts)


def _disk(text: str) -> str:
    said = specification(text, ("snapshot", "driver", "stype", "file"), first="name")
    kind = said.get("stype", "file")
    if kind not in ("file", "block"):
        raise InvalidArgument(f"'{kind}' in '{text}' is neither file nor block")
    inner = [element("driver", {"type": said["driver"]})] if "driver" in said else []
    if "file" in said:
        inner.append(element("source", {"file" if kind == "file" else "dev": said["file"]}))
    attributes = {"name": said["name"], "snapshot": said.get("snapshot"), "type": said.get("stype")}
    return element("disk", attributes, inner)


@command("snapshot-list")
@domain()
@list_options
@flag_options(FILTERS)
@click.option("--current", is_flag=True, help="Those that were made after the current one.")
@click.pass_obj
def snapshot_list(
    shell: Shell,
    name: str,
    parent: bool,
    tree: bool,
    names: bool,
    from_: str | None,
    descendants: bool,
    flags: int,
    current: bool,
) -> None:
    everything = descendants or (tree and (from_ is not None or current))
    found = chosen(shell, SNAPSHOT, name, flags, from_, everything, current)
    shape = Shape(parent, tree, names, bool(flags & ListFlags.TOPOLOGICAL))
    show_list(shell, SNAPSHOT, name, found, shape, states=True)


@command("snapshot-info")
@moment(SNAPSHOT)
@click.pass_obj
def snapshot_info(shell: Shell, name: str, which: str | None, current: bool) -> None:
    found: Snapshot = find(shell, SNAPSHOT, name, which, current)
    facts = facts_of(found)
    pairs = info_pairs(
        found,
        ("Current", yes_no(found.is_current())),
        ("State", facts.state),
        ("Location", "external" if _is_external(facts.xml, facts.state) else "internal"),
    )
    pairs.append(("Metadata", yes_no(found.has_metadata())))
    data = {label.lower(): value for label, value in pairs}
    show(shell.options, data, Pairs(pairs))


def _is_external(xml: ElementTree.Element, state: str) -> bool:
    """Whether it is in files of its own, by what its XML says of memory and disks."""
    if state == "disk-snapshot":
        return True
    places = [xml.find("memory"), *xml.iterfind("disks/disk")]
    return any(place is not None and place.get("snapshot") == "external" for place in places)


@command("snapshot-current")
@domain()
@click.option("--name", "names", is_flag=True, help="Its name instead of its XML.")
@_SECURE
@data("snapshotname", help="The one that is to be the current one.", into="which")
@click.pass_obj
def snapshot_current(shell: Shell, name: str, names: bool, secure: bool, which: str | None) -> None:
    if which is not None:
        if names or secure:
            raise click.UsageError("a snapshot's name makes it the current one; nothing is printed then")
        found: Snapshot = find(shell, SNAPSHOT, name, which)
        found = shell.domain(name).snapshots.create(found.xml(secure=True), redefine=True, current=True)
        finish(shell, SNAPSHOT, found, "is the current one")
        return
    found = find(shell, SNAPSHOT, name, None, current=True)
    if names:
        show(shell.options, moment_data(found), Text(found.name))
    else:
        xml = found.xml(secure=secure)
        show(shell.options, {**moment_data(found), "xml": xml}, Text(xml))


@command("snapshot-dumpxml")
@moment(SNAPSHOT)
@_SECURE
@xml_options
@click.pass_obj
def snapshot_dumpxml(
    shell: Shell, name: str, which: str | None, current: bool, secure: bool, xpath: str | None, wrap: bool
) -> None:
    found: Snapshot = find(shell, SNAPSHOT, name, which, current)
    show_xml(shell, moment_data(found), found.xml(secure=secure), xpath, wrap)


@command("snapshot-revert")
@moment(SNAPSHOT)
@click.option("--running", is_flag=True, help="Let the domain run afterwards.")
@click.option("--paused", is_flag=True, help="Leave its processors stopped.")
@click.option("--force", is_flag=True, help="Also where that is risky.")
@click.option("--reset-nvram", is_flag=True, help="Take fresh firmware variables from their template.")
@click.pass_obj
def snapshot_revert(shell: Shell, name: str, which: str | None, current: bool, **how: bool) -> None:
    found: Snapshot = find(shell, SNAPSHOT, name, which, current)
    found.revert(**how)
    finish(shell, SNAPSHOT, found, "is what the domain is again")


@command("snapshot-edit")
@moment(SNAPSHOT)
@click.option("--rename", is_flag=True, help="The name may change.")
@click.option("--clone", is_flag=True, help="Under another name, beside the one that there is.")
@click.pass_obj
def snapshot_edit(shell: Shell, name: str, which: str | None, current: bool, rename: bool, clone: bool) -> None:
    from ..revising import revise

    if rename and clone:
        raise click.UsageError("either --rename or --clone")
    # As virsh has it, a name beside --current says which snapshot is edited and becomes the current one.
    found: Snapshot = find(shell, SNAPSHOT, name, which, current and which is None)
    made: list[Snapshot] = []

    def take(xml: str) -> None:
        renamed = ElementTree.fromstring(xml).findtext("name") != found.name
        if renamed != (rename or clone):
            raise InvalidArgument("a snapshot's name is changed with --rename or --clone")
        made.append(shell.domain(name).snapshots.create(xml, redefine=True, current=current))

    changed = revise(found.xml(secure=True), take)
    if changed and rename:
        found.delete(metadata_only=True)
    finish(shell, SNAPSHOT, made[-1] if made else found, "changed" if changed else "not changed")


_DISKSPEC = data(
    "diskspec",
    help="Of a disk: NAME[,snapshot=TYPE][,driver=TYPE][,stype=TYPE][,file=PATH].",
    many=True,
    metavar="DISK",
)
COMMANDS = {
    one.name: one
    for one in (
        command("snapshot-create")(decorated(_create, [domain(), XML_FILE, *_flags({**_REDEFINING, **_MAKING})])),
        command("snapshot-create-as")(
            decorated(
                _create_as,
                [
                    domain(),
                    naming("snapshot_name"),
                    *_flags(_MAKING),
                    click.option("--memspec", metavar="SPEC", help="Of the memory: [file=]PATH[,snapshot=TYPE]."),
                    _DISKSPEC,
                ],
            )
        ),
        parent_command("snapshot-parent", SNAPSHOT),
        snapshot_current,
        delete_command("snapshot-delete", SNAPSHOT),
        snapshot_dumpxml,
        snapshot_edit,
        snapshot_info,
        snapshot_list,
        snapshot_revert,
    )
}
