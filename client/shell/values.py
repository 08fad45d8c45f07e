"""Values as virsh takes and gives them: scaled sizes, sets of processors, and which configuration a change is for."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypedDict

import click

Function = Callable[..., Any]

_SIZE = re.compile(r"(\d+)\s*([A-Za-z]*)")
_BINARY = {letter: 1024**power for power, letter in enumerate("bkmgtpe")}
_DECIMAL = {letter: 1000**power for power, letter in enumerate("bkmgtpe")}


class Scaled(click.ParamType):
    """A size with a unit (``512``, ``1G``, ``1GiB``, ``1GB``), as a number of ``unit``, which is the default."""

    name = "size"

    def __init__(self, unit: str = "b") -> None:
        self.unit = unit

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(str(value).strip())
        scale = None if match is None else factor(match[2] or self.unit)
        if match is None or scale is None:
            self.fail(f"'{value}' is no size; sizes are like 512, 2G or 500MiB", param, ctx)
        return -(-int(match[1]) * scale // (factor(self.unit) or 1))


def factor(unit: str) -> int | None:
    """How many bytes a unit is; None for what is none."""
    text = unit.lower()
    if text in ("b", "byte", "bytes"):
        return 1
    if text[1:] in ("", "ib"):
        return _BINARY.get(text[:1])
    return _DECIMAL.get(text[:1]) if text[1:] == "b" else None


class Descriptors(click.ParamType):
    """Numbers of files that are open in the shell's own process (``5,6``), as whoever runs it has opened them."""

    name = "descriptors"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        words = str(value).split(",")
        if not all(word.isascii() and word.isdigit() for word in words):
            self.fail(f"'{value}' is no list of descriptors; they are numbers with commas between them", param, ctx)
        return tuple(map(int, words))


class FileGroup(click.ParamType):
    """Such numbers with a name (``image=5,6``), as the name and the numbers."""

    name = "group"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        if isinstance(value, tuple):
            return value
        name, equals, numbers = str(value).partition("=")
        if not equals:
            self.fail(f"'{value}' is no NAME=N[,M...]", param, ctx)
        return name, Descriptors().convert(numbers, param, ctx)


def pass_fds(what: str) -> Callable[[Function], Function]:
    """--pass-fds, passed as ``pass_fds``: () without it."""
    return click.option(
        "--pass-fds", type=Descriptors(), default=(), show_default=False, metavar="N[,M...]",
        help=f"Open files of this process, {what}.",
    )  # fmt: skip


class Impact(TypedDict):
    """Which configuration is meant, as keywords for the client's methods."""

    live: bool
    config: bool


def affecting(*, persistent: bool = False) -> Callable[[Function], Function]:
    """--config, --live and --current, passed as ``impact``; with ``persistent`` also virsh's older --persistent."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def gather(*args: Any, config: bool, live: bool, current: bool, **values: Any) -> Any:
            lasting = values.pop("lasting", False)
            if current and (config or live or lasting):
                raise click.UsageError("either --current, or --config and --live")
            if persistent:
                values["lasting"] = lasting
            return function(*args, impact=Impact(live=live, config=config), **values)

        click.option("--current", is_flag=True, help="What there is: the guest, if it runs; the default.")(gather)
        click.option("--live", is_flag=True, help="The running guest.")(gather)
        click.option("--config", is_flag=True, help="What the next start uses.")(gather)
        if persistent:
            click.option("--persistent", "lasting", is_flag=True, help="The guest, if it runs, and its next start.")(
                gather
            )
        return gather

    return decorate
