"""What a test domain's guest tells and does: nothing is there, so all of it is made up, as libvirt's test driver does.

Figures that grow are made from the time, so that two questions in a row give something to compute a rate from.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from ipaddress import IPv4Address
from typing import Any

import pykka

from ....wire.documents.domain import DomainDefinition, IoTune
from ....wire.enums.domain_tuning import (
    DomainInterfaceAddressesSource,
    DomainMemoryFlags,
    DomainMemoryStatTags,
    DomainMessageType,
)
from ....wire.enums.error import ErrorNumber
from ....wire.errors import InvalidArgument, NotSupported, OperationInvalid
from ....wire.params import ParamType, TypedParam
from ....wire.table import DomainRef
from ....wire.table.structs import (
    DiskError,
    FilesystemInfo,
    GuestInterface,
    IPAddress,
    MemoryStat,
    VcpuInfo,
)
from ...call import Call
from ...connection.file_streams import Download
from ..domain import BasicDomain
from ..domain.disks import disk_with_source, find_disk
from ..domain.flags import TEXT_OKAY, check_flags, check_one_impact, refusal
from ..domain.interfaces import find_interface
from ..domain.typed_params import check_names

# What libvirt's tests have always taken the time to be.
TIME = 627319920
_CPUS = 16
_MOUNT_POINTS = ("/", "/boot")
_SIGNALS = 65
# The first address of a network's, and of a net that everybody has at home.
_NETWORK, _HOME = IPv4Address("192.168.122.3"), IPv4Address("192.168.0.1")
# Bytes.
_CAPACITY, _ALLOCATION, _SPARE = 1099511627776, 1099506450432, 1099511627776
# ns.
_CPU_TIME, _USER_TIME, _SYSTEM_TIME, _VCPU_TIME = 48772617035, 5540000000, 6460000000, 23151740627
_STATS_CPUS = 2


class TestGuest(BasicDomain):
    """A mixin for domains whose guest is made up."""

    __test__ = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._time = (TIME, 0)
        self._frozen: set[str] = set()

    # -- host and figures ----------------------------------------------------------------------------------------------

    def host_cpus(self) -> frozenset[int]:
        return frozenset(range(_CPUS))

    def cpu_time(self) -> int:
        return time.time_ns() // 1000 * 1000

    def domain_get_vcpus(self, call: Call, dom: DomainRef, maxinfo: int, maplen: int) -> tuple[list[VcpuInfo], bytes]:
        self.require_active_for("list vcpus for")
        count = min(maxinfo, self.definition.current_vcpus or self.definition.vcpus or 1)
        used = time.time_ns() // 10_000
        infos = [VcpuInfo(number, 1, used, self._cpu_of(number)) for number in range(count)]
        return infos, b"".join(self.pins_of(number, maplen) for number in range(count)) if maplen else b""

    def _cpu_of(self, vcpu: int) -> int:
        """The host's processor that a virtual one is on: the last of those that it may be on."""
        return int.from_bytes(self.pins_of(vcpu, _CPUS // 8), "little").bit_length() - 1

    async def domain_pin_vcpu_flags(self, call: Call, dom: DomainRef, vcpu: int, cpumap: bytes, flags: int) -> None:
        self.check_flags(call, flags, 0)
        self.require_active_for("pin vcpus on")
        await self.pin_vcpu(call, vcpu, cpumap, 0)

    async def domain_pin_vcpu(self, call: Call, dom: DomainRef, vcpu: int, cpumap: bytes) -> None:
        self.require_active_for("pin vcpus on")
        await self.pin_vcpu(call, vcpu, cpumap, 0)

    def unpinned(self, definition: DomainDefinition) -> range:
        return range(definition.vcpus or 1)

    def domain_memory_stats(self, call: Call, dom: DomainRef, max_stats: int, flags: int) -> tuple[list[MemoryStat]]:
        self.check_flags(call, flags, 0)
        self.require_active()
        balloon = self.definition.devices.memballoon
        if balloon is None or balloon.model != "virtio":
            return ([],)
        memory, tags = self.current_memory(), DomainMemoryStatTags
        values = {
            tags.ACTUAL_BALLOON: memory,
            tags.SWAP_IN: 0,
            tags.SWAP_OUT: 0,
            tags.MAJOR_FAULT: 0,
            tags.MINOR_FAULT: 0,
            tags.UNUSED: memory // 2,
            tags.AVAILABLE: memory,
            tags.USABLE: memory // 2,
            tags.LAST_UPDATE: TIME,
            tags.DISK_CACHES: memory // 8,
            tags.HUGETLB_PGALLOC: 0,
            tags.HUGETLB_PGFAIL: 0,
            tags.RSS: memory // 2,
        }
        return ([MemoryStat(int(tag), value) for tag, value in values.items()][:max_stats],)

    def domain_get_cpu_stats(
        self, call: Call, dom: DomainRef, nparams: int, start_cpu: int, ncpus: int, flags: int
    ) -> tuple[list[TypedParam], int]:
        self.check_flags(call, flags, TEXT_OKAY)
        self.require_active()
        if start_cpu == -1:
            total = {"cpu_time": _CPU_TIME, "user_time": _USER_TIME, "system_time": _SYSTEM_TIME}
            found = [TypedParam(name, ParamType.ULLONG, value) for name, value in total.items()]
            return (found[:nparams], len(found)) if nparams else ([], len(found))
        if ncpus == 0:
            return [], _STATS_CPUS
        if nparams == 0:
            return [], 2
        if start_cpu >= _STATS_CPUS:
            raise InvalidArgument(f"start_cpu {start_cpu} larger than maximum of {_STATS_CPUS - 1}")
        found = []
        for cpu in range(start_cpu, min(start_cpu + ncpus, _STATS_CPUS)):
            each = {"cpu_time": _CPU_TIME // 2 + cpu, "vcpu_time": _VCPU_TIME + cpu}
            found += [TypedParam(name, ParamType.ULLONG, value) for name, value in list(each.items())[:nparams]]
        return found, min(nparams, 2)

    def domain_get_scheduler_type(self, call: Call, dom: DomainRef) -> tuple[str, int]:
        return "fair", 1

    def domain_get_scheduler_parameters(self, call: Call, dom: DomainRef, nparams: int) -> tuple[list[TypedParam]]:
        return ([TypedParam("weight", ParamType.UINT, 50)][:nparams],)

    def domain_get_scheduler_parameters_flags(
        self, call: Call, dom: DomainRef, nparams: int, flags: int
    ) -> tuple[list[TypedParam]]:
        # libvirt's takes no flags, and its library always adds this one.
        check_flags(call, flags | TEXT_OKAY, 0)
        return ([],)

    async def domain_set_scheduler_parameters(self, call: Call, dom: DomainRef, params: list[TypedParam]) -> None:
        check_names(params, {"weight": ParamType.UINT})

    async def domain_set_scheduler_parameters_flags(
        self, call: Call, dom: DomainRef, params: list[TypedParam], flags: int
    ) -> None:
        self.check_flags(call, flags, 0)
        check_names(params, {"weight": ParamType.UINT})

    def check_iothread_change(self, flags: int) -> None:
        check_one_impact(flags)

    # -- disks ---------------------------------------------------------------------------------------------------------

    def exceeds(self, limit: int | None, burst: int | None) -> bool:
        return (limit or 0) > (burst or 0)

    def check_io_tune(self, values: dict[str, Any], before: IoTune) -> None:
        super().check_io_tune({name: values.get(name, 0) for name in values | _LIMITS}, before)

    def tell_tuned(self, *told: TypedParam) -> None:
        """libvirt's test driver does not tell of it."""

    def domain_block_stats(self, call: Call, dom: DomainRef, path: str) -> tuple[int, int, int, int, int]:
        if not path:
            raise NotSupported("summary statistics are not supported yet", code=ErrorNumber.OPERATION_UNSUPPORTED)
        self.require_active()
        if find_disk(self.definition, path) is None:
            raise InvalidArgument(f"invalid path: {path}")
        now = time.time_ns() // 1000
        return now // 10, now // 20, now // 30, now // 40, now // 2_000_000

    def domain_get_block_info(self, call: Call, dom: DomainRef, path: str, flags: int) -> tuple[int, int, int]:
        self.check_flags(call, flags, 0)
        disk_with_source(self.definition, path)
        return _SPARE, _ALLOCATION, _CAPACITY

    def domain_get_disk_errors(
        self, call: Call, dom: DomainRef, maxerrors: int, flags: int
    ) -> tuple[list[DiskError], int]:
        self.require_active()
        disks = self.definition.devices.disks
        if maxerrors == 0:
            return [], len(disks)
        found = [DiskError(disk.target, at % 2 + 1) for at, disk in enumerate(disks[:maxerrors])]
        return found, len(found)

    # -- network cards -------------------------------------------------------------------------------------------------

    def domain_interface_stats(self, call: Call, dom: DomainRef, device: str) -> tuple[int, ...]:
        self.require_active()
        find_interface(self.definition, device)
        now = time.time_ns() // 1000
        seconds = now // 1_000_000
        received = (now // 10, now // 100, seconds, seconds // 2)
        return (*received, now // 20, now // 110, seconds // 3, seconds // 4)

    def domain_interface_addresses(
        self, call: Call, dom: DomainRef, source: int, flags: int
    ) -> tuple[list[GuestInterface]]:
        self.check_flags(call, flags, 0)
        if source not in list(DomainInterfaceAddressesSource):
            raise InvalidArgument(f"Unknown IP address data source {source}", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        self.require_active()
        cards = self.definition.devices.interfaces
        return ([self._addresses(at, card.target or "", card) for at, card in enumerate(cards)],)

    def _addresses(self, at: int, name: str, card: Any) -> GuestInterface:
        """On a network one of its addresses, and elsewhere one of a net that everybody has at home."""
        first, offset = (_NETWORK, 20 * (self.id - 1)) if card.type == "network" else (_HOME, 0)
        return GuestInterface(name, card.mac, [IPAddress(0, str(first + offset + at), 24)])

    # -- agent ---------------------------------------------------------------------------------------------------------

    def domain_get_hostname(self, call: Call, dom: DomainRef, flags: int) -> tuple[str]:
        self.check_flags(call, flags, 0)
        self.require_active()
        return (f"{self.name}host",)

    def domain_get_time(self, call: Call, dom: DomainRef, flags: int) -> tuple[int, int]:
        self.check_flags(call, flags, 0)
        if self.state != 1:
            raise OperationInvalid("domain is not running", object=self.name)
        return self._time

    def domain_set_time(self, call: Call, dom: DomainRef, seconds: int, nseconds: int, flags: int) -> None:
        self.check_flags(call, flags, 1)
        self.require_active()
        self._time = (seconds, nseconds)

    def domain_get_fsinfo(self, call: Call, dom: DomainRef, flags: int) -> tuple[list[FilesystemInfo], int]:
        self.check_flags(call, flags, 0)
        self.require_active()
        if all(disk.target != "vda" for disk in self.definition.devices.disks):
            return [], 0
        found = [
            FilesystemInfo(point, f"vda{number}", "ext4", ["vda"]) for number, point in enumerate(_MOUNT_POINTS, 1)
        ]
        return found, len(found)

    def domain_fsfreeze(self, call: Call, dom: DomainRef, mountpoints: list[str], flags: int) -> tuple[int]:
        self.check_flags(call, flags, 0)
        self.require_active()
        meant = self._mounted(mountpoints) - self._frozen
        self._frozen |= meant
        return (len(meant),)

    def domain_fsthaw(self, call: Call, dom: DomainRef, mountpoints: list[str], flags: int) -> tuple[int]:
        self.check_flags(call, flags, 0)
        self.require_active()
        meant = self._mounted(mountpoints) & self._frozen
        self._frozen -= meant
        return (len(meant),)

    def _mounted(self, mountpoints: list[str]) -> set[str]:
        for point in mountpoints:
            if point not in _MOUNT_POINTS:
                raise OperationInvalid(f"mount point not found: {point}", object=self.name)
        return set(mountpoints or _MOUNT_POINTS)

    def domain_fstrim(self, call: Call, dom: DomainRef, mount_point: str | None, minimum: int, flags: int) -> None:
        self.check_flags(call, flags, 0)
        self.require_active()
        self._mounted([mount_point] if mount_point else [])

    def domain_set_user_password(
        self, call: Call, dom: DomainRef, user: str | None, password: str | None, flags: int
    ) -> None:
        self.check_flags(call, flags, 1)
        self.require_active()

    # -- machine -------------------------------------------------------------------------------------------------------

    def domain_send_key(
        self, call: Call, dom: DomainRef, codeset: int, holdtime: int, keycodes: list[int], flags: int
    ) -> None:
        self.check_flags(call, flags, 0)
        self.require_active()

    def domain_inject_nmi(self, call: Call, dom: DomainRef, flags: int) -> None:
        self.check_flags(call, flags, 0)
        self.require_active()

    def domain_send_process_signal(self, call: Call, dom: DomainRef, pid_value: int, signum: int, flags: int) -> None:
        if pid_value == 0:
            raise refusal(f"pid_value in {call.row.api} must not be zero")
        self.check_flags(call, flags, 0)
        if pid_value != 1:
            raise InvalidArgument("only sending a signal to pid 1 is supported")
        if signum >= _SIGNALS:
            raise InvalidArgument(f"signum value {signum} is out of range")

    def domain_memory_peek(self, call: Call, dom: DomainRef, offset: int, size: int, flags: int) -> tuple[bytes]:
        both = DomainMemoryFlags.VIRTUAL | DomainMemoryFlags.PHYSICAL
        if flags & both == both:
            raise refusal("Flags 'VIR_MEMORY_VIRTUAL' and 'VIR_MEMORY_PHYSICAL' are mutually exclusive")
        if flags not in (DomainMemoryFlags.VIRTUAL, DomainMemoryFlags.PHYSICAL):
            raise InvalidArgument("flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL")
        self.require_active()
        return (bytes((offset + at) % 256 for at in range(size)),)

    def domain_screenshot(
        self, call: Call, dom: DomainRef, screen: int, flags: int
    ) -> tuple[pykka.ActorRef[Download], str]:
        self.check_flags(call, flags, 0)
        fd = os.memfd_create("screenshot")
        os.write(fd, screenshot())
        return Download.start(self.runtime, fd, f"screenshot of {self.name}"), "image/png"

    def domain_get_messages(self, call: Call, dom: DomainRef, flags: int) -> tuple[list[str]]:
        self.check_flags(call, flags, DomainMessageType.DEPRECATION | DomainMessageType.TAINTING)
        return ([],)

    def domain_get_security_label(self, call: Call, dom: DomainRef) -> tuple[str, int]:
        return ("libvirt-test", 1) if self.active else ("", 0)

    def domain_get_launch_security_info(self, call: Call, dom: DomainRef, flags: int) -> tuple[list[TypedParam]]:
        check_flags(call, flags | TEXT_OKAY, 0)
        return ([],)


_LIMITS = dict.fromkeys(
    f"{direction}_{kind}_sec{suffix}"
    for direction in ("total", "read", "write")
    for kind in ("bytes", "iops")
    for suffix in ("", "_max")
)


def screenshot(width: int = 64, height: int = 48) -> bytes:
    """A picture as PNG: a diagonal of grey."""
    rows = b"".join(b"\0" + bytes((x + y) * 255 // (width + height) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )
