"""What the commands about snapshots and checkpoints have in common: naming one of a domain's, lists, trees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from xml.etree import ElementTree

import click

from ....wire.errors import InvalidArgument
from ...domain import Domain
from ...snapshots import Checkpoint, Snapshot
from ..declaring import Function, command, data, domain
from ..render import Table, Text, print_json, show
from ..session import Shell
from ..trees import tree_lines
from ..xmltext import element

Moment = Snapshot | Checkpoint


class MomentKind(NamedTuple):
    """Snapshots or checkpoints: their ``word``, their collection, whether a domain has a current one."""

    word: str
    collection: Callable[[Domain], Any]
    has_current: bool

    @property
    def option(self) -> str:
        return f"{self.word}name"

    @property
    def plural(self) -> str:
        return f"{self.word}s"


SNAPSHOT = MomentKind("snapshot", lambda domain: domain.snapshots, has_current=True)
CHECKPOINT = MomentKind("checkpoint", lambda domain: domain.checkpoints, has_current=False)


def moment(kind: MomentKind) -> Callable[[Function], Function]:
    """A domain as ``name``, and one of its moments as ``which``; snapshots also as the ``current`` one."""

    def decorate(function: Function) -> Function:
        if kind.has_current:
            function = click.option("--current", is_flag=True, help="The current one.")(function)
        return domain()(data(kind.option, help="Its name.", into="which")(function))

    return decorate


def find(shell: Shell, kind: MomentKind, name: str, which: str | None, current: bool = False) -> Any:
    """The moment that is meant. Raises its NotFound, InvalidArgument where the domain has no current one."""
    if current and which is not None:
        raise click.UsageError(f"either --current or a {kind.word}'s name")
    if which is None and not current:
        raise click.UsageError(f"no {kind.word} is named")
    collection = kind.collection(shell.domain(name))
    if which is not None:
        return collection.lookup(which)
    found = collection.current()
    if found is None:
        raise InvalidArgument(f"domain '{shell.domain(name).name}' has no current {kind.word}")
    return found


def moment_data(found: Moment) -> dict[str, Any]:
    """What names a moment, for JSON."""
    return {"name": found.name, "domain": found.ref.dom.name}


def finish(shell: Shell, kind: MomentKind, found: Moment, done: str) -> None:
    """Tell what was done to a moment."""
    shell.say(f"{found.ref.dom.name}: {kind.word} {found.name} {done}")
    if shell.options.json:
        print_json({kind.plural: [moment_data(found)], "failed": []})


# What their XML says.


class Facts(NamedTuple):
    """What a moment's XML tells of it; ``created`` in seconds since 1970."""

    created: int | None
    state: str
    parent: str | None
    xml: ElementTree.Element

    @property
    def when(self) -> str:
        """When it was made, as virsh writes it."""
        if self.created is None:
            return ""
        return datetime.fromtimestamp(self.created, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def facts_of(found: Moment) -> Facts:
    xml = ElementTree.fromstring(found.xml())
    created = xml.findtext("creationTime")
    return Facts(
        int(created) if created else None, xml.findtext("state") or "", xml.findtext("parent/name") or None, xml
    )


# Lists.


def list_options(function: Function) -> Function:
    """What both lists take: columns, shapes, and from where on."""
    for option in reversed(
        (
            click.option("--parent", is_flag=True, help="With their parents."),
            click.option("--tree", is_flag=True, help="Below their parents."),
            click.option("--name", "names", is_flag=True, help="Names only."),
            click.option("--from", "from_", metavar="NAME", help="Those that were made after this one."),
            click.option("--descendants", is_flag=True, help="With --from: all that follow, not only its children."),
        )
    ):
        function = option(function)
    return function


class Shape(NamedTuple):
    """How a list is shown."""

    parent: bool = False
    tree: bool = False
    names: bool = False
    topological: bool = False


def chosen(
    shell: Shell, kind: MomentKind, name: str, flags: int, from_: str | None, descendants: bool, current: bool = False
) -> list[Any]:
    """The moments of a list, those that follow another if that is said."""
    if descendants and from_ is None and not current:
        raise click.UsageError("--descendants wants --from")
    if from_ is None and not current:
        return kind.collection(shell.domain(name)).list(flags)
    start = find(shell, kind, name, from_, current)
    return start.children(flags, descendants=descendants)


def show_list(shell: Shell, kind: MomentKind, name: str, found: Sequence[Any], shape: Shape, *, states: bool) -> None:
    """Show moments as a table, a tree, or by name; ``states`` is whether they have one."""
    ordered = list(found) if shape.topological else sorted(found, key=lambda one: one.name.casefold())
    domain = shell.domain(name)
    if shape.names and not shape.tree:
        listed = [moment_data(one) for one in ordered]
        show(shell.options, {kind.plural: listed}, Text("\n".join(one.name for one in ordered)))
        return
    facts = {one.name: facts_of(one) for one in ordered}
    told = [
        {
            "name": name,
            "domain": domain.name,
            "created": fact.created,
            "parent": fact.parent,
            **({"state": fact.state} if states else {}),
        }
        for name, fact in facts.items()
    ]
    if shape.tree:
        parents = {name: fact.parent for name, fact in facts.items()}
        show(shell.options, {kind.plural: told}, Text("\n".join(tree_lines(parents))))
        return
    titles = ("Name", "Creation Time", *(["State"] if states else []), *(["Parent"] if shape.parent else []))
    rows = [
        (name, fact.when, *([fact.state] if states else []), *([fact.parent or ""] if shape.parent else []))
        for name, fact in facts.items()
    ]
    show(shell.options, {kind.plural: told}, Table(titles, rows, states=2 if states else None))


def info_pairs(found: Moment, *facts: tuple[str, str]) -> list[tuple[str, str]]:
    """The lines that both kinds' info has: names first, then ``facts``, then the family."""
    parent = found.parent()
    return [
        ("Name", found.name),
        ("Domain", found.ref.dom.name),
        *facts,
        ("Parent", "-" if parent is None else parent.name),
        ("Children", str(len(found.children()))),
        ("Descendants", str(len(found.children(descendants=True)))),
    ]


def parent_command(name: str, kind: MomentKind) -> click.Command:
    """The command that prints the name of a moment's parent."""

    @command(name)
    @moment(kind)
    @click.pass_obj
    def run(shell: Shell, name: str, which: str | None, current: bool = False) -> None:
        found = find(shell, kind, name, which, current)
        parent = found.parent()
        if parent is None:
            raise InvalidArgument(f"{kind.word} '{found.name}' has no parent")
        show(shell.options, moment_data(parent), Text(parent.name))

    return run


def delete_command(name: str, kind: MomentKind) -> click.Command:
    """The command that deletes a moment, or those that were made after it."""

    @command(name)
    @moment(kind)
    @click.option("--children", is_flag=True, help="With all that were made after it.")
    @click.option("--children-only", is_flag=True, help="Only those.")
    @click.option("--metadata", "metadata_only", is_flag=True, help="Only the daemon's record.")
    @click.pass_obj
    def run(shell: Shell, name: str, which: str | None, current: bool = False, **what: bool) -> None:
        found = find(shell, kind, name, which, current)
        found.delete(**what)
        finish(shell, kind, found, "children deleted" if what["children_only"] else "deleted")

    return run


def naming(into: str) -> Callable[[Function], Function]:
    """What is said of a moment that is made from words: its name, its description, and whether it is made at all."""

    def decorate(function: Function) -> Function:
        function = click.option("--print-xml", is_flag=True, help="Print its XML and do nothing.")(function)
        function = data("description", help="What it is.")(function)
        return data("name", help="Its name; else the time.", into=into)(function)

    return decorate


XML_FILE = data("xmlfile", click.Path(allow_dash=True), "The file with its XML.")
QUIESCE = "Have the agent freeze the guest's file systems."


# Definitions.


def named_parts(name: str | None, description: str | None) -> list[str]:
    """What both kinds' definitions begin with."""
    return [element(tag, None, text) for tag, text in (("name", name), ("description", description)) if text]


def specification(text: str, known: Iterable[str], first: str | None = None) -> dict[str, str]:
    """What virsh's ``name,key=value,…`` says; the value without a key is ``first``'s. Two commas stand for one.

    Raises InvalidArgument for a key that is not known.
    """
    found: dict[str, str] = {}
    for number, part in enumerate(text.replace(",,", "\0").split(",")):
        key, equals, value = part.replace("\0", ",").partition("=")
        if not equals and number == 0 and first is not None:
            key, value = first, key
        elif key not in known:
            raise InvalidArgument(f"'{part}' in '{text}' is none of {', '.join(f'{one}=' for one in known)}")
        found[key] = value
    return found
