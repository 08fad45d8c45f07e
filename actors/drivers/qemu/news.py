"""What QEMU tells, as the events of libvirt's that are not of the lifecycle: a row per event of QEMU's.

The event is told after the domain has taken it in: whoever hears of it finds the domain's state and document changed.
Each event of QEMU's is also told as it is, to those who asked for QEMU's own (``domain_monitor_event``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ....wire.documents.domain import Channel, Disk, DomainDefinition
from ....wire.enums.domain_events import (
    ConnectDomainEventAgentLifecycleReason,
    ConnectDomainEventAgentLifecycleState,
    ConnectDomainEventBlockJobStatus,
    DomainEventCrashedDetailType,
    DomainEventGraphicsAddressType,
    DomainEventGraphicsPhase,
    DomainEventIOErrorAction,
    DomainEventTrayChangeReason,
    DomainEventType,
    DomainEventWatchdogAction,
)
from ....wire.enums.domain_jobs import DomainBlockJobType
from ....wire.enums.domain_tuning import (
    DomainMemoryFailureActionType,
    DomainMemoryFailureFlags,
    DomainMemoryFailureRecipientType,
)
from ....wire.table import ROWS, Row
from ....wire.table.structs import GraphicsAddress, GraphicsIdentity
from ...call import Call
from ...lifecycle import Event, Happening
from ...monitor.monitor import MonitorEvent, MonitorLost
from ...monitor.qmp import QmpEvent
from .launch import END_NOTICED
from .live_news import BYTES_PER_KIB, Data, disk_of_alias, disk_of_node, noted
from .process import Process
from .start_news import AGENT, StartNews
from .vcpu_changes import describes_vcpu

Fields = tuple[Any, ...]

_MONITOR_ROW = ROWS["domain_monitor_event"]
_CONTROL_ROW = ROWS["domain_event_control_error"]
_REMOVED_ROW = ROWS["domain_event_device_removed"]
_BLOCK_JOB_ROWS = (ROWS["domain_event_block_job"], ROWS["domain_event_block_job_2"])
_CRASH_LOADED = Event(DomainEventType.CRASHED, DomainEventCrashedDetailType.CRASHLOADED)


@dataclass(frozen=True, slots=True)
class Telling:
    """One event of libvirt's: its row, and the fields behind the domain; ``fields`` may give None: it is no news."""

    row: Row
    fields: Callable[[DomainDefinition, Data], Fields | None]


def _path(disk: Disk | None) -> str | None:
    return None if disk is None else disk.source or disk.source_dev or disk.source_name


# -- fields of each event ----------------------------------------------------------------------------------------------


def _none(live: DomainDefinition, data: Data) -> Fields:
    return ()


def _reboot(live: DomainDefinition, data: Data) -> Fields | None:
    """A guest that is to end with its restart does not restart."""
    return None if data.get("guest") and live.on_reboot == "destroy" else ()


def _clock(live: DomainDefinition, data: Data) -> Fields:
    """Seconds off what the clock is to show: UTC where the definition gives seconds, which follow the guest."""
    if live.clock is not None and live.clock.offset == "variable":
        return (live.clock.adjustment or 0,)
    return (int(data.get("offset", 0)),)


_WATCHDOG_ACTIONS = {
    "none": DomainEventWatchdogAction.NONE,
    "pause": DomainEventWatchdogAction.PAUSE,
    "reset": DomainEventWatchdogAction.RESET,
    "poweroff": DomainEventWatchdogAction.POWEROFF,
    "shutdown": DomainEventWatchdogAction.SHUTDOWN,
    "debug": DomainEventWatchdogAction.DEBUG,
    "inject-nmi": DomainEventWatchdogAction.INJECTNMI,
}


def _watchdog(live: DomainDefinition, data: Data) -> Fields:
    return (int(_WATCHDOG_ACTIONS.get(data.get("action", ""), 0)),)


_IO_ERROR_ACTIONS = {
    "ignore": DomainEventIOErrorAction.NONE,
    "stop": DomainEventIOErrorAction.PAUSE,
    "report": DomainEventIOErrorAction.REPORT,
}


def _io_error(live: DomainDefinition, data: Data) -> Fields:
    disk = disk_of_node(live, data.get("node-name", "")) or disk_of_alias(live, data.get("device", ""))
    action = int(_IO_ERROR_ACTIONS.get(data.get("action", ""), 0))
    return _path(disk) or "", (disk.alias if disk is not None else None) or "", action


def _io_error_reason(live: DomainDefinition, data: Data) -> Fields:
    return *_io_error(live, data), "enospc" if data.get("nospace") else ""


_FAMILIES = {
    "ipv4": DomainEventGraphicsAddressType.IPV4,
    "ipv6": DomainEventGraphicsAddressType.IPV6,
    "unix": DomainEventGraphicsAddressType.UNIX,
}


def _graphics(phase: DomainEventGraphicsPhase) -> Callable[[DomainDefinition, Data], Fields]:
    def told(live: DomainDefinition, data: Data) -> Fields:
        server, client = data.get("server", {}), data.get("client", {})
        named = (("x509dname", client.get("x509_dname")), ("saslUsername", client.get("sasl_username")))
        subject = [GraphicsIdentity(kind, name) for kind, name in named if name]
        return int(phase), _end(server), _end(client), str(server.get("auth", "")), subject

    return told


def _end(told: Data) -> GraphicsAddress:
    family = int(_FAMILIES.get(told.get("family", ""), DomainEventGraphicsAddressType.IPV4))
    return GraphicsAddress(family, str(told.get("host", "")), str(told.get("service", told.get("port", ""))))


def _tray(live: DomainDefinition, data: Data) -> Fields | None:
    disk = disk_of_alias(live, str(data.get("id") or data.get("device", "")))
    if disk is None:
        return None
    reason = DomainEventTrayChangeReason.OPEN if data.get("tray-open") else DomainEventTrayChangeReason.CLOSE
    return disk.alias or "", int(reason)


def _balloon(live: DomainDefinition, data: Data) -> Fields:
    return (int(data["actual"]) // BYTES_PER_KIB,)


def _device(live: DomainDefinition, data: Data) -> Fields | None:
    """A device without a name of its own is nobody's business."""
    return (str(data["device"]),) if data.get("device") else None


# What ACPI calls an ejection, asked for by the host or begun by the guest, and the ways in which it fails. A guest that
# is still at it has not failed (0x84).
_EJECTIONS = frozenset({0x3, 0x103})
_FAILURES = frozenset({0x1, 0x2, 0x80, 0x81, 0x82, 0x83})


def _refusal(live: DomainDefinition, data: Data) -> Fields | None:
    """What a guest reports of a device that it was to let go of."""
    told = data.get("info", {})
    failed = told.get("source") in _EJECTIONS and told.get("status") in _FAILURES
    return _device(live, told) if failed else None


def _agent(live: DomainDefinition, data: Data) -> Fields | None:
    channels = (each for each in live.devices.channels if isinstance(each, Channel) and each.alias == data.get("id"))
    if not any(channel.name == AGENT for channel in channels):
        return None
    states = ConnectDomainEventAgentLifecycleState
    state = states.CONNECTED if data.get("open") else states.DISCONNECTED
    return int(state), int(ConnectDomainEventAgentLifecycleReason.CHANNEL)


def _pass(live: DomainDefinition, data: Data) -> Fields:
    return (int(data.get("pass", 0)),)


def _threshold(live: DomainDefinition, data: Data) -> Fields | None:
    disk = disk_of_node(live, str(data.get("node-name", "")))
    if disk is None:
        return None
    return disk.target, _path(disk), int(data.get("write-threshold", 0)), int(data.get("amount-exceeded", 0))


_RECIPIENTS = {each.name.lower(): each for each in DomainMemoryFailureRecipientType}
_FAILURE_ACTIONS = {each.name.lower(): each for each in DomainMemoryFailureActionType}


def _memory_failure(live: DomainDefinition, data: Data) -> Fields | None:
    recipient, action = _RECIPIENTS.get(data.get("recipient", "")), _FAILURE_ACTIONS.get(data.get("action", ""))
    if recipient is None or action is None:
        return None
    told = data.get("flags", {})
    flags = DomainMemoryFailureFlags.ACTION_REQUIRED if told.get("action-required") else 0
    flags |= DomainMemoryFailureFlags.RECURSIVE if told.get("recursive") else 0
    return int(recipient), int(action), int(flags)


def _memory_size(live: DomainDefinition, data: Data) -> Fields | None:
    return (str(data["id"]), int(data.get("size", 0)) // BYTES_PER_KIB) if data.get("id") else None


def _tell(row: str, fields: Callable[[DomainDefinition, Data], Fields | None] = _none) -> Telling:
    return Telling(ROWS[row], fields)


_PHASES = DomainEventGraphicsPhase
_GRAPHICS = {
    phase: (_tell("domain_event_graphics", _graphics(phase)),)
    for phase in (_PHASES.CONNECT, _PHASES.INITIALIZE, _PHASES.DISCONNECT)
}
_REMOVAL_FAILED = (_tell("domain_event_callback_device_removal_failed", _device),)

# What is told of each event of QEMU's.
NEWS: Mapping[str, tuple[Telling, ...]] = {
    "RESET": (_tell("domain_event_reboot", _reboot),),
    "RTC_CHANGE": (_tell("domain_event_rtc_change", _clock),),
    "WATCHDOG": (_tell("domain_event_watchdog", _watchdog),),
    "BLOCK_IO_ERROR": (
        _tell("domain_event_io_error", _io_error),
        _tell("domain_event_io_error_reason", _io_error_reason),
    ),
    "VNC_CONNECTED": _GRAPHICS[_PHASES.CONNECT],
    "VNC_INITIALIZED": _GRAPHICS[_PHASES.INITIALIZE],
    "VNC_DISCONNECTED": _GRAPHICS[_PHASES.DISCONNECT],
    "SPICE_CONNECTED": _GRAPHICS[_PHASES.CONNECT],
    "SPICE_INITIALIZED": _GRAPHICS[_PHASES.INITIALIZE],
    "SPICE_DISCONNECTED": _GRAPHICS[_PHASES.DISCONNECT],
    "DEVICE_TRAY_MOVED": (_tell("domain_event_tray_change", _tray),),
    "WAKEUP": (_tell("domain_event_pmwakeup"),),
    "SUSPEND": (_tell("domain_event_pmsuspend"),),
    "SUSPEND_DISK": (_tell("domain_event_pmsuspend_disk"),),
    "BALLOON_CHANGE": (_tell("domain_event_balloon_change", _balloon),),
    "DEVICE_UNPLUG_GUEST_ERROR": _REMOVAL_FAILED,
    "ACPI_DEVICE_OST": (_tell("domain_event_callback_device_removal_failed", _refusal),),
    "VSERPORT_CHANGE": (_tell("domain_event_callback_agent_lifecycle", _agent),),
    "MIGRATION_PASS": (_tell("domain_event_callback_migration_iteration", _pass),),
    "BLOCK_WRITE_THRESHOLD": (_tell("domain_event_block_threshold", _threshold),),
    "MEMORY_FAILURE": (_tell("domain_event_memory_failure", _memory_failure),),
    "MEMORY_DEVICE_SIZE_CHANGE": (_tell("domain_event_memory_device_size_change", _memory_size),),
}

_JOB_STATUS = {
    "BLOCK_JOB_COMPLETED": ConnectDomainEventBlockJobStatus.COMPLETED,
    "BLOCK_JOB_CANCELLED": ConnectDomainEventBlockJobStatus.CANCELED,
    "BLOCK_JOB_READY": ConnectDomainEventBlockJobStatus.READY,
}
_JOB_TYPES = {
    "stream": DomainBlockJobType.PULL,
    "mirror": DomainBlockJobType.COPY,
    "commit": DomainBlockJobType.COMMIT,
    "backup": DomainBlockJobType.BACKUP,
}


# What counts before a guest's start is told: that its process is about to end, and how the stream that it reads gets
# on, which is what the start waits for.
_AT_ONCE = ("SHUTDOWN", "MIGRATION")


class News(StartNews):
    """Tells what QEMU tells."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # Jobs that commit what the guest writes to: only they get ready.
        self._active_commits: set[str] = set()
        # What QEMU told while the guest's start was not told yet.
        self._early: list[MonitorEvent] = []
        # What is told of the life after an event of QEMU's has been told of by itself, while it is taken in.
        self._lives_events: list[Event] | None = None

    async def boot(self, call: Call, live: DomainDefinition, paused: bool) -> DomainDefinition:
        self._early.clear()
        return await super().boot(call, live, paused)

    def happen(self, what: Happening) -> None:
        super().happen(what)
        if self._early and self.live is not None:
            early, self._early = self._early, []
            for message in early:
                self._monitor_event(message)

    def _monitor_event(self, message: MonitorEvent) -> None:
        if self.live is None and not self.active and message.event.name not in _AT_ONCE:
            self._early.append(message)
            return
        life = self._lives_events = []
        live = self.live
        try:
            super()._monitor_event(message)
            live = self.live or live
            if message.monitor is self._monitor and live is not None:
                self._tell_of(live, message.event)
        finally:
            self._lives_events = None
            for event in life:
                self.publish_lifecycle(event)

    def publish_lifecycle(self, event: Event) -> None:
        if self._lives_events is not None:
            self._lives_events.append(event)
        else:
            super().publish_lifecycle(event)

    def _tell_of(self, live: DomainDefinition, event: QmpEvent) -> None:
        details = json.dumps(event.data) if event.data else None
        self.publish(_MONITOR_ROW, event.name, event.seconds, event.microseconds, details)
        after = noted(live, event.name, event.data, self.clock_base)
        if after is not live and self.live is live:
            self.live = live = after
            self.save_live_state()
        for telling in NEWS.get(event.name, ()):
            if (told := telling.fields(live, event.data)) is not None:
                self.publish(telling.row, *told)
        if event.name in _JOB_STATUS:
            self._tell_block_job(live, event)
        elif event.name == "GUEST_CRASHLOADED":
            self.publish_lifecycle(_CRASH_LOADED)

    def _tell_block_job(self, live: DomainDefinition, event: QmpEvent) -> None:
        job = str(event.data.get("device", ""))
        disk = next((disk for disk in live.devices.disks if {disk.target, disk.alias} & set(_parts(job))), None)
        if disk is None:
            return
        status = _JOB_STATUS[event.name]
        if status is ConnectDomainEventBlockJobStatus.COMPLETED and event.data.get("error"):
            status = ConnectDomainEventBlockJobStatus.FAILED
        type_ = _JOB_TYPES.get(str(event.data.get("type")), DomainBlockJobType.UNKNOWN)
        if status is ConnectDomainEventBlockJobStatus.READY:
            self._active_commits.add(job)
        if type_ is DomainBlockJobType.COMMIT and job in self._active_commits:
            type_ = DomainBlockJobType.ACTIVE_COMMIT
        if status is not ConnectDomainEventBlockJobStatus.READY:
            self._active_commits.discard(job)
        for row, name in zip(_BLOCK_JOB_ROWS, (_path(disk) or "", disk.target), strict=True):
            self.publish(row, name, int(type_), int(status))

    def on_device_deleted(self, event: QmpEvent) -> None:
        super().on_device_deleted(event)
        alias = event.data.get("device")
        # Who waits for a device to go tells of it himself. One that goes late, or by the guest's own wish, goes here.
        if not alias or self.is_leaving(alias) or describes_vcpu(alias) or self.live is None:
            return
        self.live = _without(self.live, alias)
        self.save_live_state()
        self.publish(_REMOVED_ROW, alias)

    def _monitor_lost(self, message: MonitorLost) -> None:
        process, was_known = self.process, self.lost_since is not None
        super()._monitor_lost(message)
        if process is not None and not was_known and self.lost_since is not None:
            self.spawn(self._tell_control_error(process), name="control error")

    async def _tell_control_error(self, process: Process) -> None:
        """A lost monitor is the first sign of a process's end; where it is not, nobody has control of it."""
        if not await process.ends_within(END_NOTICED) and process is self.process:
            self.publish(_CONTROL_ROW)


def _parts(job: str) -> Iterator[str]:
    """A job's name, and the words of it."""
    yield job
    yield from job.split("-")


def _without(live: DomainDefinition, alias: str) -> DomainDefinition:
    """The definition without the device of that alias."""
    kept: dict[str, Any] = {}
    for field in fields(live.devices):
        found = getattr(live.devices, field.name)
        if isinstance(found, tuple):
            kept[field.name] = tuple(each for each in found if getattr(each, "alias", None) != alias)
        elif getattr(found, "alias", None) == alias:
            kept[field.name] = None
    return replace(live, devices=replace(live.devices, **kept))
