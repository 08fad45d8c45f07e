"""What happens to domains beside their life: an event for each message that libvirt has.

``host.events(types=ALL)`` follows all of them, ``types=[BlockJob, Watchdog]`` some. Life itself (started, stopped, …)
is ``client.events.Event``, which is what is followed without ``types``.

A row of ``KINDS`` says how the fields of a message become an event: in their order, as members of an enumeration or as
mappings where that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from ...wire.enums.domain import DomainMetadataType
from ...wire.enums.domain_events import (
    ConnectDomainEventAgentLifecycleReason,
    ConnectDomainEventAgentLifecycleState,
    ConnectDomainEventBlockJobStatus,
    ConnectDomainEventDiskChangeReason,
    DomainEventGraphicsPhase,
    DomainEventIOErrorAction,
    DomainEventTrayChangeReason,
    DomainEventWatchdogAction,
)
from ...wire.enums.domain_jobs import DomainBlockJobType
from ...wire.enums.domain_tuning import (
    DomainMemoryFailureActionType,
    DomainMemoryFailureRecipientType,
)
from ...wire.params import ParamValue, values_of
from ...wire.table import ROWS, Row
from ...wire.table.structs import GraphicsAddress, GraphicsIdentity
from ..values import member_or_number, words_of
from .domain import Domain

if TYPE_CHECKING:
    from ..reconnect import Session

_FAMILIES = ("ipv4", "ipv6", "unix")
_CHANNEL = ConnectDomainEventAgentLifecycleReason.CHANNEL
_CHANGES = {
    ConnectDomainEventDiskChangeReason.CHANGE_MISSING_ON_START: "changed",
    ConnectDomainEventDiskChangeReason.DROP_MISSING_ON_START: "dropped",
}
_JOBS = {
    DomainBlockJobType.PULL: "Block Pull",
    DomainBlockJobType.COPY: "Block Copy",
    DomainBlockJobType.COMMIT: "Block Commit",
    DomainBlockJobType.ACTIVE_COMMIT: "Active Block Commit",
    DomainBlockJobType.BACKUP: "Backup",
}


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """Something happened to a domain; see ``client.events.Event`` for ``sequence`` and ``when``.

    ``name`` is virsh's name of its kind, ``words`` what virsh says of it, after ``joint``.
    """

    name: ClassVar[str] = ""
    joint: ClassVar[str] = ": "
    sequence: int
    when: datetime
    domain: Domain

    @property
    def words(self) -> str:
        return ""

    def __str__(self) -> str:
        return f"{self.domain.name}: {self.name}{f' ({self.words.strip()})' if self.words else ''}"


@dataclass(frozen=True, slots=True)
class Reboot(DomainEvent):
    """The guest restarted (virConnectDomainEventGenericCallback, REBOOT)."""

    name: ClassVar[str] = "reboot"


@dataclass(frozen=True, slots=True)
class RTCChange(DomainEvent):
    """The guest set its clock: ``offset`` seconds from UTC (virConnectDomainEventRTCChangeCallback)."""

    name: ClassVar[str] = "rtc-change"
    offset: int

    @property
    def words(self) -> str:
        return str(self.offset)


@dataclass(frozen=True, slots=True)
class Watchdog(DomainEvent):
    """The guest's watchdog ran out (virConnectDomainEventWatchdogCallback)."""

    name: ClassVar[str] = "watchdog"
    action: DomainEventWatchdogAction | int

    @property
    def words(self) -> str:
        return words_of(self.action)


@dataclass(frozen=True, slots=True)
class IOError(DomainEvent):
    """A disk failed (virConnectDomainEventIOErrorCallback)."""

    name: ClassVar[str] = "io-error"
    source: str
    alias: str
    action: DomainEventIOErrorAction | int

    @property
    def words(self) -> str:
        return f"{self.source} ({self.alias}) {words_of(self.action)}"


@dataclass(frozen=True, slots=True)
class IOErrorReason(DomainEvent):
    """A disk failed, and why: ``enospc`` or nothing (virConnectDomainEventIOErrorReasonCallback)."""

    name: ClassVar[str] = "io-error-reason"
    source: str
    alias: str
    action: DomainEventIOErrorAction | int
    reason: str

    @property
    def words(self) -> str:
        return f"{self.source} ({self.alias}) {words_of(self.action)} due to {self.reason}"


@dataclass(frozen=True, slots=True)
class Graphics(DomainEvent):
    """Somebody came to a display or left it (virConnectDomainEventGraphicsCallback)."""

    name: ClassVar[str] = "graphics"
    phase: DomainEventGraphicsPhase | int
    local: GraphicsAddress
    remote: GraphicsAddress
    auth_scheme: str
    subject: list[GraphicsIdentity]

    @property
    def words(self) -> str:
        ends = " ".join(
            f"{which}[{_FAMILIES[end.family] if end.family < len(_FAMILIES) else end.family} {end.node} {end.service}]"
            for which, end in (("local", self.local), ("remote", self.remote))
        )
        identities = "".join(f"\n\tsubject {one.type}: {one.name}" for one in self.subject)
        return f"{words_of(self.phase)} {ends} {self.auth_scheme}{identities}"


@dataclass(frozen=True, slots=True)
class ControlError(DomainEvent):
    """The daemon and the guest's QEMU do not understand each other any more (CONTROL_ERROR)."""

    name: ClassVar[str] = "control-error"


@dataclass(frozen=True, slots=True)
class BlockJobByPath(DomainEvent):
    """A job on a disk ended or is in step; ``disk`` is its path (virConnectDomainEventBlockJobCallback)."""

    name: ClassVar[str] = "block-job"
    disk: str
    type: DomainBlockJobType | int
    status: ConnectDomainEventBlockJobStatus | int

    @property
    def words(self) -> str:
        return f"{_JOBS.get(self.type, 'Unknown job')} for {self.disk} {words_of(self.status)}"  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class BlockJob(BlockJobByPath):
    """The same; ``disk`` is its target (BLOCK_JOB_2)."""

    name: ClassVar[str] = "block-job-2"


@dataclass(frozen=True, slots=True)
class DiskChange(DomainEvent):
    """A disk was left out or replaced at the start (virConnectDomainEventDiskChangeCallback)."""

    name: ClassVar[str] = "disk-change"
    joint: ClassVar[str] = " "
    old_source: str | None
    new_source: str | None
    alias: str
    reason: ConnectDomainEventDiskChangeReason | int

    @property
    def words(self) -> str:
        old, new = ("<null>" if source is None else source for source in (self.old_source, self.new_source))
        return f"disk {self.alias}: {old} -> {new}: {_CHANGES.get(self.reason, words_of(self.reason))}"  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class TrayChange(DomainEvent):
    """A drive's tray was opened or closed (virConnectDomainEventTrayChangeCallback)."""

    name: ClassVar[str] = "tray-change"
    joint: ClassVar[str] = " "
    alias: str
    reason: DomainEventTrayChangeReason | int

    @property
    def words(self) -> str:
        return f"disk {self.alias}: {'opened' if self.reason == DomainEventTrayChangeReason.OPEN else 'closed'}"


@dataclass(frozen=True, slots=True)
class PMWakeup(DomainEvent):
    """The guest woke up (virConnectDomainEventPMWakeupCallback)."""

    name: ClassVar[str] = "pm-wakeup"


@dataclass(frozen=True, slots=True)
class PMSuspend(DomainEvent):
    """The guest suspended itself to memory (virConnectDomainEventPMSuspendCallback)."""

    name: ClassVar[str] = "pm-suspend"


@dataclass(frozen=True, slots=True)
class PMSuspendDisk(DomainEvent):
    """The guest suspended itself to disk (virConnectDomainEventPMSuspendDiskCallback)."""

    name: ClassVar[str] = "pm-suspend-disk"


@dataclass(frozen=True, slots=True)
class BalloonChange(DomainEvent):
    """The guest has ``actual`` KiB now (virConnectDomainEventBalloonChangeCallback)."""

    name: ClassVar[str] = "balloon-change"
    actual: int

    @property
    def words(self) -> str:
        return f"{self.actual}KiB"


@dataclass(frozen=True, slots=True)
class _OfDevice(DomainEvent):
    alias: str

    @property
    def words(self) -> str:
        return self.alias


@dataclass(frozen=True, slots=True)
class DeviceRemoved(_OfDevice):
    """A device is gone (virConnectDomainEventDeviceRemovedCallback)."""

    name: ClassVar[str] = "device-removed"


@dataclass(frozen=True, slots=True)
class DeviceAdded(_OfDevice):
    """A device was plugged in (virConnectDomainEventDeviceAddedCallback)."""

    name: ClassVar[str] = "device-added"


@dataclass(frozen=True, slots=True)
class DeviceRemovalFailed(_OfDevice):
    """The guest does not let a device go (virConnectDomainEventDeviceRemovalFailedCallback)."""

    name: ClassVar[str] = "device-removal-failed"


@dataclass(frozen=True, slots=True)
class _OfValues(DomainEvent):
    joint: ClassVar[str] = ":"
    values: Mapping[str, ParamValue]

    @property
    def words(self) -> str:
        return "".join(f"\n\t{name}: {value}" for name, value in self.values.items())


@dataclass(frozen=True, slots=True)
class Tunable(_OfValues):
    """Limits were changed, by libvirt's names of them (virConnectDomainEventTunableCallback)."""

    name: ClassVar[str] = "tunable"


@dataclass(frozen=True, slots=True)
class JobCompleted(_OfValues):
    """A job ended; its figures as ``guest.job.stats`` has them (virConnectDomainEventJobCompletedCallback)."""

    name: ClassVar[str] = "job-completed"


@dataclass(frozen=True, slots=True)
class AgentLifecycle(DomainEvent):
    """The guest's agent came or went (virConnectDomainEventAgentLifecycleCallback)."""

    name: ClassVar[str] = "agent-lifecycle"
    state: ConnectDomainEventAgentLifecycleState | int
    reason: ConnectDomainEventAgentLifecycleReason | int

    @property
    def words(self) -> str:
        reason = "channel event" if self.reason == _CHANNEL else words_of(self.reason)
        return f"state: '{words_of(self.state)}' reason: '{reason}'"


@dataclass(frozen=True, slots=True)
class MigrationIteration(DomainEvent):
    """A migration goes over the guest's memory once more (virConnectDomainEventMigrationIterationCallback)."""

    name: ClassVar[str] = "migration-iteration"
    iteration: int

    @property
    def words(self) -> str:
        return f"iteration: '{self.iteration}'"


@dataclass(frozen=True, slots=True)
class MetadataChange(DomainEvent):
    """Title, description or others' XML was changed (virConnectDomainEventMetadataChangeCallback)."""

    name: ClassVar[str] = "metadata-change"
    type: DomainMetadataType | int
    uri: str | None

    @property
    def words(self) -> str:
        return f"type {words_of(self.type)}, uri {'<null>' if self.uri is None else self.uri}"


@dataclass(frozen=True, slots=True)
class BlockThreshold(DomainEvent):
    """The guest wrote beyond a threshold, by ``excess`` bytes (virConnectDomainEventBlockThresholdCallback)."""

    name: ClassVar[str] = "block-threshold"
    disk: str
    path: str | None
    threshold: int
    excess: int

    @property
    def words(self) -> str:
        return f"dev: {self.disk}({self.path or ''}) {self.threshold} {self.excess}"


@dataclass(frozen=True, slots=True)
class MemoryFailure(DomainEvent):
    """The host's memory failed below the guest (virConnectDomainEventMemoryFailureCallback)."""

    name: ClassVar[str] = "memory-failure"
    recipient: DomainMemoryFailureRecipientType | int
    action: DomainMemoryFailureActionType | int
    flags: int

    @property
    def words(self) -> str:
        return f"recipient: {words_of(self.recipient)} action: {words_of(self.action)} flags: {self.flags}"


@dataclass(frozen=True, slots=True)
class MemoryDeviceSizeChange(DomainEvent):
    """The guest took or gave back memory of a device: ``size`` KiB (MEMORY_DEVICE_SIZE_CHANGE)."""

    name: ClassVar[str] = "memory-device-size-change"
    alias: str
    size: int

    @property
    def words(self) -> str:
        return f"alias: '{self.alias}' size: {self.size}KiB"


@dataclass(frozen=True, slots=True)
class NicMACChange(DomainEvent):
    """The guest gave an interface another MAC address (virConnectDomainEventNICMACChangeCallback)."""

    name: ClassVar[str] = "nic-mac-change"
    alias: str
    old_mac: str
    new_mac: str

    @property
    def words(self) -> str:
        return f"alias: '{self.alias}' oldMAC: '{self.old_mac}' newMAC: '{self.new_mac}'"


class Kind(NamedTuple):
    """An event, the row that tells it, and by what its fields behind the domain are read (None: as they are)."""

    event: type[DomainEvent]
    row: Row
    readers: tuple[type[IntEnum] | Callable[[Any], Any] | None, ...] = ()

    def build(self, session: Session, sequence: int, when: datetime, fields: tuple[Any, ...]) -> DomainEvent:
        """The event that a message's fields make."""
        ref, *rest = fields
        return self.event(sequence, when, Domain(session, ref), *self._read(rest))

    def _read(self, fields: list[Any]) -> Iterator[Any]:
        for number, field in enumerate(fields):
            reader = self.readers[number] if number < len(self.readers) else None
            if reader is None:
                yield field
            elif isinstance(reader, type) and issubclass(reader, IntEnum):
                yield member_or_number(reader, field)
            else:
                yield reader(field)


KINDS = (
    Kind(Reboot, ROWS["domain_event_reboot"]),
    Kind(RTCChange, ROWS["domain_event_rtc_change"]),
    Kind(Watchdog, ROWS["domain_event_watchdog"], (DomainEventWatchdogAction,)),
    Kind(IOError, ROWS["domain_event_io_error"], (None, None, DomainEventIOErrorAction)),
    Kind(Graphics, ROWS["domain_event_graphics"], (DomainEventGraphicsPhase,)),
    Kind(IOErrorReason, ROWS["domain_event_io_error_reason"], (None, None, DomainEventIOErrorAction)),
    Kind(ControlError, ROWS["domain_event_control_error"]),
    Kind(
        BlockJobByPath,
        ROWS["domain_event_block_job"],
        (None, DomainBlockJobType, ConnectDomainEventBlockJobStatus),
    ),
    Kind(DiskChange, ROWS["domain_event_disk_change"], (None, None, None, ConnectDomainEventDiskChangeReason)),
    Kind(TrayChange, ROWS["domain_event_tray_change"], (None, DomainEventTrayChangeReason)),
    Kind(PMWakeup, ROWS["domain_event_pmwakeup"]),
    Kind(PMSuspend, ROWS["domain_event_pmsuspend"]),
    Kind(BalloonChange, ROWS["domain_event_balloon_change"]),
    Kind(PMSuspendDisk, ROWS["domain_event_pmsuspend_disk"]),
    Kind(DeviceRemoved, ROWS["domain_event_device_removed"]),
    Kind(BlockJob, ROWS["domain_event_block_job_2"], (None, DomainBlockJobType, ConnectDomainEventBlockJobStatus)),
    Kind(Tunable, ROWS["domain_event_callback_tunable"], (values_of,)),
    Kind(
        AgentLifecycle,
        ROWS["domain_event_callback_agent_lifecycle"],
        (ConnectDomainEventAgentLifecycleState, ConnectDomainEventAgentLifecycleReason),
    ),
    Kind(DeviceAdded, ROWS["domain_event_callback_device_added"]),
    Kind(MigrationIteration, ROWS["domain_event_callback_migration_iteration"]),
    Kind(JobCompleted, ROWS["domain_event_callback_job_completed"], (values_of,)),
    Kind(DeviceRemovalFailed, ROWS["domain_event_callback_device_removal_failed"]),
    Kind(MetadataChange, ROWS["domain_event_callback_metadata_change"], (DomainMetadataType,)),
    Kind(BlockThreshold, ROWS["domain_event_block_threshold"]),
    Kind(
        MemoryFailure,
        ROWS["domain_event_memory_failure"],
        (DomainMemoryFailureRecipientType, DomainMemoryFailureActionType),
    ),
    Kind(MemoryDeviceSizeChange, ROWS["domain_event_memory_device_size_change"]),
    Kind(NicMACChange, ROWS["domain_event_nic_mac_change"]),
)
KIND_OF: Mapping[type[DomainEvent], Kind] = {kind.event: kind for kind in KINDS}
# Every event but a domain's life, in libvirt's order.
ALL: tuple[type[DomainEvent], ...] = tuple(KIND_OF)
