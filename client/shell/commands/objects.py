"""What commands about a host's objects have in common (networks, pools, volumes, devices, …).

A ``Noun`` says how commands speak of one kind of objects. The functions below make the commands that every kind has: to
do something with some of them, to print a name or the XML of one, to take definitions from files, to edit, to list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ....wire.errors import InvalidArgument, SystemFailure, VirtError
from ...objects import HostObject, HostObjects, IdentifiedObject, LastingObject
from ..declaring import Function, command, data, files
from ..render import Table, Text, print_json, show
from ..session import Shell
from .definitions import read
from .documents import show_xml, xml_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ...host import Host

Decorator = Callable[[Function], Function]


def identity(thing: HostObject) -> dict[str, Any]:
    """What names an object that has a UUID or only a name, for JSON."""
    named = {"name": thing.name}
    return {**named, "uuid": str(thing.uuid)} if isinstance(thing, IdentifiedObject) else named


class Noun(NamedTuple):
    """A kind of objects: the ``option`` that names one, where they are found, their names for completing.

    ``plural`` is the key of several in JSON, ``data`` what JSON tells of each.
    """

    option: str
    help: str
    plural: str
    find: Callable[[Host, str], Any]
    names: Callable[[Host], Iterable[str]]
    data: Callable[[Any], dict[str, Any]] = identity


def named(option: str, plural: str, collection: Callable[[Host], HostObjects[Any]]) -> Noun:
    """A kind of objects of a host that have names and UUIDs."""
    return Noun(
        option,
        "Its name or UUID.",
        plural,
        lambda host, name: collection(host).lookup(name),
        lambda host: [thing.name for thing in collection(host)],
    )


class NounType(click.ParamType):
    """The name of an object, completed with those that there are."""

    def __init__(self, noun: Noun) -> None:
        self.name = noun.option
        self.noun = noun

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from ..completing import host_words

        return host_words(ctx, self.noun.names, incomplete)


def one(noun: Noun, into: str = "name", *, needed: bool = True, option: str | None = None) -> Decorator:
    """One object by name, passed as ``into``."""
    return data(option or noun.option, NounType(noun), noun.help, needed=needed, into=into)


def decorated(function: Function, decorators: Iterable[Decorator]) -> Function:
    """The function with decorators, the first of them outermost."""
    for decorator in reversed([*decorators, click.pass_obj]):
        function = decorator(function)
    return function


# What is done with some of them.


def acting(
    name: str, noun: Noun, done: str | Callable[..., str], act: Callable[..., Any], *options: Decorator
) -> click.Command:
    """A command that does something with one object or several, and tells of each.

    ``act`` is called with each and with the values of ``options``, ``done`` says what was done.
    """

    def run(shell: Shell, names: Sequence[str], **values: Any) -> None:
        said = done if isinstance(done, str) else done(**values)

        def errand(asked: str) -> Any:
            thing = noun.find(shell.host, asked)
            return act(thing, **values) or thing

        perform(shell, noun, names, errand, said)

    some = data(noun.option, NounType(noun), noun.help, needed=True, many=True, into="names")
    return command(name)(decorated(run, [some, *options]))


def defining(name: str, noun: Noun, done: str, make: Callable[..., Any], *options: Decorator) -> click.Command:
    """A command that makes an object of each file's XML; ``make`` takes the host, the XML and the options' values."""

    def run(shell: Shell, paths: Sequence[str], **values: Any) -> None:
        perform(shell, noun, paths, lambda path: make(shell.host, read(path), **values), done)

    return command(name)(decorated(run, [files, *options]))


def perform(shell: Shell, noun: Noun, subjects: Sequence[str], errand: Callable[[str], Any], done: str) -> list[Any]:
    """Run an errand for each subject, which gives an object; tell of each, go on after failures."""
    finished: list[Any] = []
    for subject in subjects:
        try:
            thing = errand(subject)
        except (SystemFailure, InvalidArgument) as error:
            shell.fail(error, subject if len(subjects) > 1 and error.object != subject else None)
        except VirtError as error:
            shell.fail(error, subject if len(subjects) > 1 else None)
        else:
            finished.append(thing)
            shell.say(f"{thing.name}: {done}")
    if shell.options.json:
        print_json({noun.plural: [noun.data(thing) for thing in finished], "failed": shell.failures_as_data()})
    return finished


def finish(shell: Shell, noun: Noun, thing: Any, done: str) -> None:
    """Tell what was done to one object, as ``perform`` does of several."""
    shell.say(f"{thing.name}: {done}")
    if shell.options.json:
        print_json({noun.plural: [noun.data(thing)], "failed": []})


def autostarting(name: str, noun: Noun) -> click.Command:
    """The command that marks objects to be started with the daemon."""

    def done(disable: bool) -> str:
        return "not started with the daemon any more" if disable else "started with the daemon from now on"

    disable = click.option("--disable", is_flag=True, help="Start it with the daemon no more.")
    return acting(name, noun, done, lambda thing, disable: thing.set_autostart(not disable), disable)


# What is asked of them.


def naming(name: str, noun: Noun, part: Callable[[Any], str], *options: Decorator) -> click.Command:
    """A command that prints one of an object's names."""

    def run(shell: Shell, name: str, **values: Any) -> None:
        thing = noun.find(shell.host, name, **values)
        show(shell.options, noun.data(thing), Text(part(thing)))

    return command(name)(decorated(run, [one(noun), *options]))


def dumping(name: str, noun: Noun, ask: Callable[..., str], *options: Decorator) -> click.Command:
    """A command that prints the XML of an object; ``ask`` takes it and the values of ``options``."""

    def run(shell: Shell, name: str, xpath: str | None, wrap: bool, **values: Any) -> None:
        thing = noun.find(shell.host, name)
        show_xml(shell, noun.data(thing), ask(thing, **values), xpath, wrap)

    return command(name)(decorated(run, [one(noun), *options, xml_options]))


def inactive(help: str = "The definition that the next start uses.") -> Decorator:
    return click.option("--inactive", is_flag=True, help=help)


VALIDATE = click.option("--validate", is_flag=True, help="Check the XML against the schema too.")


def next_xml(thing: Any) -> str:
    """The definition that the next start uses, from drivers too that have no other."""
    try:
        return thing.xml(inactive=True)
    except InvalidArgument:
        return thing.xml()


def editing(name: str, noun: Noun, ask: Callable[[Any], str], make: Callable[[Host, str], object]) -> click.Command:
    """A command that opens an object's definition in an editor and keeps what comes back."""

    def run(shell: Shell, name: str) -> None:
        from ..revising import revise

        thing = noun.find(shell.host, name)

        def take(xml: str) -> None:
            make(shell.host, xml)

        changed = revise(ask(thing), take)
        finish(shell, noun, thing, "definition changed" if changed else "definition not changed")

    return command(name)(decorated(run, [one(noun)]))


# Lists.


def by_name(things: Iterable[Any]) -> list[Any]:
    """In virsh's order."""
    return sorted(things, key=lambda thing: thing.name.casefold())


def activity(everything: bool, inactive: bool) -> dict[str, bool]:
    """Which objects a list is of, as keywords for the collection's ``list``: active ones unless it is said."""
    if everything:
        return {}
    return {"inactive": True} if inactive else {"active": True}


def listing_options(function: Function) -> Function:
    """--all and --inactive, passed as ``everything`` and ``inactive``."""
    click.option("--all", "everything", is_flag=True, help="Active and inactive ones.")(function)
    click.option("--inactive", is_flag=True, help="Inactive ones.")(function)
    return function


def filter_options(filters: Mapping[str, str]) -> Decorator:
    """Filters of lists as options, passed together as ``filters``: keywords for the collection's ``list``."""
    destinations = {name: f"only_{name.replace('-', '_')}" for name in filters}

    def decorate(function: Function) -> Function:
        @wraps(function)
        def gather(*args: Any, **values: Any) -> Any:
            wanted = {name: values.pop(destination) for name, destination in destinations.items()}
            chosen = {name.replace("-", "_"): True for name, given in wanted.items() if given}
            return function(*args, filters=chosen, **values)

        for name, help in reversed(list(filters.items())):
            click.option(f"--{name}", destinations[name], is_flag=True, help=help)(gather)
        return gather

    return decorate


# What lists of networks and pools filter by.
LASTING_FILTERS = {
    "persistent": "With a definition that outlives their stop.",
    "transient": "Gone when they stop.",
    "autostart": "Started with the daemon.",
    "no-autostart": "Not started with the daemon.",
}


def show_table(
    shell: Shell, noun: Noun, titles: Sequence[str], things: Sequence[Any], rows: Sequence[Sequence[str]], **more: Any
) -> None:
    """Show a list: its rows as a table, or as JSON by the columns' titles beside what names each thing."""
    keys = [title.lower().replace(" ", "_") for title in titles]
    listed = [
        {**dict(zip(keys, row, strict=True)), **noun.data(thing)} for thing, row in zip(things, rows, strict=True)
    ]
    show(shell.options, {noun.plural: listed}, Table(titles, rows, **more))


def show_words(shell: Shell, noun: Noun, things: Sequence[Any], word: Callable[[Any], str]) -> None:
    """Show one word of each object, a line each."""
    show(shell.options, {noun.plural: [noun.data(thing) for thing in things]}, Text("\n".join(map(word, things))))


def standing(thing: LastingObject) -> dict[str, bool]:
    """Whether it is there, stays, and comes with the daemon."""
    return {"active": thing.is_active(), "persistent": thing.is_persistent(), "autostart": thing.autostart()}


def standing_pairs(facts: Mapping[str, bool]) -> list[tuple[str, str]]:
    """The lines that tell it."""
    return [(name.capitalize(), yes_no(value)) for name, value in facts.items()]


def yes_no(value: bool) -> str:
    return "yes" if value else "no"
