"""Jobs that move the data of disks: blockpull, blockcommit, blockcopy, blockjob."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.enums.domain_events import ConnectDomainEventBlockJobStatus as Status
from ....wire.enums.domain_jobs import DomainBlockJobType
from ....wire.errors import OperationAborted, OperationFailed, OperationTimeout
from ..declaring import command, data, domain
from ..render import Text
from ..session import Shell
from .actions import finish, tell
from .definitions import read

if TYPE_CHECKING:
    from ...domain import Domain
    from ...domain.disks import BlockJob, Disk

MIB = 1 << 20
# How long to wait for an event before the job is looked at again, for its progress.
LOOK_SECONDS = 0.5
_WORDS = {
    DomainBlockJobType.UNKNOWN: "Unknown job",
    DomainBlockJobType.PULL: "Block Pull",
    DomainBlockJobType.COPY: "Block Copy",
    DomainBlockJobType.COMMIT: "Block Commit",
    DomainBlockJobType.ACTIVE_COMMIT: "Active Block Commit",
    DomainBlockJobType.BACKUP: "Backup",
}
Function = Callable[..., Any]


def _waiting(function: Function) -> Function:
    """The options of a job that may be waited for."""
    for option in reversed(
        (
            click.option("--wait", is_flag=True, help="Until it is done, or with a mirror in step."),
            click.option("--verbose", is_flag=True, help="Tell how far it is."),
            data("timeout", click.IntRange(1), "End it when it takes longer.", metavar="SECONDS"),
            click.option("--async", "asynchronous", is_flag=True, help="Do not wait for its end after --timeout."),
            click.option("--bytes", "in_bytes", is_flag=True, help="The bandwidth is in bytes/s."),
        )
    ):
        function = option(function)
    return function


def _bandwidth(number: int | None, in_bytes: bool) -> int:
    """A bandwidth in bytes/s."""
    return (number or 0) * (1 if in_bytes else MIB)


@command("blockpull")
@domain(applies=Flags.ACTIVE)
@data("path", help="Its target or path.", needed=True)
@data("bandwidth", click.IntRange(0), "How fast, in MiB/s.")
@data("base", help="Down to this backing file.")
@_waiting
@click.option("--keep-relative", is_flag=True, help="Keep names of backing files relative.")
@click.pass_obj
def blockpull(
    shell: Shell, name: str, path: str, bandwidth: int | None, base: str | None, keep_relative: bool, **waiting: Any
) -> None:
    chosen = shell.domain(name)
    job = _Job(shell, chosen, chosen.disks[path], "Block Pull", **waiting)
    job.run(lambda speed: job.disk.pull(base, speed, relative=keep_relative), bandwidth)
    finish(shell, chosen, "pull complete" if job.wait else "block pull started")


@command("blockcommit")
@domain(applies=Flags.ACTIVE)
@data("path", help="Its target or path.", needed=True)
@data("bandwidth", click.IntRange(0), "How fast, in MiB/s.")
@data("base", help="The file to write into; the bottom of the chain by default.")
@click.option("--shallow", is_flag=True, help="Into top's own backing file.")
@data("top", help="The file to write from; the disk's own by default.")
@click.option("--active", is_flag=True, help="The disk's own file, in two steps.")
@click.option("--delete", is_flag=True, help="Remove the files that are not needed any more.")
@_waiting
@click.option("--pivot", is_flag=True, help="Go on with the base once they are in step.")
@click.option("--keep-overlay", is_flag=True, help="End the job once they are in step.")
@click.option("--keep-relative", is_flag=True, help="Keep names of backing files relative.")
@click.pass_obj
def blockcommit(
    shell: Shell,
    name: str,
    path: str,
    bandwidth: int | None,
    base: str | None,
    shallow: bool,
    top: str | None,
    active: bool,
    delete: bool,
    pivot: bool,
    keep_overlay: bool,
    keep_relative: bool,
    **waiting: Any,
) -> None:
    if pivot and keep_overlay:
        raise click.UsageError("either --pivot or --keep-overlay")
    chosen = shell.domain(name)
    waiting["wait"] |= pivot or keep_overlay
    job = _Job(shell, chosen, chosen.disks[path], "Block commit", **waiting)
    active = active or pivot or keep_overlay

    def begin(speed: int) -> None:
        job.disk.commit(base, top, speed, shallow=shallow, delete=delete, active=active, relative=keep_relative)

    job.run(begin, bandwidth)
    job.conclude(pivot, keep_overlay)
    finish(shell, chosen, _outcome("commit", job, pivot, keep_overlay, mirrors=active))


@command("blockcopy")
@domain(applies=Flags.ACTIVE)
@data("path", help="Its target or path.", needed=True)
@data("dest", help="The file to copy to.")
@data("bandwidth", click.IntRange(0), "How fast, in MiB/s.")
@click.option("--shallow", is_flag=True, help="The disk's own file only; the copy has the same backing file.")
@click.option("--reuse-external", is_flag=True, help="The destination is there already.")
@click.option("--blockdev", is_flag=True, help="The destination is a block device.")
@_waiting
@click.option("--pivot", is_flag=True, help="Go on with the copy once they are in step.")
@click.option("--finish", "leave", is_flag=True, help="End the job once they are in step.")
@data("xml", click.Path(allow_dash=True), "A file with the destination's XML.")
@data("format", help="The destination's format.")
@data("granularity", click.IntRange(0), "In which pieces, in bytes, a power of two.", metavar="BYTES")
@data("buf-size", click.IntRange(0), "How much may be under way, in bytes.", metavar="BYTES")
@click.option("--transient-job", is_flag=True, help="Forget the job when the guest stops.")
@click.option("--synchronous-writes", is_flag=True, help="Let the guest's writes wait for the copy's.")
@click.option("--print-xml", is_flag=True, help="Print the destination's XML, copy nothing.")
@click.pass_obj
def blockcopy(
    shell: Shell,
    name: str,
    path: str,
    bandwidth: int | None,
    shallow: bool,
    reuse_external: bool,
    pivot: bool,
    leave: bool,
    granularity: int | None,
    buf_size: int | None,
    transient_job: bool,
    synchronous_writes: bool,
    print_xml: bool,
    dest: str | None,
    blockdev: bool,
    xml: str | None,
    format: str | None,
    **waiting: Any,
) -> None:
    if pivot and leave:
        raise click.UsageError("either --pivot or --finish")
    destination = _destination(dest, blockdev, xml, format)
    chosen = shell.domain(name)
    if print_xml:
        tell(shell, chosen, {"xml": destination}, Text(destination))
        return
    waiting["wait"] |= pivot or leave
    job = _Job(shell, chosen, chosen.disks[path], "Block Copy", **waiting)

    def begin(speed: int) -> None:
        job.disk.copy(
            destination,
            bandwidth=speed,
            granularity=granularity or 0,
            buffer_size=buf_size or 0,
            shallow=shallow,
            reuse=reuse_external,
            transient=transient_job,
            synchronous=synchronous_writes,
        )

    job.run(begin, bandwidth)
    job.conclude(pivot, leave)
    finish(shell, chosen, _outcome("copy", job, pivot, leave, mirrors=True))


def _destination(dest: str | None, blockdev: bool, xml: str | None, format: str | None) -> str:
    if (dest is None) == (xml is None):
        raise click.UsageError("either --dest or --xml")
    if xml is not None:
        return read(xml)
    from xml.etree.ElementTree import Element, SubElement

    from .devices_of import xml_of

    disk = Element("disk", type="block" if blockdev else "file")
    SubElement(disk, "source", {"dev" if blockdev else "file": dest or ""})
    if format is not None:
        SubElement(disk, "driver", type=format)
    return xml_of(disk)


def _outcome(what: str, job: _Job, pivot: bool, leave: bool, *, mirrors: bool) -> str:
    if not job.wait:
        return f"block {what} started"
    if pivot:
        return "successfully pivoted"
    if leave:
        return f"successfully ended the {what}"
    return "now in mirroring phase" if mirrors else f"{what} complete"


class _Job:
    """A job on a disk: begun, and followed where that is wanted."""

    def __init__(
        self,
        shell: Shell,
        domain: Domain,
        disk: Disk,
        title: str,
        *,
        wait: bool,
        verbose: bool,
        timeout: int | None,
        asynchronous: bool,
        in_bytes: bool,
    ) -> None:
        self.disk = disk
        self.wait = wait or timeout is not None
        self._shell = shell
        self._domain = domain
        self._title = title
        self._verbose = verbose
        self._until = None if timeout is None else time.monotonic() + timeout
        self._asynchronous = asynchronous
        self._in_bytes = in_bytes

    def run(self, begin: Callable[[int], None], bandwidth: int | None) -> None:
        """Begin it, and wait until it is done or in step.

        Raises OperationFailed, OperationAborted, OperationTimeout.
        """
        speed = _bandwidth(bandwidth, self._in_bytes)
        if not self.wait:
            begin(speed)
            return
        from ...domain import events as kinds

        names = self._names()
        with self._shell.host.events(self._domain, types=[kinds.BlockJob, kinds.BlockJobByPath]) as events:
            begin(speed)
            while True:
                happened = events.get(LOOK_SECONDS)
                status = getattr(happened, "status", None)
                if status is not None and getattr(happened, "disk", "") in names:
                    self._judge(status)
                    return
                if self._is_through():
                    return
                self._look_at_time()

    def _names(self) -> tuple[str, ...]:
        """What the disk may be called in events: its target and its path."""
        from .devices_of import disk_of, parsed

        disk = disk_of(parsed(self._domain), self.disk.name)
        return (self.disk.name, disk.target, disk.source or "")

    def conclude(self, pivot: bool, leave: bool) -> None:
        """What is wanted of a mirror that is in step."""
        if pivot or leave:
            self.disk.abort_job(pivot=pivot)

    def _judge(self, status: Status | int) -> None:
        if status == Status.FAILED:
            raise OperationFailed(f"{self._title} failed")
        if status == Status.CANCELED:
            raise OperationAborted(f"{self._title} aborted")

    def _is_through(self) -> bool:
        """Whether the job is gone or in step; tells how far it is."""
        job = self.disk.job()
        if job is not None and self._verbose:
            sys.stderr.write(f"\r{self._title}: [{_percent(job):5.2f} %]")
        mirrors = job is not None and job.type in (DomainBlockJobType.COPY, DomainBlockJobType.ACTIVE_COMMIT)
        return job is None or (mirrors and 0 < job.end == job.done)

    def _look_at_time(self) -> None:
        if self._until is not None and time.monotonic() > self._until:
            self.disk.abort_job(asynchronous=self._asynchronous)
            raise OperationTimeout(f"{self._title} took too long")


def _percent(job: BlockJob) -> float:
    return 100.0 if job.done >= job.end else 100 * job.done / job.end


@command("blockjob")
@domain(applies=Flags.ACTIVE)
@data("path", help="Its target or path.", needed=True)
@click.option("--abort", is_flag=True, help="End the job.")
@click.option("--async", "asynchronous", is_flag=True, help="End it, without waiting for its end.")
@click.option("--pivot", is_flag=True, help="End it, and go on with the copy.")
@click.option("--info", is_flag=True, help="Tell of it; the default.")
@click.option("--bytes", "in_bytes", is_flag=True, help="Bandwidths are in bytes/s.")
@click.option("--raw", is_flag=True, help="Tell of it by its figures.")
@data("bandwidth", click.IntRange(0), "How fast it may go from now on, in MiB/s.")
@click.pass_obj
def blockjob(
    shell: Shell,
    name: str,
    path: str,
    abort: bool,
    asynchronous: bool,
    pivot: bool,
    info: bool,
    in_bytes: bool,
    raw: bool,
    bandwidth: int | None,
) -> None:
    ending = abort or asynchronous or pivot
    if ending + (info or raw) + (bandwidth is not None) > 1:
        raise click.UsageError("one of ending it, its bandwidth and its figures")
    chosen = shell.domain(name)
    disk = chosen.disks[path]
    if ending:
        disk.abort_job(pivot=pivot, asynchronous=asynchronous)
        finish(shell, chosen, f"job on {path} ended")
    elif bandwidth is not None:
        disk.set_job_speed(_bandwidth(bandwidth, in_bytes))
        finish(shell, chosen, f"bandwidth of the job on {path} set")
    else:
        _tell_of_job(shell, chosen, path, disk.job(in_bytes=in_bytes), in_bytes, raw)


def _tell_of_job(shell: Shell, domain: Domain, path: str, job: BlockJob | None, in_bytes: bool, raw: bool) -> None:
    if job is None:
        tell(
            shell,
            domain,
            {"disk": path, "job": None},
            Text("" if raw else f"No current block job for {path}", spaced=False),
        )
        return
    figures = {"type": int(job.type), "bandwidth": job.bandwidth, "cur": job.done, "end": job.end}
    if raw:
        title = _WORDS.get(job.type, "Unknown job")  # type: ignore[call-overload]
        text = "\n".join(f" {key}={title if key == 'type' else value}" for key, value in figures.items())
    else:
        text = f"{_WORDS.get(job.type, 'Unknown job')}: [{_percent(job):5.2f} %]"  # type: ignore[call-overload]
        if job.bandwidth:
            unit = "bytes/s" if in_bytes else "MiB/s"
            text += f"    Bandwidth limit: {job.bandwidth} {unit}"
    tell(shell, domain, {"disk": path, "job": figures}, Text(text, spaced=False))


COMMANDS = {one.name: one for one in (blockcommit, blockcopy, blockjob, blockpull)}
