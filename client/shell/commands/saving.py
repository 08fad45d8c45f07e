"""A guest's memory in files: save, restore, save-image-*, managedsave*, dump."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.enums.domain_tuning import DomainCoreDumpFormat, DomainSaveRestoreFlags
from ....wire.table import ROWS, DomainRef
from ..declaring import command, data, domain, domains
from ..flags import Flag, flag_options
from ..render import print_json
from ..selection import Selection
from ..session import Shell
from .actions import act, act_with, finish
from .definitions import read
from .documents import show_xml, xml_options

if TYPE_CHECKING:
    from ...bulk import Errand

Function = Callable[..., Any]
_HAS_MANAGED_SAVE = ROWS["domain_has_managed_save_image"]
_MANAGED_SAVE_REMOVE = ROWS["domain_managed_save_remove"]
FILE = click.Path(allow_dash=True)

_FORMATS = {
    "elf": DomainCoreDumpFormat.RAW,
    "kdump-zlib": DomainCoreDumpFormat.KDUMP_ZLIB,
    "kdump-lzo": DomainCoreDumpFormat.KDUMP_LZO,
    "kdump-snappy": DomainCoreDumpFormat.KDUMP_SNAPPY,
    "win-dmp": DomainCoreDumpFormat.WIN_DMP,
}
SAVE_FLAGS: dict[str, Flag] = {
    "bypass-cache": (DomainSaveRestoreFlags.BYPASS_CACHE, "Write without the host's page cache."),
    "running": (DomainSaveRestoreFlags.RUNNING, "Let it run when it is started again."),
    "paused": (DomainSaveRestoreFlags.PAUSED, "Let it be paused when it is started again."),
}


def restored_state(function: Function) -> Function:
    """--running and --paused: what a guest is to be once its memory is loaded."""
    paused = click.option("--paused", is_flag=True, help="Let it be paused when it is started again.")
    return click.option("--running", is_flag=True, help="Let it run when it is started again.")(paused(function))


def _text_of(path: str | None) -> str | None:
    return None if path is None else read(path)


@command("save")
@domain(applies=Flags.ACTIVE)
@data("file", click.Path(), "Where to, on the domain's host.", needed=True)
@click.option("--bypass-cache", is_flag=True, help="Write without the host's page cache.")
@data("xml", FILE, "A file with the definition to keep there.")
@restored_state
@click.option("--verbose", is_flag=True, help="Tell how far it is.")
@click.pass_obj
def save(
    shell: Shell,
    name: str,
    file: str,
    bypass_cache: bool,
    xml: str | None,
    running: bool,
    paused: bool,
    verbose: bool,
) -> None:
    from .progress import shown

    document = _text_of(xml)
    chosen = shell.domain(name)
    with shown(shell, chosen, "Save", verbose):
        chosen.save(_absolute(file), document, bypass_cache=bypass_cache, running=running, paused=paused)
    finish(shell, chosen, f"saved to {file}")


def _absolute(path: str) -> str:
    """A path from where the command runs, as the daemon has to know it."""
    import os.path

    return os.path.abspath(path)


@command("restore")
@data("file", click.Path(), "From where, on the host.", needed=True)
@click.option("--bypass-cache", is_flag=True, help="Read without the host's page cache.")
@data("xml", FILE, "A file with the definition to use instead of the one there.")
@restored_state
@click.option("--reset-nvram", is_flag=True, help="Take fresh firmware variables from their template.")
@click.pass_obj
def restore(
    shell: Shell, file: str, bypass_cache: bool, xml: str | None, running: bool, paused: bool, reset_nvram: bool
) -> None:
    shell.host.domains.restore(
        _absolute(file),
        _text_of(xml),
        bypass_cache=bypass_cache,
        running=running,
        paused=paused,
        reset_nvram=reset_nvram,
    )
    _said(shell, f"domain restored from {file}", file)


def _said(shell: Shell, text: str, file: str) -> None:
    shell.say(text)
    if shell.options.json:
        print_json({"file": file, "failed": []})


@command("save-image-dumpxml")
@data("file", click.Path(), "The file, on the host.", needed=True)
@click.option("--security-info", is_flag=True, help="Include passwords.")
@xml_options
@click.pass_obj
def save_image_dumpxml(shell: Shell, file: str, security_info: bool, xpath: str | None, wrap: bool) -> None:
    xml = shell.host.domains.save_image_xml(_absolute(file), secure=security_info)
    show_xml(shell, {"file": file}, xml, xpath, wrap)


@command("save-image-define")
@data("file", click.Path(), "The file, on the host.", needed=True)
@data("xml", FILE, "A file with the definition.", needed=True)
@restored_state
@click.pass_obj
def save_image_define(shell: Shell, file: str, xml: str, running: bool, paused: bool) -> None:
    shell.host.domains.define_save_image(_absolute(file), read(xml), running=running, paused=paused)
    _said(shell, f"definition in {file} replaced", file)


@command("managedsave")
@domains(applies=Flags.ACTIVE)
@flag_options(SAVE_FLAGS)
@click.option("--verbose", is_flag=True, help="Tell how far it is.")
@click.pass_obj
def managedsave(shell: Shell, selection: Selection, flags: int, verbose: bool) -> None:
    from .progress import shown

    watched = shell.domain(selection.names[0]) if verbose and selection.is_one else None
    with shown(shell, watched, "Managedsave", verbose):
        act(shell, selection, "state saved", "domain_managed_save", flags)


@command("managedsave-remove")
@domains(applies=Flags.MANAGEDSAVE)
@click.pass_obj
def managedsave_remove(shell: Shell, selection: Selection) -> None:
    removed: set[bytes] = set()

    def remove(ref: DomainRef) -> Errand[DomainRef]:
        if (yield _HAS_MANAGED_SAVE, (ref, 0))[0] > 0:
            yield _MANAGED_SAVE_REMOVE, (ref, 0)
            removed.add(ref.uuid)
        return ref

    def told(ref: DomainRef) -> str:
        return "saved state removed" if ref.uuid in removed else "has no saved state to remove"

    act_with(shell, ((domain, remove(domain.ref)) for domain in shell.choose(selection)), told)


@command("managedsave-dumpxml")
@domain(applies=Flags.MANAGEDSAVE)
@click.option("--security-info", is_flag=True, help="Include passwords.")
@xml_options
@click.pass_obj
def managedsave_dumpxml(shell: Shell, name: str, security_info: bool, xpath: str | None, wrap: bool) -> None:
    chosen = shell.domain(name)
    show_xml(shell, {"name": chosen.name}, chosen.managed_save_xml(secure=security_info), xpath, wrap)


@command("managedsave-define")
@domain(applies=Flags.MANAGEDSAVE)
@data("xml", FILE, "A file with the definition.", needed=True)
@restored_state
@click.pass_obj
def managedsave_define(shell: Shell, name: str, xml: str, running: bool, paused: bool) -> None:
    document = read(xml)
    chosen = shell.domain(name)
    chosen.define_managed_save(document, running=running, paused=paused)
    finish(shell, chosen, "definition of its saved state replaced")


@command("dump")
@domain(applies=Flags.ACTIVE)
@data("file", click.Path(), "Where to, on the domain's host.", needed=True)
@click.option("--live", is_flag=True, help="Let the guest run meanwhile.")
@click.option("--crash", is_flag=True, help="Stop it afterwards, as crashed.")
@click.option("--bypass-cache", is_flag=True, help="Write without the host's page cache.")
@click.option("--reset", is_flag=True, help="Reset it afterwards.")
@click.option("--verbose", is_flag=True, help="Tell how far it is.")
@click.option("--memory-only", is_flag=True, help="Its memory and registers only.")
@data("format", click.Choice(list(_FORMATS)), "Of a dump of memory only.", metavar="FORMAT")
@click.pass_obj
def dump(
    shell: Shell, name: str, file: str, verbose: bool, memory_only: bool, format: str | None, **flags: bool
) -> None:
    from .progress import shown

    if format is not None and not memory_only:
        raise click.UsageError("--format wants --memory-only")
    chosen = shell.domain(name)
    with shown(shell, chosen, "Dump", verbose):
        chosen.core_dump(_absolute(file), _FORMATS[format or "elf"], memory_only=memory_only, **flags)
    finish(shell, chosen, f"dumped to {file}")


COMMANDS = {
    one.name: one
    for one in (
        dump,
        managedsave,
        managedsave_define,
        managedsave_dumpxml,
        managedsave_remove,
        restore,
        save,
        save_image_define,
        save_image_dumpxml,
    )
}
