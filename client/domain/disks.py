"""A domain's disks: what they hold, what goes through them, limits, and the jobs that move their data.

A disk is called by its target (``vda``) or its path on the host; most calls take either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...wire.enums.domain_jobs import (
    DomainBlockCommitFlags,
    DomainBlockCopyFlags,
    DomainBlockJobAbortFlags,
    DomainBlockJobType,
    DomainBlockPullFlags,
    DomainBlockRebaseFlags,
)
from ...wire.enums.domain_tuning import DomainDiskErrorCode
from ...wire.params import ParamValue, values_of
from ...wire.table import ROWS
from ..values import bits, impact, member_or_number
from . import parameters
from .identity import Part

_ERRORS = ROWS["domain_get_disk_errors"]
_STATS = ROWS["domain_block_stats"]
_STATS_FLAGS = ROWS["domain_block_stats_flags"]
_INFO = ROWS["domain_get_block_info"]
_PEEK = ROWS["domain_block_peek"]
_RESIZE = ROWS["domain_block_resize"]
_IO_TUNE = ROWS["domain_get_block_io_tune"]
_SET_IO_TUNE = ROWS["domain_set_block_io_tune"]
_SET_THRESHOLD = ROWS["domain_set_block_threshold"]
_PULL = ROWS["domain_block_pull"]
_REBASE = ROWS["domain_block_rebase"]
_COMMIT = ROWS["domain_block_commit"]
_COPY = ROWS["domain_block_copy"]
_JOB = ROWS["domain_get_block_job_info"]
_ABORT_JOB = ROWS["domain_block_job_abort"]
_SET_JOB_SPEED = ROWS["domain_block_job_set_speed"]

ERRORS_MAX = 256
STATS_MAX = 16
IO_TUNE_MAX = 32
_IN_BYTES = 1  # of the flags of block jobs and of a resize


@dataclass(frozen=True, slots=True)
class BlockStats:
    """What went through a disk: requests and bytes; a number that is not known is -1."""

    read_requests: int
    read_bytes: int
    write_requests: int
    write_bytes: int
    errors: int


@dataclass(frozen=True, slots=True)
class BlockInfo:
    """A disk's size in bytes: what the guest sees, what is used of it, what the host's file takes."""

    capacity: int
    allocation: int
    physical: int


@dataclass(frozen=True, slots=True)
class BlockJob:
    """A job on a disk: ``done`` of ``end`` in the driver's own units, ``bandwidth`` in MiB/s or bytes/s, 0 for none."""

    type: DomainBlockJobType | int
    bandwidth: int
    done: int
    end: int


class Disks(Part):
    """``guest.disks``: iterable (those of its present XML), and ``guest.disks["vda"]``."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Disk:
        return Disk(self, name)

    def __iter__(self) -> Iterator[Disk]:
        from xml.etree import ElementTree

        for target in ElementTree.fromstring(self._domain.xml()).iterfind("devices/disk/target"):
            yield Disk(self, target.get("dev", ""))

    def errors(self, *, deadline: float | None = None) -> dict[str, DomainDiskErrorCode | int]:
        """Disks that the guest was paused for, and what they failed with (virDomainGetDiskErrors)."""
        errors, _ = self._call(_ERRORS, ERRORS_MAX, 0, deadline=deadline)
        return {error.disk: member_or_number(DomainDiskErrorCode, error.remote_error) for error in errors}


class Disk(Part):
    """One disk of a domain's."""

    __slots__ = ("name",)

    def __init__(self, disks: Disks, name: str) -> None:
        super().__init__(disks._domain)
        self.name = name

    def __repr__(self) -> str:
        return f"<Disk {self.name} of {self._domain.name}>"

    # What it is and does.

    def stats(self, *, deadline: float | None = None) -> BlockStats:
        """What went through it since the guest's start (virDomainBlockStats)."""
        return BlockStats(*self._call(_STATS, self.name, deadline=deadline))

    def all_stats(self, *, deadline: float | None = None) -> dict[str, ParamValue]:
        """The same and more, by libvirt's names; times in nanoseconds (virDomainBlockStatsFlags)."""
        params, _ = self._call(_STATS_FLAGS, self.name, STATS_MAX, 0, deadline=deadline)
        return values_of(params)

    def info(self, *, deadline: float | None = None) -> BlockInfo:
        """Its size (virDomainGetBlockInfo)."""
        allocation, capacity, physical = self._call(_INFO, self.name, 0, deadline=deadline)
        return BlockInfo(capacity, allocation, physical)

    def peek(self, offset: int, size: int, *, deadline: float | None = None) -> bytes:
        """``size`` bytes of it (virDomainBlockPeek)."""
        return self._call(_PEEK, self.name, offset, size, 0, deadline=deadline)[0]

    def resize(self, size: int, *, deadline: float | None = None) -> None:
        """Make it ``size`` bytes large, for a running guest (virDomainBlockResize)."""
        self._call(_RESIZE, self.name, size, _IN_BYTES, deadline=deadline)

    def io_tune(
        self, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> dict[str, ParamValue]:
        """How much may go through it: ``total_bytes_sec``, ``read_iops_sec``, … (virDomainGetBlockIoTune).

        0 is no limit.
        """
        return self._parameters(_IO_TUNE, self.name, IO_TUNE_MAX, live=live, config=config, deadline=deadline)

    def set_io_tune(
        self,
        values: Mapping[str, int | str],
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Change some of that (virDomainSetBlockIoTune)."""
        params = parameters.typed(values, parameters.DISK_IO)
        self._call(_SET_IO_TUNE, self.name, params, impact(live, config), deadline=deadline)

    def set_threshold(self, size: int, *, deadline: float | None = None) -> None:
        """Send a BlockThreshold event when the guest writes beyond ``size`` bytes (virDomainSetBlockThreshold).

        Here the disk's name may also be that of a backing file, ``vda[1]``.
        """
        self._call(_SET_THRESHOLD, self.name, size, 0, deadline=deadline)

    # Jobs. Bandwidths are in bytes/s, 0 for no limit.

    def pull(
        self,
        base: str | None = None,
        bandwidth: int = 0,
        *,
        relative: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Fill it from its backing files, down to ``base`` or all (virDomainBlockPull, virDomainBlockRebase)."""
        if base is None and not relative:
            self._call(_PULL, self.name, bandwidth, int(DomainBlockPullFlags.BYTES), deadline=deadline)
            return
        flags = DomainBlockRebaseFlags.BANDWIDTH_BYTES | (DomainBlockRebaseFlags.RELATIVE if relative else 0)
        self._call(_REBASE, self.name, base, bandwidth, int(flags), deadline=deadline)

    def commit(
        self,
        base: str | None = None,
        top: str | None = None,
        bandwidth: int = 0,
        *,
        shallow: bool = False,
        delete: bool = False,
        active: bool = False,
        relative: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Write what ``top`` (default: the disk) has down into ``base`` (default: the bottom) (virDomainBlockCommit).

        ``active`` is needed for the disk itself: such a job goes on until it is pivoted or aborted. ``shallow`` makes
        the base top's own backing file; ``delete`` removes the files that are not needed any more.
        """
        flags = {
            DomainBlockCommitFlags.SHALLOW: shallow,
            DomainBlockCommitFlags.DELETE: delete,
            DomainBlockCommitFlags.ACTIVE: active,
            DomainBlockCommitFlags.RELATIVE: relative,
            DomainBlockCommitFlags.BANDWIDTH_BYTES: True,
        }
        self._call(_COMMIT, self.name, base, top, bandwidth, bits(flags), deadline=deadline)

    def copy(
        self,
        destination: str,
        *,
        bandwidth: int = 0,
        granularity: int = 0,
        buffer_size: int = 0,
        shallow: bool = False,
        reuse: bool = False,
        transient: bool = False,
        synchronous: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Mirror it to a disk that ``destination`` (the XML of a disk) describes (virDomainBlockCopy).

        The job goes on until it is pivoted or aborted. ``granularity`` and ``buffer_size`` are in bytes. With ``reuse``
        the destination is there already; with ``shallow`` only the disk's own file is copied.
        """
        flags = {
            DomainBlockCopyFlags.SHALLOW: shallow,
            DomainBlockCopyFlags.REUSE_EXT: reuse,
            DomainBlockCopyFlags.TRANSIENT_JOB: transient,
            DomainBlockCopyFlags.SYNCHRONOUS_WRITES: synchronous,
        }
        given = {"bandwidth": bandwidth, "granularity": granularity, "buf-size": buffer_size}
        params = parameters.typed({name: value for name, value in given.items() if value}, parameters.BLOCK_COPY)
        self._call(_COPY, self.name, destination, params, bits(flags), deadline=deadline)

    def job(self, *, in_bytes: bool = True, deadline: float | None = None) -> BlockJob | None:
        """The job on it, if there is one (virDomainGetBlockJobInfo). Its bandwidth is in MiB/s without ``in_bytes``."""
        found, type, bandwidth, done, end = self._call(_JOB, self.name, _IN_BYTES if in_bytes else 0, deadline=deadline)
        return BlockJob(member_or_number(DomainBlockJobType, type), bandwidth, done, end) if found else None

    def abort_job(self, *, pivot: bool = False, asynchronous: bool = False, deadline: float | None = None) -> None:
        """End the job (virDomainBlockJobAbort).

        With ``pivot`` the guest goes on with the copy. Waits until the job has ended, unless ``asynchronous``.
        """
        flags = {DomainBlockJobAbortFlags.ASYNC: asynchronous, DomainBlockJobAbortFlags.PIVOT: pivot}
        self._call(_ABORT_JOB, self.name, bits(flags), deadline=deadline)

    def set_job_speed(self, bandwidth: int, *, deadline: float | None = None) -> None:
        """Change how fast the job may go, in bytes/s (virDomainBlockJobSetSpeed)."""
        self._call(_SET_JOB_SPEED, self.name, bandwidth, _IN_BYTES, deadline=deadline)
