"""libvirt-python against our daemon: with its event loop, its streams, and the exceptions that it raises."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import guest
import pytest

from ..libvirt_python import import_libvirt
from ..system.guests import linux, plain
from ..system.virtactord import PATIENCE


@pytest.fixture(scope="module")
def libvirt() -> Any:
    libvirt = import_libvirt()
    libvirt.virEventRegisterDefaultImpl()
    return libvirt


@pytest.fixture
def loop(libvirt: Any) -> Iterator[None]:
    """libvirt's event loop, running in a thread."""
    running = threading.Event()
    running.set()

    def run() -> None:
        while running.is_set():
            libvirt.virEventRunDefaultImpl()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    running.clear()
    # The loop sleeps until something happens.
    timer = libvirt.virEventAddTimeout(0, lambda *_: None, None)
    thread.join(PATIENCE)
    libvirt.virEventRemoveTimeout(timer)


@pytest.fixture
def conn(libvirt: Any, qemu_uri: str, loop: None) -> Iterator[Any]:
    conn = libvirt.open(qemu_uri)
    conn.setKeepAlive(5, 3)
    yield conn
    conn.close()


class Seen:
    """What a callback was called with; ``wait`` returns the first that has all of these."""

    def __init__(self) -> None:
        self.all: list[tuple[Any, ...]] = []
        self._changed = threading.Condition()

    def __call__(self, conn: Any, thing: Any, *details: Any) -> None:
        with self._changed:
            self.all.append((thing.name(), *details[:-1]))
            self._changed.notify_all()

    def wait(self, *wanted: Any) -> tuple[Any, ...]:
        def found() -> tuple[Any, ...] | None:
            return next((one for one in self.all if one[: len(wanted)] == wanted), None)

        with self._changed:
            assert self._changed.wait_for(found, PATIENCE), f"{wanted} is not in {self.all}"
            result = found()
            assert result is not None
            return result


def test_a_guest_lives_and_its_events_come(libvirt: Any, conn: Any) -> None:
    seen = Seen()
    registered = conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, seen, None)
    domain = conn.defineXML(plain("one"))
    seen.wait("one", libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_ADDED)
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    seen.wait("one", libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED)
    assert domain.state() == [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER]
    assert [found.name() for found in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_PAUSED)] == ["one"]
    domain.resume()
    seen.wait("one", libvirt.VIR_DOMAIN_EVENT_RESUMED)
    domain.destroy()
    seen.wait("one", libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED)
    conn.domainEventDeregisterAny(registered)
    domain.undefine()
    assert conn.listAllDomains() == []
    assert seen.all[-1][1] == libvirt.VIR_DOMAIN_EVENT_STOPPED


def test_events_of_one_domain_are_those_of_no_other(libvirt: Any, conn: Any) -> None:
    mine, other = conn.defineXML(plain("mine")), conn.defineXML(plain("other"))
    seen = Seen()
    conn.domainEventRegisterAny(mine, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, seen, None)
    for domain in (other, mine):
        domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        domain.destroy()
    seen.wait("mine", libvirt.VIR_DOMAIN_EVENT_STOPPED)
    assert {name for name, *_ in seen.all} == {"mine"}


def test_the_oldest_way_to_register_gets_events_too(libvirt: Any, conn: Any) -> None:
    seen = Seen()
    conn.domainEventRegister(seen, None)
    conn.defineXML(plain("old"))
    seen.wait("old", libvirt.VIR_DOMAIN_EVENT_DEFINED)
    conn.domainEventDeregister(seen)


def test_a_linux_guest_talks_over_its_console(libvirt: Any, conn: Any, guest_image: guest.Guest) -> None:
    domain = conn.createXML(linux(guest_image, "talks"))
    stream = conn.newStream()
    domain.openConsole(None, stream, 0)
    heard = b""
    until = time.monotonic() + PATIENCE
    while guest.boot_line("talks").encode() not in heard:
        heard += stream.recv(4096)
        assert time.monotonic() < until, heard
    stream.send(b"echo an$((40+2))swer\n")
    while b"an42swer" not in heard:
        heard += stream.recv(4096)
        assert time.monotonic() < until, heard
    stream.finish()
    domain.destroy()


@pytest.mark.parametrize(
    ("code", "act"),
    [
        ("VIR_ERR_NO_DOMAIN", lambda conn: conn.lookupByName("nobody")),
        ("VIR_ERR_XML_DETAIL", lambda conn: conn.defineXML("<domain type='qemu'>")),
        ("VIR_ERR_OPERATION_INVALID", lambda conn: conn.defineXML(plain("off")).suspend()),
        ("VIR_ERR_NO_SUPPORT", lambda conn: conn.listAllNWFilters()),
        ("VIR_ERR_INVALID_ARG", lambda conn: conn.defineXML(plain("off")).create() or conn.listAllDomains(1 << 30)),
    ],
)
def test_an_error_has_libvirts_code(libvirt: Any, conn: Any, code: str, act: Any) -> None:
    with pytest.raises(libvirt.libvirtError) as raised:
        act(conn)
    assert raised.value.get_error_code() == getattr(libvirt, code)
    assert raised.value.get_error_message()


def test_a_readonly_connection_may_look_and_not_touch(libvirt: Any, conn: Any, qemu_uri: str) -> None:
    conn.defineXML(plain("seen"))
    readonly = libvirt.openReadOnly(qemu_uri)
    assert [domain.name() for domain in readonly.listAllDomains()] == ["seen"]
    with pytest.raises(libvirt.libvirtError) as raised:
        readonly.lookupByName("seen").create()
    assert raised.value.get_error_code() in (libvirt.VIR_ERR_OPERATION_DENIED, libvirt.VIR_ERR_OPERATION_INVALID)
    readonly.close()


def test_many_threads_share_a_connection(conn: Any) -> None:
    names = [f"guest{number}" for number in range(12)]
    threads = [threading.Thread(target=lambda name=name: conn.defineXML(plain(name))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(conn.listDefinedDomains()) == sorted(names)
