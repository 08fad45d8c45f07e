"""What a new daemon says, held against what the clients of the last one were told."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from lxml import etree
from virtactor.client import DomainState, Host, NoDomain, VirtError

from tests.system.virtactord import Virtactord

from .model import NOTHING, Fact, Guest, Power

SETTLING = 15.0  # seconds until a new daemon knows what its guests do
POWERS = {DomainState.SHUTOFF: Power.OFF, DomainState.RUNNING: Power.RUNNING, DomainState.PAUSED: Power.PAUSED}


def complaints(daemon: Virtactord, host: Host, guests: Iterable[Guest], settling: float = SETTLING) -> list[str]:
    """Everything that is not as it was promised. Guests are known to be what was found, from then on.

    Definitions, marks and processes are looked at as soon as the daemon is ready. States come from the guests'
    monitors, so they may take a moment, as may the removal of what ended guests have left.
    """
    guests = list(guests)
    found = [*_processes(guests), *_files(daemon), *_definitions(host, guests)]
    until = time.monotonic() + settling
    while (unsettled := [*_states(host, guests), *_leftovers(daemon, host)]) and time.monotonic() < until:
        time.sleep(0.02)
    for guest in guests:
        _settle(daemon, host, guest)
    # What is wrong of a definition is seen by both looks.
    return list(dict.fromkeys(found + unsettled))


def _definitions(host: Host, guests: list[Guest]) -> Iterator[str]:
    strangers = {domain.name for domain in host.domains} - {guest.name for guest in guests}
    yield from (f"a domain that nobody made: {name}" for name in strangers)
    for guest in guests:
        fact = fact_of(host, guest)
        if (fact.title, fact.autostart) not in {(each.title, each.autostart) for each in guest.possible}:
            yield f"{guest.name} is {told(fact)}, and was to be {expected(guest)}"


def _states(host: Host, guests: list[Guest]) -> Iterator[str]:
    for guest in guests:
        if (fact := fact_of(host, guest)) not in guest.possible:
            yield f"{guest.name} is {told(fact)}, and was to be {expected(guest)}"


def _processes(guests: list[Guest]) -> Iterator[str]:
    for guest in guests:
        certain = all(fact.power is not Power.OFF for fact in guest.possible)
        if certain and guest.pid is not None and not is_alive(guest.pid, guest.uuid):
            yield f"{guest.name}: its QEMU, process {guest.pid}, is gone"


def _files(daemon: Virtactord) -> Iterator[str]:
    for path in sorted((daemon.paths.config / "qemu").glob("*.xml")):
        try:
            etree.parse(path)
        except (OSError, etree.XMLSyntaxError) as error:
            yield f"{path.name} is damaged: {error}"
    for path in (daemon.paths.config / "qemu/autostart").iterdir():
        if not path.exists():
            yield f"an autostart mark is left without its definition: {path.name}"


def _leftovers(daemon: Virtactord, host: Host) -> Iterator[str]:
    """Files of guests that are gone, halves of files, and QEMUs that no domain has."""
    live = {str(domain.uuid) for domain in host.domains if domain.is_active()}
    for path in daemon.run.iterdir():
        if path.name != "autostarted" and path.name[:36] not in live and not path.name.endswith(".damaged"):
            yield f"a file of a guest that is gone: {path.name}"
    for path in daemon.root.rglob(".virtactor-*"):
        yield f"a temporary file is left: {path.name}"
    qemus = [pid for uuid in live for pid in daemon.qemus_of(uuid)]
    yield from (f"a QEMU that no domain has: process {pid}" for pid in set(daemon.qemus()) - set(qemus))
    if len(qemus) != len(live):
        yield f"{len(live)} domains are active, and have {len(qemus)} QEMUs"


def _settle(daemon: Virtactord, host: Host, guest: Guest) -> None:
    fact = fact_of(host, guest)
    guest.possible = {fact}
    guest.pid = daemon.qemu_of(guest.uuid) if fact.power is not Power.OFF else None


def fact_of(host: Host, guest: Guest) -> Fact:
    """What the daemon says of a guest."""
    try:
        domain = host.domains[guest.name]
        power = POWERS[domain.state()[0]]  # pyright: ignore[reportArgumentType]
        if not domain.is_persistent():
            return Fact(None, False, power)
        title = etree.fromstring(domain.xml(inactive=True)).findtext("title")
        return Fact(title, domain.autostart(), power)
    except NoDomain:
        return NOTHING
    except VirtError as error:
        return Fact(f"beyond reach: {error}", False, Power.OFF)


def is_alive(pid: int, uuid: str) -> bool:
    try:
        return uuid.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def told(fact: Fact) -> str:
    definition = f"defined as {fact.title}" if fact.title is not None else "not defined"
    return f"{definition}, {'marked for autostart, ' if fact.autostart else ''}{fact.power.value}"


def expected(guest: Guest) -> str:
    return " or ".join(sorted(map(told, guest.possible)))
