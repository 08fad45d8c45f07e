"""What is told of a start beside that it happened: media that were left out, an agent that is not there yet.

And where the guest's clock starts from, since QEMU counts from there what the guest makes of it.
"""

from __future__ import annotations

from datetime import datetime

import pykka

from ....wire.documents.domain import Channel, Disk, DomainDefinition
from ....wire.documents.replacing import replace
from ....wire.enums.domain_events import (
    ConnectDomainEventAgentLifecycleReason,
    ConnectDomainEventAgentLifecycleState,
    ConnectDomainEventDiskChangeReason,
)
from ....wire.table import ROWS
from ...call import Call
from ...monitor.monitor import Monitor
from .aliases import assign_aliases
from .live_changes import LiveChanges
from .live_news import adjustment, plugged_memory

AGENT = "org.qemu.guest_agent.0"

_AGENT_ROW = ROWS["domain_event_callback_agent_lifecycle"]
_BALLOON_ROW = ROWS["domain_event_balloon_change"]
_DISK_ROW = ROWS["domain_event_disk_change"]
_SIZE_ROW = ROWS["domain_event_memory_device_size_change"]
_REASONS = ConnectDomainEventAgentLifecycleReason
_STATES = {
    "connected": ConnectDomainEventAgentLifecycleState.CONNECTED,
    "disconnected": ConnectDomainEventAgentLifecycleState.DISCONNECTED,
}


class StartNews(LiveChanges):
    """Tells what a start comes with, and after a restart of the daemon what has changed meanwhile."""

    async def boot(self, call: Call, live: DomainDefinition, paused: bool) -> DomainDefinition:
        live = with_utc_basis(live, datetime.now().astimezone())
        self.clock_base = adjustment(live)
        started = with_modules_apart(await super().boot(call, live, paused))
        self._tell_left_out(live, started)
        if (state := agent_state(started)) is not None:
            self._tell_agent(state, _REASONS.DOMAIN_STARTED)
        return started

    async def catch_up(self, ref: pykka.ActorRef[Monitor]) -> None:
        before, memory = self.live, self.memory
        await super().catch_up(ref)
        if before is None or self.live is None:
            return
        state = agent_state(self.live)
        if state is not None and state != agent_state(before):
            self._tell_agent(state, _REASONS.CHANNEL)
        for old, new in zip(before.devices.memories, self.live.devices.memories, strict=True):
            if new.current is not None and new.current != old.current:
                self.publish(_SIZE_ROW, new.alias or "", new.current)
        if self.memory is not None and self.memory != memory:
            self.live = replace(self.live, current_memory=self.current_memory())
            self.save_live_state()
            self.publish(_BALLOON_ROW, self.memory)

    def current_memory(self) -> int:
        if self.memory is None or self.live is None:
            return super().current_memory()
        return self.memory + plugged_memory(self.live)

    def _tell_left_out(self, wanted: DomainDefinition, started: DomainDefinition) -> None:
        """Tell of each source that was not there and need not have been, the last disk first, as libvirt does."""
        found = {disk.target: disk for disk in started.devices.disks}
        for disk in reversed(assign_aliases(wanted).devices.disks):
            source, there = _source(disk), found.get(disk.target)
            if there is None:
                reason = ConnectDomainEventDiskChangeReason.DROP_MISSING_ON_START
            elif source is not None and _source(there) is None:
                reason = ConnectDomainEventDiskChangeReason.CHANGE_MISSING_ON_START
            else:
                continue
            self.publish(_DISK_ROW, source, None, disk.alias or "", int(reason))

    def _tell_agent(
        self, state: ConnectDomainEventAgentLifecycleState, reason: ConnectDomainEventAgentLifecycleReason
    ) -> None:
        self.publish(_AGENT_ROW, int(state), int(reason))


def agent_state(live: DomainDefinition) -> ConnectDomainEventAgentLifecycleState | None:
    """Whether the guest's agent has its channel open; None for a guest without such a channel."""
    channels = (each for each in live.devices.channels if isinstance(each, Channel) and each.name == AGENT)
    channel = next(channels, None)
    return None if channel is None else _STATES.get(channel.state or "disconnected")


def with_modules_apart(started: DomainDefinition) -> DomainDefinition:
    """The live definition whose current memory has of each virtio-mem no more than the guest has taken."""
    modules = [each for each in started.devices.memories if each.model == "virtio-mem"]
    if not modules:
        return started
    most = started.memory - sum(each.size for each in modules)
    current = min(started.current_memory or most, most)
    return replace(started, current_memory=current + plugged_memory(started))


def with_utc_basis(live: DomainDefinition, now: datetime) -> DomainDefinition:
    """The definition with its clock as far off UTC as it says that it is off ``now``'s zone."""
    clock = live.clock
    if clock is None or clock.offset != "variable" or clock.basis != "localtime":
        return live
    offset = now.utcoffset()
    seconds = 0 if offset is None else int(offset.total_seconds())
    return replace(live, clock=replace(clock, basis="utc", adjustment=(clock.adjustment or 0) + seconds))


def _source(disk: Disk) -> str | None:
    return disk.source or disk.source_dev
