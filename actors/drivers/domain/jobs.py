"""What works on a domain at the moment, and an end of it."""

from __future__ import annotations

from ....wire.enums.domain_jobs import DomainJobType
from ....wire.errors import OperationInvalid
from ....wire.params import ParamType, TypedParam
from ....wire.table import DomainRef
from ...call import Call
from .domain_object import DomainObject

# The changes that last, and that a caller may watch or abort: what libvirt calls a job.
LONG = frozenset({"domain_save_flags", "domain_save", "domain_managed_save", "domain_core_dump_with_format"})
_FIGURES = 11


class Jobs(DomainObject):
    """Calls about jobs."""

    async def job_progress(self, call: Call) -> tuple[int, int, int]:
        """How many bytes the job at work has in all, has done, and has left; zeros where a driver cannot tell."""
        return 0, 0, 0

    async def domain_get_job_info(self, call: Call, dom: DomainRef) -> tuple[int, ...]:
        self.require_active()
        held = self.holder()
        if held is None or held[0] not in LONG:
            return (int(DomainJobType.NONE), *(0,) * _FIGURES)
        data = await self.job_progress(call)
        # What is written is memory, and no file of a disk's.
        return (int(DomainJobType.UNBOUNDED), int(held[1] * 1000), 0, *data, *data, 0, 0, 0)

    async def domain_get_job_stats(self, call: Call, dom: DomainRef, flags: int) -> tuple[int, list[TypedParam]]:
        type_, elapsed, _, total, done, left, *_ = await self.domain_get_job_info(call, dom)
        if type_ == DomainJobType.NONE:
            return type_, []
        data = {"data_total": total, "data_processed": done, "data_remaining": left} if total else {}
        values = {"time_elapsed": elapsed, **data}
        return type_, [TypedParam(name, ParamType.ULLONG, value) for name, value in values.items()]

    def domain_abort_job(self, call: Call, dom: DomainRef) -> None:
        if call.interrupted is None:
            raise OperationInvalid("no job is active on the domain", object=self.name)

    def domain_abort_job_flags(self, call: Call, dom: DomainRef, flags: int) -> None:
        self.check_flags(call, flags, 0)
        self.domain_abort_job(call, dom)
