"""The long operation that a domain is in: what it is, how far it is, ending it."""

from __future__ import annotations

from dataclasses import dataclass

from ...wire.enums.domain_jobs import DomainAbortJobFlagsValues, DomainGetJobStatsFlags, DomainJobType
from ...wire.params import ParamValue, values_of
from ...wire.table import ROWS
from ..values import bits, member_or_number
from .identity import Part

_INFO = ROWS["domain_get_job_info"]
_STATS = ROWS["domain_get_job_stats"]
_ABORT = ROWS["domain_abort_job"]
_ABORT_FLAGS = ROWS["domain_abort_job_flags"]


@dataclass(frozen=True, slots=True)
class JobInfo:
    """A job: times in milliseconds, the rest in bytes."""

    type: DomainJobType | int
    time_elapsed: int
    time_remaining: int
    data_total: int
    data_processed: int
    data_remaining: int
    memory_total: int
    memory_processed: int
    memory_remaining: int
    file_total: int
    file_processed: int
    file_remaining: int


@dataclass(frozen=True, slots=True)
class JobStats:
    """A job by libvirt's names: ``operation`` (DomainJobOperation), ``time_elapsed``, ``memory_bps``, …"""

    type: DomainJobType | int
    values: dict[str, ParamValue]


class Job(Part):
    """``guest.job``."""

    __slots__ = ()

    def info(self, *, deadline: float | None = None) -> JobInfo:
        """The job at work; its type is NONE when there is none (virDomainGetJobInfo)."""
        type, *rest = self._call(_INFO, deadline=deadline)
        return JobInfo(member_or_number(DomainJobType, type), *rest)

    def stats(self, *, completed: bool = False, keep: bool = False, deadline: float | None = None) -> JobStats:
        """The same and more (virDomainGetJobStats).

        With ``completed`` of the job that ended last, which is forgotten by that unless ``keep``.
        """
        flags = {DomainGetJobStatsFlags.COMPLETED: completed, DomainGetJobStatsFlags.KEEP_COMPLETED: keep}
        type, params = self._call(_STATS, bits(flags), deadline=deadline)
        return JobStats(member_or_number(DomainJobType, type), values_of(params))

    def abort(self, *, postcopy: bool = False, deadline: float | None = None) -> None:
        """End it; its caller gets OperationAborted (virDomainAbortJob, virDomainAbortJobFlags).

        ``postcopy`` interrupts a migration whose guest runs on the other side already.
        """
        if postcopy:
            self._call(_ABORT_FLAGS, int(DomainAbortJobFlagsValues.POSTCOPY), deadline=deadline)
        else:
            self._call(_ABORT, deadline=deadline)
