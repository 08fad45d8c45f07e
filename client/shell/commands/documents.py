"""Commands that print XML: dumpxml, capabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

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
    "update-cpu": (DomainXMLFlags.UPDATE_CPU, "With what the host's processor adds to the guest's."),
    "migratable": (DomainXMLFlags.MIGRATABLE, "What another host has to know."),
}


def xml_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--xpath and --wrap: only some of the document."""
    wrap = click.option("--wrap", is_flag=True, help="What --xpath chooses, in one document.")
    xpath = click.option("--xpath", metavar="EXPRESSION", help="Only what an XPath expression chooses.")
    return xpath(wrap(function))


def show_xml(shell: Shell, data: dict[str, Any], xml: str, xpath: str | None, wrap: bool) -> None:
    """Show a document, or what ``xpath`` chooses of it."""
    text = _chosen(xml, xpath, wrap)
    show(shell.options, {**data, "xml": text}, Text(text))


def _chosen(xml: str, xpath: str | None, wrap: bool) -> str:
    if xpath is None:
        if wrap:
            raise click.UsageError("--wrap wants --xpath")
        return xml
    from ..xpath import chosen

    return chosen(xml, xpath, wrap)


@command("dumpxml")
@domains()
@flag_options(XML_FLAGS)
@xml_options
@click.pass_obj
def dumpxml(shell: Shell, selection: Selection, flags: int, xpath: str | None, wrap: bool) -> None:
    def ask(ref: DomainRef) -> Errand[str]:
        return _chosen((yield _XML, (ref, flags))[0], xpath, wrap)

    answers = shell.ask(shell.choose(selection), ask)
    data = [{**as_data(domain.ref), "xml": xml} for domain, xml in answers]
    show(shell.options, {"domains": data}, *(Text(xml) for _, xml in answers))


@command("capabilities")
@click.pass_obj
def capabilities(shell: Shell) -> None:
    xml = shell.host.capabilities()
    show(shell.options, {"capabilities": xml}, Text(xml))


COMMANDS = {one.name: one for one in (capabilities, dumpxml)}
