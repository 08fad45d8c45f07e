"""What several clients do to one domain at a time. Nobody knows what comes of it, but it must hold together."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from virtactor.client import Domain, Host
from virtactor.wire.enums.domain import DomainUndefineFlagsValues as Undefine

from tests.system.virtactord import Virtactord

from .documents import xml
from .model import Guest

SECONDS = 5.0  # that a client waits for its turn

CALLS: dict[str, Callable[[Domain, random.Random], object]] = {
    "undefine": lambda d, chance: d.undefine(chance.choice((0, Undefine.MANAGED_SAVE)), deadline=SECONDS),
    "start": lambda d, chance: d.start(paused=chance.random() < 0.5, deadline=SECONDS),
    "destroy": lambda d, chance: d.destroy(deadline=SECONDS),
    "suspend": lambda d, chance: d.suspend(deadline=SECONDS),
    "resume": lambda d, chance: d.resume(deadline=SECONDS),
    "autostart": lambda d, chance: d.set_autostart(chance.random() < 0.5, deadline=SECONDS),
    "managed save": lambda d, chance: d.managed_save(deadline=SECONDS),
    "forget image": lambda d, chance: d.remove_managed_save(deadline=SECONDS),
    "abort": lambda d, chance: d.abort_job(deadline=SECONDS),
}


def race(daemon: Virtactord, host: Host, rival: Guest, chance: random.Random, title: str) -> str:
    """Do something to a domain that others change as well; what it was. Raises VirtError."""
    what = chance.choice(("define", "define", "create", "rename", "kill", "title", "start", "start", *CALLS))
    name = chance.choice(rival.names)
    if what in ("define", "create"):
        document = xml(rival, name, title)
        if what == "define":
            host.domains.define(document, deadline=SECONDS)
        else:
            host.domains.create(document, paused=True, deadline=SECONDS)
    elif what == "kill":
        with suppress(ProcessLookupError):
            if (pid := daemon.qemu_of(rival.uuid)) is not None:
                os.kill(pid, signal.SIGKILL)
    else:
        domain = host.domains[UUID(rival.uuid)]
        if what == "rename":
            domain.rename(name, deadline=SECONDS)
        elif what == "title":
            domain.metadata.set_title(title, live=chance.random() < 0.5, config=True, deadline=SECONDS)
        else:
            CALLS[what](domain, chance)
    return what
