"""Bulk statistics (virConnectGetAllDomainStats): every guest's QEMU is asked at once, the kernel for all in one thread.

The time is bounded. A guest whose QEMU has not answered within it is told of without what only QEMU knows; a caller
who speaks our own lane finds why, as ``PARTIAL``. A QEMU that was silent once is not waited for again until it says
something: it costs the first caller his patience, and nobody after him.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ....wire.documents.domain import DomainDefinition
from ....wire.enums.domain_tuning import ConnectGetAllDomainStatsFlags as Flags
from ....wire.enums.domain_tuning import DomainStatsTypes as Types
from ....wire.errors import MonitorFailure, OperationTimeout, VirtError
from ....wire.lanes import MSGPACK
from ....wire.params import ParamType, TypedParam
from ....wire.table import DomainRef
from ....wire.table.structs import StatsRecord
from ...call import Call
from ...foreign import translate
from ...monitor import monitor
from ...runtime import send
from ..directory import Entry
from ..domain_driver import DomainDriver
from .figures import ALL, Subject, figures, questions
from .guest import Guest
from .usage import Wanted, read_usage

# Seconds for QEMUs to answer: usually, and when the caller does not want to wait (NOWAIT).
BUDGET = 2.0
SHORT_BUDGET = 0.2
# Of what the caller is willing to wait, at most this part is spent on waiting for QEMUs.
SHARE = 0.5
# The figure that says why a record is not complete.
PARTIAL = "partial"

_CPUS = "query-cpus-fast"


@dataclass(frozen=True, slots=True)
class Sought:
    """What a caller wants to know of domains; ``until`` (a time of ``loop.time()``) QEMU may take to answer."""

    kinds: int
    backing: bool
    until: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a domain knows of itself, and why its QEMU did not tell more (empty: it did)."""

    subject: Subject
    missing: str = ""


@dataclass(frozen=True, slots=True)
class TellSubject:
    """A driver to its domain: tell what you know for these figures."""

    sought: Sought
    told: asyncio.Future[Found]

    def fail(self, error: BaseException) -> None:
        """The domain stopped with this in its mailbox, or has no definition any more."""
        if not self.told.done():
            self.told.set_exception(translate(error))


class Statistics(Guest):
    """A domain's part: what it knows, and what its QEMU says."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._listening: asyncio.Task[None] | None = None
        # The threads of the processors by their numbers, and of which process and definition they are.
        self._vcpu_threads: Mapping[int, int] = {}
        self._threads_of: tuple[Any, ...] = ()

    def on_message(self, message: Any) -> Any:
        if not isinstance(message, TellSubject):
            return super().on_message(message)
        known = self._subject(message.sought)
        asked = self._questions(known.definition, message.sought.kinds) if known.pid is not None else {}
        if asked and self._listening is None:
            self.spawn(self._tell_found(message, known, asked), name="figures")
        elif not message.told.done():
            missing = "its QEMU does not answer" if asked else ""
            message.told.set_result(Found(self._with_threads(known), missing))
        return None

    def _subject(self, sought: Sought) -> Subject:
        definition = self.definition
        memory = self.current_memory()
        pid = None if self.process is None or self.live is None else self.process.pid
        counted = self.counted() if pid is not None and sought.kinds & Types.PERF else {}
        return Subject(definition, int(self.state), int(self.reason), memory, sought.backing, pid, counted=counted)

    def _questions(self, definition: DomainDefinition, kinds: int) -> dict[str, tuple[str, dict[str, Any] | None]]:
        asked = questions(definition, kinds)
        if kinds & Types.VCPU and self._threads_of != self._whose_threads(definition):
            asked[_CPUS] = (_CPUS, None)
        return asked

    def _whose_threads(self, definition: DomainDefinition) -> tuple[Any, ...]:
        """What the threads of the processors depend on."""
        return (self.process, definition.vcpus, definition.current_vcpus, definition.vcpu_list)

    def _with_threads(self, subject: Subject) -> Subject:
        return replace(subject, threads=self._vcpu_threads) if subject.pid is not None else subject

    async def _tell_found(
        self, message: TellSubject, known: Subject, asked: dict[str, tuple[str, dict[str, Any] | None]]
    ) -> None:
        missing, answers = "", {}
        try:
            answers = await self._answers(asked, message.sought.until)
        except OperationTimeout as error:
            missing = error.message
            self._listen()
        except VirtError as error:
            missing = error.message
        except asyncio.CancelledError:
            message.fail(self.gone())
            raise
        if _CPUS in answers:
            self._vcpu_threads = {each["cpu-index"]: each["thread-id"] for each in answers[_CPUS]}
            self._threads_of = self._whose_threads(known.definition)
        if not message.told.done():
            message.told.set_result(Found(self._with_threads(replace(known, answers=answers)), missing))

    async def _answers(self, asked: dict[str, tuple[str, dict[str, Any] | None]], until: float) -> dict[str, Any]:
        """What QEMU says, by question; without what it refuses to say. Raises VirtError when it says nothing."""
        work = (self._one_answer(command, arguments, until) for command, arguments in asked.values())
        answers = await asyncio.gather(*work)
        told = dict(zip(asked, answers, strict=True))
        for answer in answers:
            if isinstance(answer, VirtError) and not isinstance(answer, MonitorFailure):
                raise answer
        return {name: answer for name, answer in told.items() if not isinstance(answer, VirtError)}

    async def _one_answer(self, command: str, arguments: dict[str, Any] | None, until: float) -> Any:
        """QEMU's answer, or the error that there is instead."""
        ref = self._monitor
        if ref is None or (self._ready is not None and not self._ready.done()):
            return OperationTimeout(f"the monitor of {self.label} does not answer", object=self.name)
        try:
            return await monitor.execute(ref, command, arguments, deadline=until)
        except VirtError as error:
            return error

    def _listen(self) -> None:
        """Wait, beside everything else, until a QEMU that was silent says something again."""
        if self._listening is None:
            self._listening = self.spawn(self._until_it_answers(), name="wait for QEMU")

    async def _until_it_answers(self) -> None:
        try:
            await self.execute(None, "query-status")
        except VirtError:
            return
        finally:
            self._listening = None


class DriverStatistics(DomainDriver):
    """The driver's part: whom to ask, and what comes of it."""

    figures = ALL
    figures_from = "this daemon or QEMU"

    async def connect_get_all_domain_stats(
        self, call: Call, doms: list[DomainRef], stats: int, flags: int
    ) -> tuple[list[StatsRecord]]:
        kinds = self.sought_kinds(call, stats, flags)
        now = self.runtime.loop.time()
        budget = min(SHORT_BUDGET if flags & Flags.NOWAIT else BUDGET, (call.deadline - now) * SHARE)
        sought = Sought(kinds, bool(flags & Flags.BACKING), now + budget)
        entries = self._entries(doms, flags)
        found = await self._ask(entries, sought)
        told = await self.runtime.in_thread(_all_figures, [each for _, each in found], sought.kinds)
        if call.lane is MSGPACK:
            for params, (_, each) in zip(told, found, strict=True):
                if each.missing:
                    params.append(TypedParam(PARTIAL, ParamType.STRING, each.missing))
        return ([StatsRecord(ref, params) for params, (ref, _) in zip(told, found, strict=True)],)

    async def _ask(self, entries: list[Entry], sought: Sought) -> list[tuple[DomainRef, Found]]:
        """What the domains know; without those that are gone by now."""
        loop = self.runtime.loop
        asked: list[tuple[DomainRef, asyncio.Future[Found]]] = []
        for entry in entries:
            told: asyncio.Future[Found] = loop.create_future()
            if send(entry.ref, TellSubject(sought, told)):
                asked.append((entry.domain_ref(), told))
        return [(ref, found) for ref, told in asked if (found := await _found(told)) is not None]


async def _found(told: asyncio.Future[Found]) -> Found | None:
    try:
        return await told
    except VirtError:
        return None


def _all_figures(found: list[Found], kinds: int) -> list[list[TypedParam]]:
    """The figures of all; what the kernel knows is read for all of them first. Blocks."""
    running = [each.subject for each in found if each.subject.pid is not None]
    stopped = [each.subject for each in found if each.subject.pid is None]
    usage = read_usage(
        Wanted(
            processes=[each.pid or 0 for each in running] if kinds & (Types.CPU_TOTAL | Types.BALLOON) else (),
            threads=[(each.pid or 0, thread) for each in running for thread in each.threads.values()]
            if kinds & Types.VCPU
            else (),
            traffic=bool(kinds & Types.INTERFACE) and any(each.definition.devices.interfaces for each in running),
            images=[path for each in stopped for disk in each.definition.devices.disks if (path := disk.source)]
            if kinds & Types.BLOCK
            else (),
        )
    )
    return [figures(each.subject, kinds, usage) for each in found]
