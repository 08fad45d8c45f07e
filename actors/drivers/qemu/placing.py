"""Where a running guest's threads are and what they get of the host, when its definition changes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from ....wire.documents.domain import DomainDefinition
from ....wire.errors import OperationInvalid
from ...call import Call
from .cgroups import USUAL_SHARES, USUAL_WEIGHT
from .command_line import Placement
from .command_line.placement import DEFAULT_PERIOD, PERIODS, QUOTAS, bound_nodes
from .guest import Guest
from .threads import QUESTIONS, Threads, place_threads

# What of a definition says what threads there are, and what they get.
PLACED = ("cputune", "memtune", "blkiotune", "numatune", "current_vcpus", "vcpu_list", "iothreads", "iothread_ids")
_USUAL_SCHEDULER: Mapping[str, int] = {
    f"{thread}{name}": value
    for thread in ("", "global_", "emulator_", "iothread_")
    for name, value in (("period", DEFAULT_PERIOD), ("quota", -1))
}
_RANGES: Mapping[str, range] = {
    f"{thread}_{name}": allowed
    for thread in ("vcpu", "global", "emulator", "iothread")
    for name, allowed in (("period", PERIODS), ("quota", QUOTAS))
}


class Placing(Guest):
    """How threads and control groups follow the definition."""

    usual_weight = USUAL_WEIGHT
    scheduler_ranges = _RANGES

    def usual_scheduler(self) -> Mapping[str, int]:
        version = self.around.files.groups(self.text_uuid).version_of("cpu")
        return {**_USUAL_SCHEDULER, "shares": USUAL_SHARES[version]}

    async def place_anew(self, call: Call, before: DomainDefinition, live: DomainDefinition) -> None:
        """Pin the guest's threads and set its limits, as at its start; what is limited no more is set free."""
        process = self.process
        assert process is not None
        had, wanted = self.around.placement(before), _with_nodes(before, live, self.around.placement(live))
        if had.is_empty and wanted.is_empty:
            return
        told = {question: await self.execute(call, question) for question in QUESTIONS}
        groups = self.around.files.groups(self.text_uuid)

        def place() -> None:
            threads = Threads.of(process.pid, told)
            groups.change(had, wanted, process.pid, threads)
            place_threads(wanted, threads)

        placing = asyncio.ensure_future(self.runtime.in_thread(place))
        try:
            await asyncio.shield(placing)
        except asyncio.CancelledError:
            # The guest is about to end: its groups must not be made while they are removed.
            await asyncio.wait((placing,))
            raise


def _with_nodes(before: DomainDefinition, live: DomainDefinition, wanted: Placement) -> Placement:
    """The placement of a guest whose memory is to be on other nodes. Raises OperationInvalid where QEMU holds it."""
    old, new = before.numatune, live.numatune
    if new is None or new.nodeset is None or (old is not None and old.nodeset == new.nodeset):
        return wanted
    if old is not None and old.mode not in (None, "restrictive"):
        raise OperationInvalid("change of nodeset for running domain requires restrictive numa mode", object=live.name)
    limits = (*(limit for limit in wanted.limits if limit.what != "mems"), bound_nodes(new.nodeset))
    return replace(wanted, limits=limits)
