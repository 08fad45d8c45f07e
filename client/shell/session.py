"""What a command gets to work with: the options given before it, the host, and how it tells what came of it.

A Shell is made for one command and closed after it. It connects when the host is first asked for. (Plain classes here
and tuples elsewhere, where dataclasses would do: making a dataclass takes about a millisecond.)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...wire.errors import VirtError
from . import complaints
from .selection import Selection, choose, find

if TYPE_CHECKING:
    from ...wire.table import DomainRef
    from ..bulk import Errand
    from ..domain import Domain
    from ..host import Host
    from ..trace import CallTrace

Key = TypeVar("Key", bound=Hashable)
Outcome = TypeVar("Outcome")


class Options:
    """What was said on the command line that holds for any command; ``deadline`` is in seconds."""

    def __init__(
        self,
        uri: str | None = None,
        root: str | None = None,
        readonly: bool = False,
        quiet: bool = False,
        deadline: float | None = None,
        json: bool = False,
        trace: bool = False,
        escape: str = "^]",
    ) -> None:
        self.uri = uri
        self.root = root
        self.readonly = readonly
        self.quiet = quiet
        self.deadline = deadline
        self.json = json
        self.trace = trace
        self.escape = escape


class Shell:
    """One run of a command. ``failures`` has what went wrong and for whom, ``traces`` the calls, if they are wanted."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.failures: list[tuple[str | None, VirtError]] = []
        self.traces: list[CallTrace] = []
        self._host: Host | None = None

    @property
    def host(self) -> Host:
        """The connection, made when it is first asked for. Raises what ``connect`` raises."""
        if self._host is None:
            from ..host import connect

            self._host = connect(
                self.options.uri,
                readonly=self.options.readonly,
                deadline=self.options.deadline,
                root=self.options.root,
                on_trace=self.traces.append if self.options.trace else None,
            )
        return self._host

    def close(self) -> None:
        """Disconnect, if we are connected."""
        if self._host is not None:
            self._host.close()

    def domain(self, name: str) -> Domain:
        """The domain with that id, name or UUID. Raises NoDomain."""
        return find(self.host, name)

    def choose(self, selection: Selection) -> list[Domain]:
        """The domains of a selection. Of several, those that are not there are failures of the command."""
        chosen, missing = choose(self.host, selection)
        for name, error in missing.items():
            self.fail(error, name)
        return chosen

    def run(
        self, errands: Iterable[tuple[Key, Errand[Outcome]]], *, but: type[VirtError] | tuple[()] = ()
    ) -> Iterator[tuple[Key, Outcome]]:
        """Run errands concurrently; gives what came of each as it comes, by its key.

        One that fails is a failure of the command (``but`` one of that kind is left out), and does not touch the
        others. Its key, a Domain or a text, names it where there are several.
        """
        from ..bulk import Pipeline

        under_way = list(errands)
        for key, outcome in Pipeline(self.host._session, self.options.deadline).run(under_way):
            if isinstance(outcome, but):
                continue
            if isinstance(outcome, VirtError):
                self.fail(outcome, getattr(key, "name", str(key)) if len(under_way) > 1 else None)
            else:
                yield key, outcome

    def ask(
        self,
        domains: Iterable[Domain],
        question: Callable[[DomainRef], Errand[Outcome]],
        *,
        but: type[VirtError] | tuple[()] = (),
    ) -> list[tuple[Domain, Outcome]]:
        """Each domain with its answer, in their order; see ``run`` for those that could not answer."""
        asked = list(domains)
        answers = dict(self.run(((domain, question(domain.ref)) for domain in asked), but=but))
        return [(domain, answers[domain]) for domain in asked if domain in answers]

    def say(self, text: str) -> None:
        """Tell of a success; not when quiet, nor where JSON is wanted."""
        if not (self.options.quiet or self.options.json):
            click.echo(text)

    def fail(self, error: VirtError, subject: str | None = None) -> None:
        """Note a failure and tell of it; the command goes on and ends with status 1."""
        self.failures.append((subject, error))
        click.echo(complaints.line_of(error, subject), err=True)

    def failures_as_data(self) -> list[dict[str, Any]]:
        return [complaints.as_data(error, subject) for subject, error in self.failures]
