"""libvirt's flags as options: a table of names and bits becomes options whose bits arrive as ``flags``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntFlag
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Function = Callable[..., Any]

# A flag's bits, and what its option does.
Flag = tuple[int, str]


def flag_options(flags: Mapping[str, Flag], into: str = "flags") -> Callable[[Function], Function]:
    """An option for each flag; the bits of those given are passed together, as ``into``."""
    options = [(name, f"{into}_{name.replace('-', '_')}", int(bits), help) for name, (bits, help) in flags.items()]

    def decorate(function: Function) -> Function:
        @wraps(function)
        def gather(*args: Any, **values: Any) -> Any:
            chosen = sum(bits for _, destination, bits, _ in options if values.pop(destination))
            return function(*args, **{into: chosen}, **values)

        for name, destination, _, help in reversed(options):
            click.option(f"--{name}", destination, is_flag=True, help=help)(gather)
        return gather

    return decorate


class ModesType(click.ParamType):
    """How a guest is asked to stop: virsh's words, several with commas between them, as flags."""

    name = "modes"

    def __init__(self, flags: type[IntFlag]) -> None:
        self.words = {_mode_word(flag): int(flag) for flag in flags if flag}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        chosen = 0
        for word in filter(None, str(value).split(",")):
            if word not in self.words:
                self.fail(f"'{word}' is none of {', '.join(self.words)}", param, ctx)
            chosen |= self.words[word]
        return chosen

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from .completing import items

        return items(self.words, incomplete)


def modes(flags: type[IntFlag]) -> Callable[[Function], Function]:
    """--mode, passed as ``flags``; 0 leaves the way to the driver."""
    kind = ModesType(flags)
    return click.option(
        "--mode", "flags", type=kind, default=0, show_default=False, metavar="MODE[,MODE...]",
        help=f"How: {', '.join(kind.words)}.",
    )  # fmt: skip


def _mode_word(flag: IntFlag) -> str:
    return {"ACPI_POWER_BTN": "acpi", "GUEST_AGENT": "agent"}.get(flag.name or "", (flag.name or "").lower())
