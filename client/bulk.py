"""One call on many guests: pipelined over one connection, with a bounded number under way.

What is done with each guest is an errand: a generator that yields calls, is sent their result fields, and returns its
outcome. A VirtError is raised in the errand that it happened to; it ends that, unless it is caught there, and no other.
A connection that is lost ends those that had a call under way on it; the rest go on over the next one, if the session
may make one.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from ..wire.enums.domain import DomainDestroyFlagsValues
from ..wire.errors import ConnectionLost, InvalidArgument, OperationTimeout, VirtError
from ..wire.table import ROWS, Row
from .domain import Domain
from .pending import Pending, unknown_effect
from .results import Progress, Results
from .waiting import Inbox

if TYPE_CHECKING:
    from ..wire.documents.domain import DomainDefinition
    from .reconnect import Session

_CREATE = ROWS["domain_create_xml"]
_DEFINE = ROWS["domain_define_xml_flags"]
_START = ROWS["domain_create_with_flags"]
_DESTROY = ROWS["domain_destroy_flags"]

WINDOW = 64

Key = TypeVar("Key")
Outcome = TypeVar("Outcome")
Errand = Generator[tuple[Row, tuple[Any, ...]], tuple[Any, ...], Outcome]


class _UnderWay(NamedTuple):
    key: Any
    errand: Errand[Any]
    args: tuple[Any, ...]
    began: float


def start_all(
    session: Session,
    definitions: Iterable[str | Domain | DomainDefinition],
    flags: int,
    transient: bool,
    deadline: float | None,
    window: int,
    progress: Progress | None,
) -> Results:
    """Start a guest from each definition; see ``Domains.start_all``. Raises InvalidArgument for what is none."""
    errands = [_starting(session, definition, flags, transient) for definition in definitions]
    return _recorded(Pipeline(session, deadline, window).run(errands), progress)


def destroy_all(
    session: Session,
    domains: Iterable[Domain],
    graceful: bool,
    deadline: float | None,
    window: int,
    progress: Progress | None,
) -> Results:
    """Stop each domain; see ``Domains.destroy_all``."""
    flags = int(DomainDestroyFlagsValues.GRACEFUL if graceful else DomainDestroyFlagsValues.DEFAULT)
    errands = [(domain.name, _destroy(domain, flags)) for domain in domains]
    return _recorded(Pipeline(session, deadline, window).run(errands), progress)


class Pipeline(Generic[Key, Outcome]):
    """Runs errands over a session, at most ``window`` calls at a time; ``deadline`` is each call's, in seconds."""

    def __init__(self, session: Session, deadline: float | None, window: int = WINDOW) -> None:
        if window < 1:
            raise InvalidArgument(f"a window of {window} calls")
        self._session = session
        self._deadline = deadline
        self._window = window
        self._inbox: Inbox[Pending] = Inbox()
        self._under_way: dict[Pending, _UnderWay] = {}

    def run(self, errands: Iterable[tuple[Key, Errand[Outcome]]]) -> Iterator[tuple[Key, Outcome | VirtError]]:
        """Each errand's key and outcome, or the error that ended it, as they come."""
        for key, errand in errands:
            while len(self._under_way) >= self._window:
                yield from self._finish_some()
            yield from self._advance(key, errand, None)
        while self._under_way:
            yield from self._finish_some()

    def _advance(
        self, key: Key, errand: Errand[Outcome], fields: Any, failure: VirtError | None = None
    ) -> Iterator[tuple[Key, Outcome | VirtError]]:
        try:
            row, args = errand.send(fields) if failure is None else errand.throw(failure)
            began = time.monotonic()
            pending = self._session.submit(row, args, self._deadline, self._inbox)
        except StopIteration as done:
            yield key, done.value
        except VirtError as error:
            yield key, error
        else:
            self._under_way[pending] = _UnderWay(key, errand, args, began)

    def _finish_some(self) -> Iterator[tuple[Key, Outcome | VirtError]]:
        oldest = next(iter(self._under_way))
        try:
            pending = self._inbox.take(oldest.connection, oldest.until)
        except ConnectionLost as loss:
            yield from self._give_up(oldest, loss)
            return
        if pending is None:
            oldest.forget()
            yield self._under_way.pop(oldest).key, OperationTimeout(f"no reply to {oldest.row.name} in time")
        elif pending in self._under_way:
            yield from self._take_reply(pending, self._under_way.pop(pending))

    def _take_reply(self, pending: Pending, way: _UnderWay) -> Iterator[tuple[Key, Outcome | VirtError]]:
        try:
            fields = self._session.outcome_of(pending, way.args, way.began)
        except VirtError as error:
            yield from self._advance(way.key, way.errand, None, error)
        else:
            yield from self._advance(way.key, way.errand, fields)

    def _give_up(self, oldest: Pending, loss: ConnectionLost) -> Iterator[tuple[Key, Outcome | VirtError]]:
        lost = [pending for pending in self._under_way if pending.connection is oldest.connection]
        for pending in lost:
            yield self._under_way.pop(pending).key, unknown_effect(loss, pending.row)


def _recorded(outcomes: Iterator[tuple[str, Domain | VirtError]], progress: Progress | None) -> Results:
    results = Results()
    for name, outcome in outcomes:
        unique = results.record(name, outcome)
        if progress is not None:
            progress(unique, outcome)
    return results


def _starting(
    session: Session, definition: str | Domain | DomainDefinition, flags: int, transient: bool
) -> tuple[str, Errand[Domain]]:
    if isinstance(definition, Domain):
        return definition.name, _start(definition, flags)
    xml = definition if isinstance(definition, str) else _formatted(definition)
    errand = _create(session, xml, flags) if transient else _define_and_start(session, xml, flags)
    return _name_in(xml), errand


def _start(domain: Domain, flags: int) -> Errand[Domain]:
    domain.update((yield _START, (domain.ref, flags))[0])
    return domain


def _create(session: Session, xml: str, flags: int) -> Errand[Domain]:
    return Domain(session, (yield _CREATE, (xml, flags))[0])


def _define_and_start(session: Session, xml: str, flags: int) -> Errand[Domain]:
    domain = Domain(session, (yield _DEFINE, (xml, 0))[0])
    return (yield from _start(domain, flags))


def _destroy(domain: Domain, flags: int) -> Errand[Domain]:
    yield _DESTROY, (domain.ref, flags)
    domain.update(domain.ref._replace(id=-1))
    return domain


def _formatted(definition: DomainDefinition) -> str:
    # Imported here: the document's model is only needed by those who have such values, and takes a while.
    from ..wire.documents.domain import DomainDefinition, format_domain

    if not isinstance(definition, DomainDefinition):
        raise InvalidArgument(f"{definition!r} is neither XML, a definition nor a domain")
    return format_domain(definition, secure=True)


def _name_in(xml: str) -> str:
    """The name in a definition, for telling its outcome; the daemon is the one to judge the XML."""
    from xml.etree import ElementTree

    try:
        name = ElementTree.fromstring(xml).findtext("name")
    except (ElementTree.ParseError, ValueError):
        name = None
    return (name or "").strip() or "(no name)"
