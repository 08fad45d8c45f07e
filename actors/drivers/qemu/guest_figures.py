"""What is measured of a running guest: its processors, memory, disks and network cards. QEMU and the kernel tell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....wire.enums.domain_tuning import DomainMemoryStatTags as Tags
from ....wire.enums.error import ErrorDomain, ErrorNumber
from ....wire.errors import InvalidArgument, MonitorFailure, NotSupported, OperationInvalid, SystemFailure
from ....wire.params import ParamType, TypedParam
from ....wire.table import DomainRef
from ....wire.table.structs import DiskError, MemoryStat, VcpuInfo
from ...call import Call
from ..domain.disks import disk_with_source, find_disk
from ..domain.flags import TEXT_OKAY
from ..domain.interfaces import find_interface
from ..domain.typed_params import first
from .cgroups import ProcessorTime
from .disk_sizes import disk_sizes
from .guest import BYTES_PER_KIB, Guest

_NS_PER_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // BYTES_PER_KIB
_RUNNING = 1  # VIR_VCPU_RUNNING
# What the balloon's driver in the guest tells, and whether it is an amount of bytes.
_BALLOON = {
    "stat-swap-in": (Tags.SWAP_IN, True),
    "stat-swap-out": (Tags.SWAP_OUT, True),
    "stat-major-faults": (Tags.MAJOR_FAULT, False),
    "stat-minor-faults": (Tags.MINOR_FAULT, False),
    "stat-free-memory": (Tags.UNUSED, True),
    "stat-total-memory": (Tags.AVAILABLE, True),
    "stat-available-memory": (Tags.USABLE, True),
    "stat-disk-caches": (Tags.DISK_CACHES, True),
    "stat-htlb-pgalloc": (Tags.HUGETLB_PGALLOC, False),
    "stat-htlb-pgfail": (Tags.HUGETLB_PGFAIL, False),
}
_UNKNOWN = 2**64 - 1
# A parameter of a disk's and what QEMU calls it.
_BLOCK = {
    "rd_bytes": "rd_bytes",
    "rd_operations": "rd_operations",
    "rd_total_times": "rd_total_time_ns",
    "wr_bytes": "wr_bytes",
    "wr_operations": "wr_operations",
    "wr_total_times": "wr_total_time_ns",
    "flush_operations": "flush_operations",
    "flush_total_times": "flush_total_time_ns",
}
_DISK_ERRORS = {"failed": 1, "nospace": 2}
# The columns of /proc/net/dev: bytes, packets, errors and losses of both directions.
_RECEIVED, _SENT = (0, 1, 2, 3), (8, 9, 10, 11)


class GuestFigures(Guest):
    """Questions about figures."""

    # -- memory --------------------------------------------------------------------------------------------------------

    async def domain_memory_stats(
        self, call: Call, dom: DomainRef, max_stats: int, flags: int
    ) -> tuple[list[MemoryStat]]:
        self.check_flags(call, flags, 0)
        self.require_active()
        stats = {Tags.ACTUAL_BALLOON: self.current_memory(), **await self._balloon_stats(call)}
        if self.process is not None:
            stats[Tags.RSS] = _resident(self.process.pid)
        return ([MemoryStat(int(tag), value) for tag, value in stats.items()][:max_stats],)

    async def _balloon_stats(self, call: Call | None) -> dict[Tags, int]:
        """What the guest tells by its balloon; nothing where it has none."""
        balloon = self.definition.devices.memballoon
        if balloon is None or balloon.model == "none" or balloon.alias is None:
            return {}
        path = f"/machine/peripheral/{balloon.alias}"
        told = await self.execute(call, "qom-get", {"path": path, "property": "guest-stats"})
        stats: dict[Tags, int] = {}
        for name, (tag, in_bytes) in _BALLOON.items():
            value = int(told["stats"].get(name, _UNKNOWN))
            if 0 <= value < _UNKNOWN:
                stats[tag] = value // BYTES_PER_KIB if in_bytes else value
        if last := int(told.get("last-update", 0)):
            stats[Tags.LAST_UPDATE] = last
        return stats

    # -- processors ----------------------------------------------------------------------------------------------------

    async def domain_get_vcpus(
        self, call: Call, dom: DomainRef, maxinfo: int, maplen: int
    ) -> tuple[list[VcpuInfo], bytes]:
        self.require_active_for("list vcpus for")
        told = await self.execute(call, "query-cpus-fast")
        assert self.process is not None
        threads = {each["cpu-index"]: each["thread-id"] for each in told}
        numbers = sorted(threads)[:maxinfo]
        infos = [VcpuInfo(number, _RUNNING, *_thread(self.process.pid, threads[number])) for number in numbers]
        return infos, b"".join(self.pins_of(number, maplen) for number in numbers) if maplen else b""

    def domain_get_cpu_stats(
        self, call: Call, dom: DomainRef, nparams: int, start_cpu: int, ncpus: int, flags: int
    ) -> tuple[list[TypedParam], int]:
        self.check_flags(call, flags, TEXT_OKAY)
        self.require_active()
        if start_cpu != -1:
            return self._cpu_stats_of_each(nparams, start_cpu, ncpus)
        if self.process is None:
            raise OperationInvalid("domain is not running", object=self.name)
        fields = _stat(Path(f"/proc/{self.process.pid}/stat"))
        user, system = int(fields[11]) * _NS_PER_TICK, int(fields[12]) * _NS_PER_TICK
        values = {"cpu_time": user + system, "user_time": user, "system_time": system}
        return first([TypedParam(name, ParamType.ULLONG, value) for name, value in values.items()], nparams)

    def _cpu_stats_of_each(self, nparams: int, start_cpu: int, ncpus: int) -> tuple[list[TypedParam], int]:
        """What the guest used of each of the host's processors, as control groups of version 1 count it."""
        groups = self.around.files.groups(self.text_uuid)
        times = groups.processor_times()
        if times is None:
            if groups.version_of("cpu") == 2:
                raise NotSupported(
                    "operation 'getCpuacctPercpuUsage' not supported for backend 'cgroup V2'",
                    code=ErrorNumber.OPERATION_UNSUPPORTED,
                )
            raise OperationInvalid("cgroup CPUACCT controller is not mounted", object=self.name)
        if ncpus == 0:
            return [], len(times)
        if nparams == 0:
            return [], len(ProcessorTime._fields)
        if start_cpu >= len(times):
            raise InvalidArgument(f"start_cpu {start_cpu} larger than maximum of {len(times) - 1}")
        found: list[TypedParam] = []
        for each in times[start_cpu : start_cpu + ncpus]:
            values = (("cpu_time", each.total), ("vcpu_time", each.vcpus))
            found += [TypedParam(name, ParamType.ULLONG, value) for name, value in values[:nparams]]
        return found, min(nparams, len(ProcessorTime._fields))

    # -- disks ---------------------------------------------------------------------------------------------------------

    async def domain_block_stats(self, call: Call, dom: DomainRef, path: str) -> tuple[int, int, int, int, int]:
        stats = await self._block_stats(call, path)
        return stats["rd_operations"], stats["rd_bytes"], stats["wr_operations"], stats["wr_bytes"], -1

    async def domain_block_stats_flags(
        self, call: Call, dom: DomainRef, path: str, nparams: int, flags: int
    ) -> tuple[list[TypedParam], int]:
        self.check_flags(call, flags, TEXT_OKAY)
        stats = await self._block_stats(call, path)
        return first([TypedParam(name, ParamType.LLONG, stats[source]) for name, source in _BLOCK.items()], nparams)

    async def _block_stats(self, call: Call, path: str) -> Mapping[str, int]:
        """A disk's figures, all disks' together for an empty path."""
        self.require_active()
        wanted = None if not path else self.disk_alias(path)
        told = await self.execute(call, "query-blockstats")
        stats = [each["stats"] for each in told if wanted is None or is_of(each, wanted)]
        if not stats:
            raise OperationInvalid(f"cannot find statistics for device '{wanted}'", code=ErrorNumber.INTERNAL_ERROR)
        return {name: sum(int(each.get(name, 0)) for each in stats) for name in _BLOCK.values()}

    def disk_alias(self, path: str) -> str:
        """What QEMU calls the disk of that target or source. Raises InvalidArgument."""
        disk = find_disk(self.definition, path)
        if disk is None or disk.alias is None:
            raise InvalidArgument(f"invalid path: {path}")
        return disk.alias

    async def domain_get_block_info(self, call: Call, dom: DomainRef, path: str, flags: int) -> tuple[int, int, int]:
        self.check_flags(call, flags, 0)
        disk, source = disk_with_source(self.definition, path)
        if disk.fd_group is not None:
            raise NotSupported(
                "block info is not supported for FD passed disk image", code=ErrorNumber.OPERATION_UNSUPPORTED
            )
        capacity = None
        if self.active and disk.alias is not None:
            told = await self.execute(call, "query-block")
            found = [each["inserted"]["image"] for each in told if is_of(each, disk.alias) and "inserted" in each]
            capacity = int(found[0]["virtual-size"]) if found else None
        try:
            sizes = await self.runtime.in_thread(disk_sizes, source)
        except OSError as error:
            raise SystemFailure(f"cannot stat file '{source}': {error.strerror}", errno=error.errno) from error
        return sizes.allocation, sizes.capacity if capacity is None else capacity, sizes.physical

    async def domain_get_disk_errors(
        self, call: Call, dom: DomainRef, maxerrors: int, flags: int
    ) -> tuple[list[DiskError], int]:
        self.check_flags(call, flags, 0)
        self.require_active()
        disks = self.definition.devices.disks
        if maxerrors == 0:
            return [], len(disks)
        told = await self.execute(call, "query-block")
        found = []
        for disk in disks:
            states = [each.get("io-status", "ok") for each in told if disk.alias and is_of(each, disk.alias)]
            if states and states[0] in _DISK_ERRORS:
                found.append(DiskError(disk.target, _DISK_ERRORS[states[0]]))
        return found[:maxerrors], len(found[:maxerrors])

    # -- network cards -------------------------------------------------------------------------------------------------

    def domain_interface_stats(self, call: Call, dom: DomainRef, device: str) -> tuple[int, ...]:
        """What the guest received is what its end on the host sent."""
        self.require_active()
        card = find_interface(self.definition, device)
        if card.type == "user" or card.target is None:
            raise InvalidArgument(
                f"interface {card.mac} of type '{card.type}' has no end on the host that counts",
                domain=ErrorDomain.QEMU,
            )
        counts = _network_counts(card.target)
        return *(counts[column] for column in _SENT), *(counts[column] for column in _RECEIVED)


def is_of(told: Mapping[str, Any], alias: str) -> bool:
    """Whether QEMU speaks of the drive of that alias: its device's path has it as a part."""
    return alias in str(told.get("qdev", "")).split("/")


def _stat(path: Path) -> list[str]:
    """The fields of a stat file of /proc behind the program's name: the first is the state."""
    text = path.read_text()
    return text[text.rindex(")") + 2 :].split()


def _thread(pid: int, thread: int) -> tuple[int, int]:
    """The processor time of a thread in ns, and on which of the host's processors it is."""
    try:
        fields = _stat(Path(f"/proc/{pid}/task/{thread}/stat"))
    except OSError:
        return 0, -1
    return (int(fields[11]) + int(fields[12])) * _NS_PER_TICK, int(fields[36])


def _resident(pid: int) -> int:
    """KiB of a process that are in memory."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_KIB
    except OSError:
        return 0


def _network_counts(name: str) -> list[int]:
    for line in Path("/proc/net/dev").read_text().splitlines():
        found, colon, counts = line.partition(":")
        if colon and found.strip() == name:
            return [int(count) for count in counts.split()]
    raise MonitorFailure(f"/proc/net/dev: Interface not found: {name}")
