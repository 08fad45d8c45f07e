"""Moving a guest to another host: migrate, and the settings of that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.enums.domain_jobs import DomainMigrateFlags
from ....wire.errors import VirtError
from ..declaring import command, data, domain, domains
from ..flags import Flag, flag_options
from ..render import Text
from ..selection import Selection
from ..session import Shell
from .actions import act, finish, tell
from .definitions import read
from .jobs import scaled

MIGRATE_FLAGS: dict[str, Flag] = {
    "live": (DomainMigrateFlags.LIVE, "Let the guest run meanwhile."),
    "offline": (DomainMigrateFlags.OFFLINE, "Its definition only; the guest is off."),
    "p2p": (DomainMigrateFlags.PEER2PEER, "The two daemons speak to each other."),
    "tunnelled": (DomainMigrateFlags.TUNNELLED, "The guest's memory goes through the daemons."),
    "persistent": (DomainMigrateFlags.PERSIST_DEST, "Keep its definition there."),
    "undefinesource": (DomainMigrateFlags.UNDEFINE_SOURCE, "Forget its definition here."),
    "suspend": (DomainMigrateFlags.PAUSED, "Leave it paused there."),
    "copy-storage-all": (DomainMigrateFlags.NON_SHARED_DISK, "Copy its disks."),
    "copy-storage-inc": (DomainMigrateFlags.NON_SHARED_INC, "Copy what its disks have beyond their backing files."),
    "copy-storage-synchronous-writes": (
        DomainMigrateFlags.NON_SHARED_SYNCHRONOUS_WRITES,
        "Let the guest's writes wait for the copy's.",
    ),
    "change-protection": (DomainMigrateFlags.CHANGE_PROTECTION, "Let nobody change it meanwhile."),
    "unsafe": (DomainMigrateFlags.UNSAFE, "Even where its disks may be harmed by it."),
    "compressed": (DomainMigrateFlags.COMPRESSED, "Compress pages."),
    "auto-converge": (DomainMigrateFlags.AUTO_CONVERGE, "Slow the guest down until its memory can follow."),
    "rdma-pin-all": (DomainMigrateFlags.RDMA_PIN_ALL, "Pin all of its memory."),
    "abort-on-error": (DomainMigrateFlags.ABORT_ON_ERROR, "End it when a disk fails meanwhile."),
    "postcopy": (DomainMigrateFlags.POSTCOPY, "Let migrate-postcopy be used."),
    "postcopy-resume": (DomainMigrateFlags.POSTCOPY_RESUME, "Go on with one that broke off."),
    "zerocopy": (DomainMigrateFlags.ZEROCOPY, "Send pages without copying them."),
    "tls": (DomainMigrateFlags.TLS, "Send it encrypted."),
    "parallel": (DomainMigrateFlags.PARALLEL, "Over several connections."),
}
# Options whose value is a parameter of libvirt's, and its name there.
_PARAMETERS: dict[str, tuple[str, Any, str]] = {
    "migrateuri": ("migrate_uri", str, "Where its memory goes."),
    "graphicsuri": ("graphics_uri", str, "Where its display is to be found there."),
    "listen-address": ("listen_address", str, "Where the destination listens."),
    "dname": ("destination_name", str, "What it is called there."),
    "disks-port": ("disks_port", int, "Where its disks go."),
    "disks-uri": ("disks_uri", str, "Where its disks go."),
    "comp-methods": ("compression", str, "How pages are compressed."),
    "comp-mt-level": ("compression.mt.level", int, "How hard."),
    "comp-mt-threads": ("compression.mt.threads", int, "By how many threads."),
    "comp-mt-dthreads": ("compression.mt.dthreads", int, "By how many threads they are read."),
    "comp-xbzrle-cache": ("compression.xbzrle.cache", int, "How many bytes remember pages."),
    "auto-converge-initial": ("auto_converge.initial", int, "By what the guest is slowed down first."),
    "auto-converge-increment": ("auto_converge.increment", int, "And by what more."),
    "postcopy-bandwidth": ("bandwidth.postcopy", int, "How fast after the guest runs there, in MiB/s."),
    "parallel-connections": ("parallel.connections", int, "How many."),
    "bandwidth": ("bandwidth", int, "How fast, in MiB/s."),
    "tls-destination": ("tls.destination", str, "The name in its certificate."),
}
_DOCUMENTS = {"xml": "destination_xml", "persistent-xml": "persistent_xml"}


def _data_options(function: Any) -> Any:
    """The options with values, in virsh's order."""
    parameters = [data(name, kind, help) for name, (_, kind, help) in _PARAMETERS.items()]
    timeout = data("timeout", click.IntRange(1), "Do something when it takes longer.", metavar="SECONDS")
    disks = data("migrate-disks", help="The disks to copy, with commas between them.")
    document, lasting = (
        data(name, click.Path(allow_dash=True), "A file with the definition to use there.") for name in _DOCUMENTS
    )
    at = [*_PARAMETERS].index("postcopy-bandwidth")
    for option in reversed([*parameters[:4], timeout, document, disks, *parameters[4:at], lasting, *parameters[at:]]):
        function = option(function)
    return function


@command("migrate")
@domain()
@data("desturi", help="The destination's connection URI.", needed=True)
@flag_options(MIGRATE_FLAGS)
@click.option("--direct", is_flag=True, help="Not possible: the hypervisor would do all of it.", hidden=True)
@_data_options
@click.option("--timeout-suspend", is_flag=True, help="Namely stop the guest meanwhile; the default.")
@click.option("--timeout-postcopy", is_flag=True, help="Namely let it run there before all its memory is.")
@click.option("--verbose", is_flag=True, help="Tell how far it is.")
@click.pass_obj
def migrate(
    shell: Shell,
    name: str,
    desturi: str,
    flags: int,
    direct: bool,
    migrate_disks: str | None,
    timeout: int | None,
    timeout_suspend: bool,
    timeout_postcopy: bool,
    verbose: bool,
    **given: Any,
) -> None:
    from .progress import shown

    if timeout_suspend and timeout_postcopy:
        raise click.UsageError("either --timeout-suspend or --timeout-postcopy")

    if direct:
        raise click.UsageError("no hypervisor of ours migrates by itself")
    values = {
        parameter: given[option.replace("-", "_")]
        for option, (parameter, _, _) in _PARAMETERS.items()
        if given[option.replace("-", "_")] is not None
    }
    for option, parameter in _DOCUMENTS.items():
        path = given[option.replace("-", "_")]
        if path is not None:
            values[parameter] = read(path)
    disks = [disk for disk in (migrate_disks or "").split(",") if disk]
    chosen = shell.domain(name)
    overtime = chosen.migration.start_post_copy if timeout_postcopy else chosen.suspend
    with shown(shell, chosen, "Migration", verbose), _after(timeout, overtime):
        if flags & DomainMigrateFlags.PEER2PEER:
            chosen.migration.to_uri(desturi, flags, values, disks=disks)
        else:
            from ...host import connect

            with connect(desturi, deadline=shell.options.deadline) as destination:
                chosen.migration.to(destination, flags, values, disks=disks)
    finish(shell, chosen, f"migrated to {desturi}")


@contextmanager
def _after(seconds: int | None, action: Callable[[], None]) -> Iterator[None]:
    """Do something when the body takes longer than that; it may have ended by itself just then."""
    if seconds is None:
        yield
        return

    def act() -> None:
        with suppress(VirtError):
            action()

    timer = threading.Timer(seconds, act)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@command("migrate-setmaxdowntime")
@domain(applies=Flags.ACTIVE)
@data("downtime", click.IntRange(1), "How long the guest may stand still, in milliseconds.", needed=True)
@click.pass_obj
def migrate_setmaxdowntime(shell: Shell, name: str, downtime: int) -> None:
    chosen = shell.domain(name)
    chosen.migration.set_max_downtime(downtime)
    finish(shell, chosen, f"may stand still for {downtime} ms")


@command("migrate-getmaxdowntime")
@domain(applies=Flags.ACTIVE)
@click.pass_obj
def migrate_getmaxdowntime(shell: Shell, name: str) -> None:
    chosen = shell.domain(name)
    downtime = chosen.migration.max_downtime()
    tell(shell, chosen, {"downtime_ms": downtime}, Text(str(downtime)))


@command("migrate-setspeed")
@domain(applies=Flags.ACTIVE)
@data("bandwidth", click.IntRange(0), "How fast it may go, in MiB/s.", needed=True)
@click.option("--postcopy", is_flag=True, help="After the guest runs there.")
@click.pass_obj
def migrate_setspeed(shell: Shell, name: str, bandwidth: int, postcopy: bool) -> None:
    chosen = shell.domain(name)
    chosen.migration.set_max_speed(bandwidth, postcopy=postcopy)
    finish(shell, chosen, f"may be sent with {bandwidth} MiB/s")


@command("migrate-getspeed")
@domain(applies=Flags.ACTIVE)
@click.option("--postcopy", is_flag=True, help="After the guest runs there.")
@click.pass_obj
def migrate_getspeed(shell: Shell, name: str, postcopy: bool) -> None:
    chosen = shell.domain(name)
    speed = chosen.migration.max_speed(postcopy=postcopy)
    tell(shell, chosen, {"bandwidth_mib_s": speed}, Text(str(speed)))


@command("migrate-compcache")
@domain(applies=Flags.ACTIVE)
@click.option("--size", type=click.IntRange(1), metavar="BYTES", help="How many bytes remember pages that were sent.")
@click.pass_obj
def migrate_compcache(shell: Shell, name: str, size: int | None) -> None:
    chosen = shell.domain(name)
    if size is not None:
        chosen.migration.set_compression_cache(size)
    found = chosen.migration.compression_cache()
    number, unit = scaled(found)
    tell(shell, chosen, {"cache_bytes": found}, Text(f"Compression cache: {number:.3f} {unit}", spaced=False))


@command("migrate-postcopy")
@domains(applies=Flags.ACTIVE, sweeping=False)
@click.pass_obj
def migrate_postcopy(shell: Shell, selection: Selection) -> None:
    act(shell, selection, "runs on the other host from now on", "domain_migrate_start_post_copy", 0)


COMMANDS = {
    one.name: one
    for one in (
        migrate,
        migrate_compcache,
        migrate_getmaxdowntime,
        migrate_getspeed,
        migrate_postcopy,
        migrate_setmaxdowntime,
        migrate_setspeed,
    )
}
