"""Commands that take definitions from files: define, create. Several files are worked on at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from ....wire.enums.domain import DomainCreateFlags, DomainDefineFlags
from ....wire.errors import InvalidArgument, SystemFailure
from ....wire.table import ROWS, DomainRef
from ..declaring import command, files
from ..flags import Flag, flag_options
from ..session import Shell
from ..values import pass_fds
from .actions import act_with, finish
from .lifecycle import START_FLAGS

if TYPE_CHECKING:
    from ...bulk import Errand

DEFINE_FLAGS: dict[str, Flag] = {"validate": (DomainDefineFlags.VALIDATE, "Check the XML against the schema too.")}
CREATE_FLAGS: dict[str, Flag] = {
    "paused": START_FLAGS["paused"],
    "autodestroy": START_FLAGS["autodestroy"],
    "validate": (DomainCreateFlags.VALIDATE, DEFINE_FLAGS["validate"][1]),
    "reset-nvram": START_FLAGS["reset-nvram"],
}


@command("define")
@files
@flag_options(DEFINE_FLAGS)
@click.pass_obj
def define(shell: Shell, paths: Sequence[str], flags: int) -> None:
    act_with(shell, _errands(shell, paths, "domain_define_xml_flags", flags), "defined")


@command("create")
@files
@flag_options(CREATE_FLAGS)
@pass_fds("for the guest's process, from descriptor 3 on")
@click.option("--console", is_flag=True, help="Open its console afterwards.")
@click.pass_obj
def create(shell: Shell, paths: Sequence[str], flags: int, pass_fds: tuple[int, ...], console: bool) -> None:
    if (console or pass_fds) and len(paths) > 1:
        raise click.UsageError(f"--{'console' if console else 'pass-fds'} wants one file")
    if pass_fds:
        domain = shell.host.domains.create(read(paths[0]), flags=flags, files=pass_fds)
        finish(shell, domain, "started")
        created = [domain.ref]
    else:
        created = act_with(shell, _errands(shell, paths, "domain_create_xml", flags), "started")
    if console and created:
        from .console import talk

        talk(shell, shell.domain(created[0].name))


def _errands(shell: Shell, paths: Iterable[str], procedure: str, flags: int) -> Iterator[tuple[str, Errand[DomainRef]]]:
    """An errand for each file that can be read; the others are failures."""
    for path in paths:
        try:
            yield path, _hand_over(procedure, read(path), flags)
        except (SystemFailure, InvalidArgument) as error:
            shell.fail(error)


def _hand_over(procedure: str, xml: str, flags: int) -> Errand[DomainRef]:
    return (yield ROWS[procedure], (xml, flags))[0]


def read(path: str) -> str:
    """A file's text, or the standard input's for ``-``. Raises SystemFailure, InvalidArgument."""
    try:
        with click.open_file(path, encoding="utf-8") as file:
            return str(file.read())
    except OSError as error:
        raise SystemFailure(f"cannot read {path}: {error.strerror}", errno=error.errno, object=path) from error
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{path} is not UTF-8 text", object=path) from error


COMMANDS = {one.name: one for one in (create, define)}
