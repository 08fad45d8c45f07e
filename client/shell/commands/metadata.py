"""What is kept with a domain's definition: desc, metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ....wire.errors import NoDomainMetadata
from ..declaring import command, data, domain
from ..render import Text
from ..session import Shell
from ..values import Impact, affecting
from .actions import finish, tell

if TYPE_CHECKING:
    from ...domain import Domain


@command("desc")
@domain()
@affecting()
@click.option("--title", is_flag=True, help="The title, instead of the description.")
@click.option("--edit", is_flag=True, help="In an editor.")
@data("new-desc", help="What it is to be.", many=True, into="words")
@click.pass_obj
def desc(shell: Shell, name: str, impact: Impact, title: bool, edit: bool, words: Sequence[str]) -> None:
    chosen = shell.domain(name)
    what = "title" if title else "description"
    if edit:
        changed = _edit(chosen, title, impact)
        finish(shell, chosen, f"{what} {'changed' if changed else 'not changed'}")
    elif words:
        _set(chosen, title, " ".join(words), impact)
        finish(shell, chosen, f"{what} changed")
    else:
        text = _get(chosen, title, impact)
        tell(shell, chosen, {what: text}, _view(text, f"No {what} for domain: {chosen.name}"))


def _view(text: str | None, otherwise: str) -> Text:
    return Text(otherwise if text is None else text, spaced=False)


def _get(domain: Domain, title: bool, impact: Impact) -> str | None:
    return (domain.metadata.title if title else domain.metadata.description)(**impact)


def _set(domain: Domain, title: bool, text: str, impact: Impact) -> None:
    # An empty text is none.
    (domain.metadata.set_title if title else domain.metadata.set_description)(text or None, **impact)


def _edit(domain: Domain, title: bool, impact: Impact) -> bool:
    from ..revising import revise

    before = _get(domain, title, impact) or ""
    return revise(before, lambda text: _set(domain, title, text.rstrip("\n"), impact))


@command("metadata")
@domain()
@data("uri", help="The namespace.", needed=True)
@affecting()
@click.option("--edit", is_flag=True, help="In an editor.")
@data("key", help="The prefix by which the namespace is called in the definition.")
@data("set", help="The XML to keep.", into="xml", metavar="XML")
@click.option("--remove", is_flag=True, help="Forget it.")
@click.pass_obj
def metadata(
    shell: Shell, name: str, uri: str, impact: Impact, edit: bool, key: str | None, xml: str | None, remove: bool
) -> None:
    if edit + remove + (xml is not None) > 1:
        raise click.UsageError("one of --edit, --set and --remove")
    if (edit or xml is not None) and key is None:
        raise click.UsageError("--set and --edit want --key")
    chosen = shell.domain(name)
    if edit:
        from ..revising import revise

        before = chosen.metadata.element(uri, **impact) or ""
        changed = revise(before, lambda text: chosen.metadata.set_element(uri, text, key, **impact))
        finish(shell, chosen, f"metadata {'changed' if changed else 'not changed'}")
    elif remove or xml is not None:
        chosen.metadata.set_element(uri, xml, key, **impact)
        finish(shell, chosen, f"metadata {'removed' if remove else 'changed'}")
    else:
        text = chosen.metadata.element(uri, **impact)
        if text is None:
            raise NoDomainMetadata("nothing is kept under that namespace", object=chosen.name)
        tell(shell, chosen, {"uri": uri, "metadata": text}, Text(text))


COMMANDS = {one.name: one for one in (desc, metadata)}
