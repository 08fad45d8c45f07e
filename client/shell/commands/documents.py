"""Commands that print XML: dumpxml, capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ....wire.enums.domain import DomainXMLFlags
from ....wire.table import ROWS, DomainRef
from ..declaring import command, domains
from ..flags import Flag, flag_options
from ..render import Text, show
from ..selection import Selection
from ..session import Shell
from .actions import as_data

if TYPE_CHECKING:
    from ...bulk import Errand

_XML = ROWS["domain_get_xml_desc"]
XML_FLAGS: dict[str, Flag] = {
    "inactive": (DomainXMLFlags.INACTIVE, "The definition that the next start uses."),
    "security-info": (DomainXMLFlags.SECURE, "Include passwords."),
}


@command("dumpxml")
@domains()
@flag_options(XML_FLAGS)
@click.pass_obj
def dumpxml(shell: Shell, selection: Selection, flags: int) -> None:
    def ask(ref: DomainRef) -> Errand[str]:
        return (yield _XML, (ref, flags))[0]

    answers = shell.ask(shell.choose(selection), ask)
    data = [{**as_data(domain.ref), "xml": xml} for domain, xml in answers]
    show(shell.options, {"domains": data}, *(Text(xml) for _, xml in answers))


@command("capabilities")
@click.pass_obj
def capabilities(shell: Shell) -> None:
    xml = shell.host.capabilities()
    show(shell.options, {"capabilities": xml}, Text(xml))


COMMANDS = {one.name: one for one in (capabilities, dumpxml)}
