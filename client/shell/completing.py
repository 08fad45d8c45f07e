"""Completion: the scripts that shells load, and the answers that those scripts ask us for.

click walks the command line and knows commands and options. Here are the parts of our own: names of domains, asked of
the daemon within a short deadline, and bash's side of it. Nothing here prints an error or fails: a shell that is being
typed in shows everything at once, so where something is wrong there is nothing to complete.

Rejected: click's script for bash. It counts words as bash splits them, at colons too, and so loses its place after any
`-c test:///default`; and it completes only up to the first blank of a name.
"""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stderr, suppress
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    split_arg_string,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..host import Host

PROGRAM = "virtactor"
VARIABLE = "_VIRTACTOR_COMPLETE"
DEADLINE = 1.0

_BASH = """\
%(complete_func)s() {
    local line kind value
    COMPREPLY=()
    while IFS= read -r line; do
        kind=${line%%%%,*} value=${line#*,}
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            *) COMPREPLY+=("$value") ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORD="$2" %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""
_BASH_SPECIAL = frozenset(" \t\n\\\"'`$&|;()<>*?[]{}!#~")


class LineComplete(BashComplete):
    """bash, by the whole line up to the cursor and the word that bash would replace."""

    source_template = _BASH

    @staticmethod
    def _check_version() -> None:
        """Nothing to check: the script holds for every bash that has `compopt`."""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("COMP_LINE", "")
        words = split_arg_string(line)[1:]
        if not words or line[-1:].isspace():
            return words, ""
        return words[:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        _, incomplete = self.get_completion_args()
        word = os.environ.get("COMP_WORD", "")
        # bash replaces its own last word only, which begins after a colon or an equals sign.
        done = len(incomplete) - len(word) if word and incomplete.endswith(word) else 0
        if not word and incomplete[-1:] in (":", "="):
            done = len(incomplete)
        return f"{item.type},{_quoted(str(item.value)[done:])}"


_CLASSES: dict[str, type[ShellComplete]] = {"bash": LineComplete, "zsh": ZshComplete, "fish": FishComplete}


def script(shell: str) -> str:
    """The script that ``shell`` is to load."""
    from .program import program

    return _CLASSES[shell](program, {}, PROGRAM, VARIABLE).source()


def answer(program: click.Command, instruction: str) -> int:
    """Print what can stand where the cursor is, for a script that asks; gives the exit status."""
    shell, _, what = instruction.partition("_")
    if what != "complete" or shell not in _CLASSES:
        return 1
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere), suppress(Exception, SystemExit):
        sys.stdout.write(_CLASSES[shell](program, {}, PROGRAM, VARIABLE).complete() + "\n")
    return 0


def domain_names(ctx: click.Context, applies: int, incomplete: str) -> list[CompletionItem]:
    """The names of a host's domains that begin so, of those that ``applies`` (ConnectListAllDomainsFlags) lets through.

    Without a daemon, or with one that does not answer at once, there are none.
    """

    def names(host: Host) -> Iterable[str]:
        return (domain.name for domain in host.domains.list(applies, deadline=DEADLINE))

    return host_words(ctx, names, incomplete)


def host_words(ctx: click.Context, ask: Callable[[Host], Iterable[str]], incomplete: str) -> list[CompletionItem]:
    """What ``ask`` gets of the host that begins so and does not stand there already, in order."""
    from ...wire.errors import VirtError
    from ..host import connect

    general: dict[str, Any] = ctx.find_root().params
    given = {word for key in ("by_place", "names") for word in ctx.params.get(key) or ()}
    with (
        suppress(VirtError),
        connect(
            general.get("uri"), root=general.get("root"), readonly=True, deadline=DEADLINE, reconnect=False
        ) as host,
    ):
        return [CompletionItem(word) for word in sorted({*ask(host)} - given) if word.startswith(incomplete)]
    return []


def items(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Those of ``words`` that begin so; ``incomplete`` may be a list with commas of which the last is begun."""
    done, comma, last = incomplete.rpartition(",")
    return [CompletionItem(f"{done}{comma}{word}") for word in words if word.startswith(last)]


def _quoted(text: str) -> str:
    return "".join(f"\\{sign}" if sign in _BASH_SPECIAL else sign for sign in text)
