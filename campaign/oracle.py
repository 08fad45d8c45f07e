"""What a new daemon says, held against what the clients of the last one were told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from lxml import etree
from virtactor.actors.drivers.qemu.companions import companions_of
from virtactor.actors.drivers.qemu.images import read_image
from virtactor.client import Domain, DomainState, Host, NoDomain, OperationInvalid, VirtError
from virtactor.wire.enums.domain import DomainControlState

from tests.system.virtactord import Virtactord

from .load import domain_of, file_of
from .model import NOTHING, Fact, Guest, Power, Saved

SETTLING = 15.0  # seconds until a new daemon knows what its guests do
POWERS = {DomainState.SHUTOFF: Power.OFF, DomainState.RUNNING: Power.RUNNING, DomainState.PAUSED: Power.PAUSED}


def complaints(
    daemon: Virtactord,
    host: Host,
    guests: Iterable[Guest],
    settling: float = SETTLING,
    rivals: Iterable[Guest] = (),
) -> list[str]:
    """Everything that is not as it was promised. Guests are known to be what was found, from then on.

    Definitions, marks and processes are looked at as soon as the daemon is ready. States come from the guests'
    monitors, so they may take a moment, as may the removal of what ended guests have left: until a daemon has heard of
    a guest's QEMU, what it says of its state is what the last one knew. Of ``rivals`` nothing was promised: only what
    is left of them is looked at.
    """
    guests, everybody = list(guests), [*guests, *rivals]
    found = [*_processes(guests), *_files(daemon), *_strangers(host, everybody), *_definitions(daemon, host, guests)]
    # None of the QEMUs is stopped.
    found += _what_stays(lambda: _silent(host, guests), SETTLING)
    unsettled = _what_stays(lambda: [*_states(daemon, host, guests), *_leftovers(daemon, host)], settling)
    for guest in guests:
        _settle(daemon, host, guest)
    # What is wrong of a definition is seen by both looks.
    return list(dict.fromkeys(found + unsettled))


def _what_stays(look: Callable[[], Iterable[str]], seconds: float) -> list[str]:
    """Wait that long for there to be nothing to complain of; what there is at last."""
    until = time.monotonic() + seconds
    while (found := list(look())) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def _silent(host: Host, guests: list[Guest]) -> Iterator[str]:
    """Guests of whose QEMUs the daemon has not heard."""
    for guest in guests:
        with suppress(NoDomain, OperationInvalid):  # It is gone, or off.
            info = domain_of(host, guest).control_info()
            if info.state is DomainControlState.ERROR:
                yield f"{guest.name}: nothing is heard of its QEMU"


def _strangers(host: Host, guests: list[Guest]) -> Iterator[str]:
    strangers = {domain.name for domain in host.domains} - {name for guest in guests for name in guest.names}
    yield from (f"a domain that nobody made: {name}" for name in strangers)


def _definitions(daemon: Virtactord, host: Host, guests: list[Guest]) -> Iterator[str]:
    for guest in guests:
        fact = fact_of(daemon, host, guest)
        if (fact.title, fact.autostart) not in {(each.title, each.autostart) for each in guest.possible}:
            yield f"{guest.name} is {told(fact)}, and was to be {expected(guest)}"


def _states(daemon: Virtactord, host: Host, guests: list[Guest]) -> Iterator[str]:
    for guest in guests:
        if (fact := fact_of(daemon, host, guest)) not in guest.possible:
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


def _temporary(root: Path) -> Iterator[Path]:
    """What changes of files have left, but for the empty file in a directory that is ready for the next one."""
    ready: set[Path] = set()
    for path in sorted(root.rglob(".virtactor-*")):
        if path.lstat().st_size or path.parent in ready:
            yield path
        else:
            ready.add(path.parent)


def _leftovers(daemon: Virtactord, host: Host) -> Iterator[str]:
    """Files of guests that are gone, halves of files, and processes that no domain has."""
    domains = list(host.domains)
    live = {str(domain.uuid) for domain in domains if domain.is_active()}
    for path in daemon.run.iterdir():
        if path.name != "autostarted" and path.name[:36] not in live and not path.name.endswith(".damaged"):
            yield f"a file of a guest that is gone: {path.name}"
    for path in (*_temporary(daemon.root), *daemon.root.rglob("*.part")):
        yield f"a temporary file is left: {path.name}"
    overlays = [path for path in daemon.root.glob("*.TRANSIENT-*") if _of_nobody(path, domains, live)]
    yield from (f"an overlay of a guest that is gone: {path.name}" for path in overlays)
    yield from _images(daemon, domains, live)
    qemus = [pid for uuid in live for pid in daemon.qemus_of(uuid)]
    yield from (f"a QEMU that no domain has: process {pid}" for pid in set(daemon.qemus()) - set(qemus))
    if len(qemus) != len(live):
        yield f"{len(live)} domains are active, and have {len(qemus)} QEMUs"
    for uuid, companions in companions_of(daemon.run).items():
        if uuid not in live:
            yield f"a process serves a guest that is gone: {[each.pid for each in companions]}"


def _of_nobody(overlay: Path, domains: list[Domain], live: set[str]) -> bool:
    name = overlay.name.rpartition(".TRANSIENT-")[2]
    return not any(domain.name == name and str(domain.uuid) in live for domain in domains)


def _images(daemon: Virtactord, domains: list[Domain], live: set[str]) -> Iterator[str]:
    """Images of guests that run, and of domains that there are not."""
    by_name = {domain.name: domain for domain in domains}
    for path in (daemon.paths.state / "qemu/save").glob("*.save"):
        domain = by_name.get(path.stem)
        if domain is None:
            yield f"an image of nobody: {path.name}"
        elif str(domain.uuid) in live:
            yield f"{path.stem} runs, and is in its image as well"


def _settle(daemon: Virtactord, host: Host, guest: Guest) -> None:
    fact = fact_of(daemon, host, guest)
    guest.possible, guest.killed = {fact}, False
    guest.pid = daemon.qemu_of(guest.uuid) if fact.power is not Power.OFF else None


def fact_of(daemon: Virtactord, host: Host, guest: Guest) -> Fact:
    """What the daemon and the disk say of a guest."""
    file = saved_at(file_of(daemon, guest))
    try:
        domain = domain_of(host, guest)
        power = POWERS[domain.state()[0]]  # pyright: ignore[reportArgumentType]
        live = title_of(domain.xml()) if power is not Power.OFF else None
        image = None
        if domain.has_managed_save():
            image = saved_at(daemon.paths.state / "qemu/save" / f"{domain.name}.save")
        if not domain.is_persistent():
            return Fact(None, False, power, live, domain.name, image, file)
        return Fact(title_of(domain.xml(inactive=True)), domain.autostart(), power, live, domain.name, image, file)
    except NoDomain:
        return NOTHING._replace(file=file)
    except VirtError as error:
        return Fact(f"beyond reach: {error}")


def saved_at(path: Path) -> Saved | None:
    """The guest that is in a file, None where there is none."""
    if not path.exists():
        return None
    try:
        image = read_image(str(path))
        definition = image.definition()
    except VirtError as error:
        return Saved("", f"beyond reach: {error}", Power.OFF)
    return Saved(definition.name, definition.title, Power.RUNNING if image.running else Power.PAUSED)


def title_of(xml: str) -> str | None:
    return etree.fromstring(xml).findtext("title")


def is_alive(pid: int, uuid: str) -> bool:
    try:
        return uuid.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def told(fact: Fact) -> str:
    words = [f"defined as {fact.title}" if fact.title is not None else "not defined"]
    if fact.autostart:
        words.append("marked for autostart")
    words.append(fact.power.value if fact.live in (None, fact.title) else f"{fact.power.value} as {fact.live}")
    if fact.name.endswith("-renamed"):
        words.append("renamed")
    words += [
        f"{saved.power.value} as {saved.title} in {what}"
        for what, saved in (("its image", fact.image), ("its file", fact.file))
        if saved is not None
    ]
    return ", ".join(words)


def expected(guest: Guest) -> str:
    return " or ".join(sorted(map(told, guest.possible)))
