"""How commands are declared: their class, the options that all of them take, and arguments that name domains or files.

    @command("suspend")
    @domains(applies=Flags.RUNNING)
    @click.pass_obj
    def suspend(shell: Shell, selection: Selection) -> None: ...

Where virsh lets an argument be given as an option as well (``--domain NAME``, ``--file PATH``), so do we: ``data``
declares an option whose value may stand without its name, in the order of their declaration.

    @command("setmem")
    @data("domain", DOMAIN, needed=True)
    @data("size", Scaled("KiB"), needed=True)
    @affecting()
    @click.pass_obj
    def setmem(shell: Shell, domain: str, size: int, impact: Impact) -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from . import catalogue
from .selection import Selection
from .session import Shell

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Function = Callable[..., Any]
SECONDS = click.FloatRange(min=0, min_open=True)


class TableCommand(click.Command):
    """A command whose help is the table's, and which takes --json, --trace and --deadline after its name too."""

    def __init__(self, name: str | None, **settings: Any) -> None:
        super().__init__(name, **settings)
        self.params += [_general(name, settings, help) for name, (settings, help) in GENERAL.items()]

    def get_short_help_str(self, limit: int = 45) -> str:
        return catalogue.summary_of(self.name or "")

    @property
    def data(self) -> list[Data]:
        """The options whose values may stand without their names."""
        return [param for param in self.params if isinstance(param, Data)]

    def make_parser(self, ctx: click.Context) -> Any:
        """The parser of options, which then gives what stands without a name to the data that is still missing."""
        parser = super().make_parser(ctx)
        parse = parser.parse_args
        if self.data:
            parser.parse_args = lambda args: self._placed(*parse(args))
        return parser

    def _placed(self, given: Any, rest: list[str], order: list[Any]) -> tuple[Any, list[str], list[Any]]:
        for data in self.data:
            if rest and (data.multiple or data.name not in given):
                taken = len(rest) if data.multiple else 1
                values = rest[:taken]
                given[data.name] = [*given.get(data.name, ()), *values] if data.multiple else values[0]
                rest = rest[taken:]
                order.append(data)
        return given, rest, order

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), *(data.piece for data in self.data)]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Where no option is begun, values of the first data that is still missing."""
        missing = (data for data in self.data if data.multiple or ctx.params.get(data.name or "") is None)
        first = next(missing, None)
        if first is None or incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return first.shell_complete(ctx, incomplete)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for paragraph in catalogue.help_of(self.name or "").split("\n\n"):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(paragraph)


# The options that every command takes after its name too, as the program takes them before it.
GENERAL: dict[str, tuple[dict[str, Any], str]] = {
    "json": ({"is_flag": True}, "Print one JSON document."),
    "trace": ({"is_flag": True}, "Tell on stderr which way each call took."),
    "deadline": ({"type": SECONDS, "metavar": "SECONDS"}, "How long each call may take."),
}


def _general(name: str, settings: dict[str, Any], help: str) -> click.Option:
    def note(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if value and isinstance(ctx.obj, Shell):
            setattr(ctx.obj.options, name, value)

    return click.Option([f"--{name}"], expose_value=False, callback=note, help=help, **settings)


def command(name: str) -> Callable[[Function], click.Command]:
    """Make a function a command of that name; what it does is said in the table."""
    return click.command(name, cls=TableCommand)


class Data(click.Option):
    """An option whose value may be given by its place."""

    @property
    def piece(self) -> str:
        """How it is shown among the arguments: ``SIZE``, ``[SIZE]``, ``KEY...``."""
        name = f"{(self.opts[0]).lstrip('-').upper()}{'...' if self.multiple else ''}"
        return name if self.required else f"[{name}]"


def data(
    name: str,
    type: click.ParamType | Any = click.STRING,
    help: str = "",
    *,
    needed: bool = False,
    many: bool = False,
    metavar: str | None = None,
    into: str | None = None,
) -> Callable[[Function], Function]:
    """An argument of virsh's, passed as its name with underscores (or as ``into``): None, or () of ``many``, if absent.

    It can be given as an option too. One of which there may be ``many`` takes all that is left, so it comes last.
    """
    names = [f"--{name}", into or name.replace("-", "_")]
    return click.option(
        *names, cls=Data, type=type, help=help, required=needed, multiple=many, metavar=metavar or name.upper()
    )


class DomainType(click.ParamType):
    """A domain's name, UUID or id. It is completed with the names of the domains that ``applies`` lets through.

    ``words`` are completed as well: those of the argument that follows, of which click cannot tell where it begins.
    """

    name = "domain"

    def __init__(self, applies: int = 0, words: Iterable[str] = ()) -> None:
        self.applies = applies
        self.words = words

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from .completing import domain_names, items

        return [*domain_names(ctx, self.applies, incomplete), *items(self.words, incomplete)]


def domain(applies: int = 0) -> Callable[[Function], Function]:
    """One domain, passed as ``name``; other data may follow."""
    return data("domain", DomainType(applies), "Its id, name or UUID.", needed=True, into="name")


def domains(applies: int = 0, *, sweeping: bool = True, words: Iterable[str] = ()) -> Callable[[Function], Function]:
    """One or more domains, passed as ``selection``; with ``sweeping`` also patterns, or --all.

    ``applies`` (ConnectListAllDomainsFlags) says for which domains the command makes sense, ``words`` what may follow
    them.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def gather(*args: Any, **values: Any) -> Any:
            everything = values.pop("everything", False)
            return function(*args, selection=_select(_given(values), everything, applies, sweeping), **values)

        if sweeping:
            click.option("--all", "everything", is_flag=True, help="All domains that this applies to.")(gather)
        return _alternatives(gather, "domain", DomainType(applies, words))

    return decorate


def files(function: Function) -> Function:
    """One or more files with definitions, passed as ``paths``; ``-`` is the standard input."""

    @wraps(function)
    def gather(*args: Any, **values: Any) -> Any:
        return function(*args, paths=_at_least_one("file", _given(values)), **values)

    return _alternatives(gather, "file", click.Path(allow_dash=True))


def _alternatives(function: Function, what: str, kind: click.ParamType) -> Function:
    """Arguments that may as well be given as options; both are collected by ``_given``."""
    option = click.option(f"--{what}", "as_option", multiple=True, type=kind, metavar=what.upper(), hidden=True)
    argument = click.argument("by_place", nargs=-1, type=kind, metavar=f"{what.upper()}...")
    return argument(option(function))


def _given(values: dict[str, Any]) -> tuple[str, ...]:
    return (*values.pop("by_place"), *values.pop("as_option"))


def _at_least_one(what: str, given: tuple[str, ...]) -> tuple[str, ...]:
    if not given:
        raise click.UsageError(f"no {what} is named")
    return given


def _select(given: tuple[str, ...], everything: bool, applies: int, sweeping: bool) -> Selection:
    if everything and given:
        raise click.UsageError("either --all or domains, not both")
    return Selection(given if everything else _at_least_one("domain", given), everything, applies, sweeping)
