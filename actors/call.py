"""A call on its way through the daemon, the reply that goes back, and the trace that it carries when asked.

A Call is made by the connection that received it, passes the router, and ends at exactly one ``reply`` or ``fail``;
both are messages to the connection. Drivers may hand a call on (``forward``) to the object that it is about.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pykka

from ..wire.enums.error import ErrorDomain, ErrorNumber
from ..wire.errors import VirtError
from ..wire.lanes import MSGPACK, Lane
from ..wire.table.rows import Row, Target
from .descriptors import close_all
from .drivers.handle import LIBRARY_ERRORS
from .foreign import translate
from .runtime import send

if TYPE_CHECKING:
    from .connection.session import Session


logger = logging.getLogger("virtactor.objects")

# What a handler returns that has handed its call on: somebody else answers it.
FORWARDED = object()


@dataclass(slots=True)
class Span:
    """One stay of a call: where, doing what, from when (seconds since the call arrived) and for how long."""

    actor: str
    what: str
    depth: int
    at: float
    took: float = 0.0

    def to_wire(self) -> dict[str, Any]:
        return {"actor": self.actor, "what": self.what, "depth": self.depth, "at": self.at, "took": self.took}


@dataclass(slots=True)
class Trace:
    """The stays of one call, in the order in which they began; ``depth`` makes them a tree."""

    began: float = field(default_factory=time.perf_counter)
    spans: list[Span] = field(default_factory=list)

    def open(self, actor: str, what: str, depth: int) -> Span:
        span = Span(actor, what, depth, time.perf_counter() - self.began)
        self.spans.append(span)
        return span

    def close(self, span: Span) -> None:
        span.took = time.perf_counter() - self.began - span.at

    def to_wire(self) -> list[dict[str, Any]]:
        """The spans for the caller. Those still open lasted until now."""
        for span in self.spans:
            if not span.took:
                self.close(span)
        return [span.to_wire() for span in self.spans]


@contextmanager
def spanning(trace: Trace | None, actor: str, what: str) -> Iterator[None]:
    """Note what an actor does below the one that the call is with, if the call is traced."""
    if trace is None:
        yield
        return
    span = trace.open(actor, what, 3)
    try:
        yield
    finally:
        trace.close(span)


class Call:
    """One call of a client's.

    ``deadline`` is a time of ``loop.time()``; ``patience`` the seconds that it stood for when the call came. ``method``
    names the handler: the row's name, unless a driver has forwarded the call. ``lane`` is the encoding in which it came
    and is answered. ``descriptors`` came with it; those that no handler takes (``take_descriptors``) are closed when it
    is answered. ``attached`` go with the answer.
    """

    __slots__ = (
        "answered",
        "args",
        "attached",
        "deadline",
        "descriptors",
        "interrupted",
        "lane",
        "method",
        "patience",
        "row",
        "serial",
        "session",
        "trace",
    )

    def __init__(self, row: Row, args: tuple[Any, ...], session: Session, serial: int, lane: Lane = MSGPACK) -> None:
        self.row = row
        self.args = args
        self.session = session
        self.serial = serial
        self.lane = lane
        self.method = row.name
        self.deadline = 0.0
        self.patience = 0.0
        self.trace: Trace | None = None
        self.interrupted: str | None = None
        self.answered = False
        self.descriptors: tuple[int, ...] = ()
        self.attached: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"<Call {self.serial} {self.row.name} of {self.session.label}>"

    def reply(self, fields: tuple[Any, ...] = ()) -> None:
        """Answer with the row's result fields. The first answer counts, later ones are dropped."""
        if not self.answered:
            self.answered = True
            if self.descriptors:
                close_all(self.take_descriptors())
            reply = Reply(self, fields)
            if not send(self.session.connection, reply):
                reply.undelivered()

    def finish(self, result: tuple[Any, ...] | None, span: Span | None) -> None:
        """Answer with what a handler returned, None for no fields; ``span`` is its stay, where the call is traced."""
        if span is not None and self.trace is not None:
            self.trace.close(span)
        self.reply(result or ())

    def fail(self, error: BaseException) -> None:
        """Answer with an error; foreign exceptions are translated."""
        if not self.answered:
            self.answered = True
            self.drop()
            failure = Failure(self, self._with_area(translate(error)))
            if not send(self.session.connection, failure) and self.session.connection is None:
                logger.warning("%s: %s", self.row.name, failure.error)

    def take_descriptors(self) -> tuple[int, ...]:
        """The descriptors that came with the call; the caller's from now on, to close as well."""
        descriptors, self.descriptors = self.descriptors, ()
        return descriptors

    def attach(self, descriptor: int) -> None:
        """Send a descriptor with the answer, which closes it."""
        self.attached = (*self.attached, descriptor)

    def take_attached(self) -> tuple[int, ...]:
        """The descriptors that are to go with the answer; the caller's from now on."""
        attached, self.attached = self.attached, ()
        return attached

    def drop(self) -> None:
        """Close the descriptors that nobody took."""
        if self.descriptors or self.attached:
            close_all((*self.take_descriptors(), *self.take_attached()))

    def _with_area(self, error: VirtError) -> VirtError:
        """An error that does not say which area it comes from takes that of the part of the driver that answers."""
        driver = self.session.driver
        if error.domain == ErrorDomain.NONE and driver is not None and self.row.target is not Target.SESSION:
            part = driver.parts.get(self.row.part)
            if part is None or error.code == ErrorNumber.NO_SUPPORT:
                error.domain = LIBRARY_ERRORS[self.row.part]
            else:
                error.domain = part.errors
        return error

    def forward(self, ref: pykka.ActorRef[Any], method: str, *args: Any) -> object:
        """Hand the call on to another actor, which handles it as ``method(call, *args)``.

        A handler that forwards returns what this returns.
        """
        self.method = method
        self.args = args
        ref.tell(self)
        return FORWARDED


class Reply:
    """A call's result, for its connection to send."""

    __slots__ = ("call", "fields")

    def __init__(self, call: Call, fields: tuple[Any, ...]) -> None:
        self.call = call
        self.fields = fields

    def undelivered(self) -> None:
        """The caller is gone: nobody will attach to the stream that it asked for, or take its descriptors."""
        self.call.drop()
        if self.call.row.stream:
            self.fields[0].stop(block=False)

    def fail(self, error: BaseException) -> None:
        """The connection stopped with this in its mailbox."""
        self.undelivered()


class Failure:
    """A call's error, for its connection to send."""

    __slots__ = ("call", "error")

    def __init__(self, call: Call, error: Any) -> None:
        self.call = call
        self.error = error
