"""A domain's disks: domblklist, domblkinfo, domblkstat, domblkerror, blkdeviotune, blockresize, domblkthreshold."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.enums.domain_tuning import DomainDiskErrorCode
from ....wire.errors import NotSupported, VirtError
from ..declaring import command, data, domain
from ..render import Table, Text
from ..session import Shell
from ..values import Impact, Scaled, affecting
from .actions import finish, tell, tell_values
from .devices_of import disks_in, parsed
from .jobs import scaled

if TYPE_CHECKING:
    from ...domain import Domain

_ERROR_WORDS = {
    DomainDiskErrorCode.NONE: "no error",
    DomainDiskErrorCode.UNSPEC: "unspecified error",
    DomainDiskErrorCode.NO_SPACE: "no space",
}
# Names of figures of a disk: ours, virsh's short one, and what it is.
_FIGURES = (
    ("rd_operations", "rd_req", "number of read operations:"),
    ("rd_bytes", "rd_bytes", "number of bytes read:"),
    ("wr_operations", "wr_req", "number of write operations:"),
    ("wr_bytes", "wr_bytes", "number of bytes written:"),
    ("errs", "errs", "error count:"),
    ("flush_operations", "flush_operations", "number of flush operations:"),
    ("rd_total_times", "rd_total_times", "total duration of reads (ns):"),
    ("wr_total_times", "wr_total_times", "total duration of writes (ns):"),
    ("flush_total_times", "flush_total_times", "total duration of flushes (ns):"),
)


@command("domblklist")
@domain()
@click.option("--inactive", is_flag=True, help="Those of the next start.")
@click.option("--details", is_flag=True, help="Type and device too.")
@click.pass_obj
def domblklist(shell: Shell, name: str, inactive: bool, details: bool) -> None:
    chosen = shell.domain(name)
    disks = disks_in(parsed(chosen, inactive))
    titles = ("Type", "Device", "Target", "Source") if details else ("Target", "Source")
    rows = [(*((disk.type, disk.device) if details else ()), disk.target or "-", disk.source or "-") for disk in disks]
    as_data = [
        {"type": disk.type, "device": disk.device, "target": disk.target, "source": disk.source} for disk in disks
    ]
    tell(shell, chosen, {"disks": as_data}, Table(titles, rows))


@command("domblkinfo")
@domain()
@data("device", help="Its target or path.")
@click.option("--human", is_flag=True, help="Sizes with units.")
@click.option("--all", "everything", is_flag=True, help="Of all disks.")
@click.pass_obj
def domblkinfo(shell: Shell, name: str, device: str | None, human: bool, everything: bool) -> None:
    if everything == bool(device):
        raise click.UsageError("either --all or a device")
    chosen = shell.domain(name)
    word = _readable if human else str
    if device:
        info = asdict(chosen.disks[device].info())
        lines = [f"{key.capitalize() + ':':<15} {word(value)}" for key, value in info.items()]
        tell(shell, chosen, {"disk": device, **info}, Text("\n".join(lines)))
        return
    found = [(disk.target, _info(chosen, disk.target)) for disk in disks_in(parsed(chosen))]
    rows = [(target, *(("-",) * 3 if info is None else map(word, info.values()))) for target, info in found]
    view = Table(("Target", "Capacity", "Allocation", "Physical"), rows)
    tell(shell, chosen, {"disks": [{"disk": target, **(info or {})} for target, info in found]}, view)


def _info(domain: Domain, target: str) -> dict[str, int] | None:
    """A disk's sizes; None for an empty drive or one whose source cannot be asked now."""
    try:
        return asdict(domain.disks[target].info())
    except NotSupported:
        raise
    except VirtError:
        return None


def _readable(size: int) -> str:
    """A size with a unit, three digits behind the point, as virsh has it."""
    number, unit = scaled(size)
    return f"{number:.3f} {unit}"


@command("domblkstat")
@domain(applies=Flags.ACTIVE)
@data("device", help="Its target or path; all together by default, where the driver can.")
@click.option("--human", is_flag=True, help="What each figure is, in words.")
@click.pass_obj
def domblkstat(shell: Shell, name: str, device: str | None, human: bool) -> None:
    chosen = shell.domain(name)
    figures = _figures(chosen, device or "")
    known = [(short, words, figures[key]) for key, short, words in _FIGURES if key in figures]
    if human:
        lines = [f"Device: {device or ''}", *(f" {words:<31} {value}" for _, words, value in known)]
    else:
        lines = [f"{device or ''} {short} {value}" for short, _, value in known]
    tell(
        shell,
        chosen,
        {"disk": device, "values": {short: value for short, _, value in known}},
        Text("\n".join(lines)),
    )


def _figures(domain: Domain, device: str) -> dict[str, Any]:
    """What went through a disk, without figures that are not known."""
    try:
        figures: dict[str, Any] = domain.disks[device].all_stats()
    except NotSupported:
        stats = domain.disks[device].stats()
        figures = {
            "rd_operations": stats.read_requests,
            "rd_bytes": stats.read_bytes,
            "wr_operations": stats.write_requests,
            "wr_bytes": stats.write_bytes,
            "errs": stats.errors,
        }
    return {key: value for key, value in figures.items() if int(value) >= 0}


@command("domblkerror")
@domain(applies=Flags.ACTIVE)
@click.pass_obj
def domblkerror(shell: Shell, name: str) -> None:
    chosen = shell.domain(name)
    errors = {disk: _error_word(error) for disk, error in chosen.disks.errors().items()}
    lines = [f"{disk}: {word}" for disk, word in errors.items()] or ["No errors found"]
    tell(shell, chosen, {"errors": errors}, Text("\n".join(lines)))


def _error_word(error: DomainDiskErrorCode | int) -> str:
    return _ERROR_WORDS.get(error, "unknown error")  # type: ignore[call-overload]


def _limits() -> list[Any]:
    bytes_help = "as a size"
    options = []
    for suffix, what in (("", "limit"), ("-max", "limit in bursts"), ("-max-length", "seconds of a burst")):
        for unit in ("bytes", "iops"):
            for way in ("total", "read", "write"):
                kind = Scaled("b") if unit == "bytes" and suffix != "-max-length" else click.IntRange(0)
                help = f"{way.capitalize()} {unit} per second: {what}{', ' + bytes_help if unit == 'bytes' else ''}."
                options.append(data(f"{way}-{unit}-sec{suffix}", kind, help, metavar="NUMBER"))
    return options


def _limit_options(function: Any) -> Any:
    """An option for each limit, in virsh's order."""
    limits = _limits()
    size = data("size-iops-sec", click.IntRange(0), "How large an operation counts as one.", metavar="BYTES")
    group = data("group-name", help="The group of disks that share the limits.")
    for option in reversed([*limits[:12], size, group, *limits[12:]]):
        function = option(function)
    return function


@command("blkdeviotune")
@domain()
@data("device", help="Its target or path.", needed=True)
@_limit_options
@affecting()
@click.pass_obj
def blkdeviotune(shell: Shell, name: str, device: str, impact: Impact, **limits: int | str | None) -> None:
    wanted = {limit: value for limit, value in limits.items() if value is not None}
    chosen = shell.domain(name)
    disk = chosen.disks[device]
    if wanted:
        disk.set_io_tune(wanted, **impact)
        finish(shell, chosen, f"limits of {device} set")
    else:
        tell_values(shell, chosen, disk.io_tune(**impact))


@command("blockresize")
@domain(applies=Flags.ACTIVE)
@data("path", help="Its target or path.", needed=True)
@data("size", Scaled("KiB"), "How large, in KiB or with a unit.", needed=True)
@click.pass_obj
def blockresize(shell: Shell, name: str, path: str, size: int) -> None:
    chosen = shell.domain(name)
    chosen.disks[path].resize(size * 1024)
    finish(shell, chosen, f"block device '{path}' is resized")


@command("domblkthreshold")
@domain(applies=Flags.ACTIVE)
@data("dev", help="Its target, or that of a backing file: vda[1].", needed=True)
@data("threshold", Scaled("b"), "When to tell, in bytes or with a unit.", needed=True)
@click.pass_obj
def domblkthreshold(shell: Shell, name: str, dev: str, threshold: int) -> None:
    chosen = shell.domain(name)
    chosen.disks[dev].set_threshold(threshold)
    finish(shell, chosen, f"threshold of {dev} set")


COMMANDS = {
    one.name: one
    for one in (blkdeviotune, blockresize, domblkerror, domblkinfo, domblklist, domblkstat, domblkthreshold)
}
