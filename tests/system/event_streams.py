"""Everything that libvirt-python is told of a daemon's domains, as words: for comparing daemons."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .virtactord import MARKER, PATIENCE, paused_marker

Told = tuple[Any, ...]
LIFECYCLE = "LIFECYCLE"


@contextmanager
def event_loop(libvirt: Any) -> Iterator[None]:
    """libvirt's own event loop, on a thread."""
    libvirt.virEventRegisterDefaultImpl()
    running = True

    def run() -> None:
        while running:
            libvirt.virEventRunDefaultImpl()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        running = False
        # The loop sleeps until something happens.
        timer = libvirt.virEventAddTimeout(0, lambda *_: None, None)
        thread.join(PATIENCE)
        libvirt.virEventRemoveTimeout(timer)


class EventStream:
    """All events of all domains of a connection, in their order; registered for by libvirt's ids of them."""

    def __init__(self, libvirt: Any, uri: str) -> None:
        self._libvirt = libvirt
        self._names = _Names(libvirt)
        self._told: list[tuple[str, Told]] = []
        self._changed = threading.Condition()
        self.conn = libvirt.open(uri)
        for id, name in self._names.ids.items():
            callback = self._lives if name == LIFECYCLE else self._teller(name)
            self.conn.domainEventRegisterAny(None, id, callback, None)

    def close(self) -> None:
        self.conn.close()

    def after(self, step: Callable[[Any], Any], until: Told = ()) -> list[Told]:
        """What is told of a step: until an event that begins so at least, and nothing that comes later."""
        try:
            step(self.conn)
        except self._libvirt.libvirtError as error:
            return [("error", error.get_error_code())]
        if until:
            self._wait(lambda: any(told[: len(until)] == until for _, told in self._told))
        marker = self.conn.defineXML(paused_marker())
        marker.undefine()
        removed = (MARKER, (LIFECYCLE, "UNDEFINED", "REMOVED"))
        self._wait(lambda: removed in self._told)
        with self._changed:
            told, self._told = self._told, []
        return [event for name, event in told if name != MARKER]

    def _wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE), f"not all was told, but {self._told}"

    def _lives(self, conn: Any, domain: Any, event: int, detail: int, opaque: Any) -> None:
        self._add(domain, LIFECYCLE, *self._names.of_life(event, detail))

    def _teller(self, name: str) -> Callable[..., None]:
        def tell(conn: Any, domain: Any, *fields: Any) -> None:
            self._add(domain, name, *fields[:-1])

        return tell

    def _add(self, domain: Any, *told: Any) -> None:
        with self._changed:
            self._told.append((domain.name(), told))
            self._changed.notify_all()


class _Names:
    """libvirt's names of numbers, from its own module."""

    def __init__(self, libvirt: Any) -> None:
        self._constants = {name: value for name, value in vars(libvirt).items() if name.startswith("VIR_DOMAIN_EVENT_")}
        self.ids = self._by_number("VIR_DOMAIN_EVENT_ID_")
        types = ("DEFINED", "UNDEFINED", "STARTED", "SUSPENDED", "RESUMED", "STOPPED", "SHUTDOWN", "PMSUSPENDED")
        self._types = {self._constants[f"VIR_DOMAIN_EVENT_{name}"]: name for name in (*types, "CRASHED")}

    def of_life(self, event: int, detail: int) -> tuple[str, str]:
        name = self._types[event]
        return name, self._by_number(f"VIR_DOMAIN_EVENT_{name}_")[detail]

    def _by_number(self, prefix: str) -> dict[int, str]:
        return {value: name.removeprefix(prefix) for name, value in self._constants.items() if name.startswith(prefix)}
