"""What a job came to that has ended well: told once, and kept for who asks later.

Only saving a guest is told of, as in libvirt, whose dumps leave no figures either.
"""

from __future__ import annotations

from typing import Any

from ....wire.enums.domain_jobs import DomainGetJobStatsFlags, DomainJobOperation, DomainJobType
from ....wire.params import ParamType, TypedParam
from ....wire.table import ROWS, DomainRef
from ...call import Call
from ...lifecycle import Happening
from .image_streams import Way
from .images import NewFile
from .saving import GuestSaving

_ROW = ROWS["domain_event_callback_job_completed"]
_COMPLETED, _KEEP = int(DomainGetJobStatsFlags.COMPLETED), int(DomainGetJobStatsFlags.KEEP_COMPLETED)
_BYTES_PER_MEGABIT = 125_000
_SIZES = {"total": "total", "processed": "transferred", "remaining": "remaining"}
# libvirt's names of what QEMU counts of memory.
_MEMORY = {
    "memory_constant": "duplicate",
    "memory_normal": "normal",
    "memory_normal_bytes": "normal-bytes",
    "memory_dirty_rate": "dirty-pages-rate",
    "memory_iteration": "dirty-sync-count",
    "memory_postcopy_requests": "postcopy-requests",
    "memory_page_size": "page-size",
}


class CompletedJobs(GuestSaving):
    """Keeps and tells the figures of the last save."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._completed: list[TypedParam] = []

    async def _write_stream(self, file: NewFile, way: Way) -> None:
        self._completed = []
        await super()._write_stream(file, way)
        held = self.holder()
        told = await self.execute(None, "query-migrate")
        self._completed = save_figures(told, milliseconds=int(held[1] * 1000) if held is not None else 0)

    async def end(self, call: Call, what: Happening, *, graceful: bool = False) -> None:
        if what is Happening.SAVED and self._completed:
            self.publish(_ROW, self._completed)
        await super().end(call, what, graceful=graceful)

    async def domain_get_job_stats(self, call: Call, dom: DomainRef, flags: int) -> tuple[int, list[TypedParam]]:
        self.check_flags(call, flags, _COMPLETED | _KEEP)
        if not flags & _COMPLETED:
            return await super().domain_get_job_stats(call, dom, flags)
        found = self._completed
        if not flags & _KEEP:
            self._completed = []
        return int(DomainJobType.COMPLETED if found else DomainJobType.NONE), found


def save_figures(told: dict[str, Any], *, milliseconds: int) -> list[TypedParam]:
    """What QEMU counted of a stream (`query-migrate`), by libvirt's names: times in ms, sizes in bytes."""
    ram = told.get("ram", {})
    sizes = {name: int(ram.get(field, 0)) for name, field in _SIZES.items()}
    figures = {
        "time_elapsed": milliseconds,
        "downtime": int(told.get("downtime", 0)),
        "setup_time": int(told.get("setup-time", 0)),
        **{f"data_{name}": size for name, size in sizes.items()},
        **{f"memory_{name}": size for name, size in sizes.items()},
        "memory_bps": int(ram.get("mbps", 0) * _BYTES_PER_MEGABIT),
        **{name: int(ram.get(field, 0)) for name, field in _MEMORY.items()},
    }
    operation = TypedParam("operation", ParamType.INT, int(DomainJobOperation.SAVE))
    return [operation, *(TypedParam(name, ParamType.ULLONG, value) for name, value in figures.items())]
