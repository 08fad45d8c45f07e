"""`domjobinfo`: the job that a domain is in, or was in last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from ....wire.enums.domain_jobs import DomainJobOperation, DomainJobType
from ....wire.errors import NotSupported
from ....wire.params import ParamValue
from ...values import member_or_number, words_of
from ..declaring import command, domain
from ..render import Text
from ..session import Shell
from .actions import tell

_TYPES = {
    DomainJobType.NONE: "None",
    DomainJobType.BOUNDED: "Bounded",
    DomainJobType.UNBOUNDED: "Unbounded",
    DomainJobType.COMPLETED: "Completed",
    DomainJobType.FAILED: "Failed",
    DomainJobType.CANCELLED: "Cancelled",
}
_OPERATIONS = {
    DomainJobOperation.MIGRATION_IN: "Incoming migration",
    DomainJobOperation.MIGRATION_OUT: "Outgoing migration",
    DomainJobOperation.SNAPSHOT_REVERT: "Snapshot revert",
    DomainJobOperation.SNAPSHOT_DELETE: "Snapshot delete",
}
# What virsh prints of a job: label, libvirt's name, and in what (ms, bytes, bytes/s, …).
_LINES = (
    ("Time elapsed", "time_elapsed", "ms"),
    ("Time elapsed w/o network", "time_elapsed_net", "ms"),
    ("Time remaining", "time_remaining", "ms"),
    ("Data processed", "data_processed", "bytes"),
    ("Data remaining", "data_remaining", "bytes"),
    ("Data total", "data_total", "bytes"),
    ("Memory processed", "memory_processed", "bytes"),
    ("Memory remaining", "memory_remaining", "bytes"),
    ("Memory total", "memory_total", "bytes"),
    ("Memory bandwidth", "memory_bps", "bytes/s"),
    ("Dirty rate", "memory_dirty_rate", "pages/s"),
    ("Page size", "memory_page_size", " bytes"),
    ("Iteration", "memory_iteration", ""),
    ("Postcopy requests", "memory_postcopy_requests", ""),
    ("File processed", "disk_processed", "bytes"),
    ("File remaining", "disk_remaining", "bytes"),
    ("File total", "disk_total", "bytes"),
    ("File bandwidth", "disk_bps", "bytes/s"),
    ("Constant pages", "memory_constant", ""),
    ("Normal pages", "memory_normal", ""),
    ("Normal data", "memory_normal_bytes", "bytes"),
    ("Total downtime", "downtime", "ms"),
    ("Downtime w/o network", "downtime_net", "ms"),
    ("Setup time", "setup_time", "ms"),
    ("Compression cache", "compression_cache", "bytes"),
    ("Compressed data", "compression_bytes", "bytes"),
    ("Compressed pages", "compression_pages", ""),
    ("Compression cache misses", "compression_cache_misses", ""),
    ("Compression overflows", "compression_overflow", ""),
    ("Auto converge throttle", "auto_converge_throttle", "percent"),
    ("Temporary disk space use", "disk_temp_used", "bytes"),
    ("Temporary disk space total", "disk_temp_total", "bytes"),
    ("Error message", "errmsg", ""),
)


@command("domjobinfo")
@domain()
@click.option("--completed", is_flag=True, help="Of the job that ended last.")
@click.option("--keep-completed", is_flag=True, help="Do not forget it by that.")
@click.option("--anystats", is_flag=True, help="Of any job, also one that failed.")
@click.option("--rawstats", is_flag=True, help="Figures by libvirt's names.")
@click.pass_obj
def domjobinfo(shell: Shell, name: str, completed: bool, keep_completed: bool, anystats: bool, rawstats: bool) -> None:
    chosen = shell.domain(name)
    try:
        stats = chosen.job.stats(completed=completed or keep_completed, keep=keep_completed)
        type, values = stats.type, stats.values
    except NotSupported:
        if completed or keep_completed or rawstats:
            raise
        type, values = _from_info(chosen)
    if rawstats:
        text = "\n".join([f"Job type: {int(type)}", "", *(f"{key}: {value}" for key, value in values.items())])
    elif type in (DomainJobType.NONE, DomainJobType.FAILED, DomainJobType.CANCELLED) and not anystats:
        text = f"{'Job type:':<17} {_TYPES.get(type, 'Unknown'):<12}"  # type: ignore[call-overload]
    else:
        text = "\n".join(_job_lines(type, values))
    tell(shell, chosen, {"type": words_of(type), "values": values}, Text(text))


def _from_info(domain: Any) -> tuple[DomainJobType | int, dict[str, ParamValue]]:
    """The figures of a daemon that has no others, by the names of those."""
    info = domain.job.info()
    names = {
        f"{ours}_{what}": f"{libvirts}_{what}"
        for ours, libvirts in (("data", "data"), ("memory", "memory"), ("file", "disk"))
        for what in ("total", "processed", "remaining")
    }
    names |= {"time_elapsed": "time_elapsed", "time_remaining": "time_remaining"}
    return info.type, {name: getattr(info, ours) for ours, name in names.items()}


def _job_lines(type: DomainJobType | int, values: dict[str, ParamValue]) -> Iterator[str]:
    yield f"{'Job type:':<17} {_TYPES.get(type, 'Unknown'):<12}"  # type: ignore[call-overload]
    if "operation" in values:
        operation = member_or_number(DomainJobOperation, int(values["operation"]))
        word = _OPERATIONS.get(operation) or words_of(operation).capitalize()  # type: ignore[call-overload]
        yield f"{'Operation:':<17} {word:<12}"
    for label, name, unit in _LINES:
        if name in values and (values[name] or name == "time_elapsed"):
            yield _job_line(label, values[name], unit)


def _job_line(label: str, value: ParamValue, unit: str) -> str:
    title = f"{label + ':':<17}"
    if unit in ("bytes", "bytes/s"):
        number, scale = scaled(int(value))
        return f"{title} {number:<.3f} {scale}{unit.removeprefix('bytes')}"
    return f"{title} {value:<12} {unit}".rstrip() if unit else f"{title} {value:<12}"


def scaled(size: int) -> tuple[float, str]:
    """A size, and the unit that it is then in."""
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    power = max(0, (size.bit_length() - 1) // 10)
    return size / 1024**power, units[power]


COMMANDS = {"domjobinfo": domjobinfo}
