"""What happens to a daemon's disk and files, and what its guests may be said to be after it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.system.virtactord import Virtactord

from .model import Guest, Power, taken_up_by_its_definition, undefined

CHUNK = 64 * 1024
GARBAGE = b"\x00\xff<domain>garbage"


class Disk:
    """The small disk that holds a daemon's root; ``full`` until it is ``freed``."""

    def __init__(self, root: Path, mounted: bool) -> None:
        self.mounted = mounted
        self._filler = root / "filler"

    def fill(self) -> None:
        if not self.mounted:
            return
        with suppress(OSError), self._filler.open("ab", buffering=0) as file:
            for size in (CHUNK, 512, 1):
                with suppress(OSError):
                    while file.write(b"\0" * size):
                        pass

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)


def damage(daemon: Virtactord, guests: Iterable[Guest], chance: random.Random) -> list[str]:
    """Damage a file or two while no daemon runs; what was done."""
    done = []
    for guest in chance.sample(list(guests), 2):
        if line := chance.choice((_damage_definition, _damage_status, _litter))(daemon, guest, chance):
            done.append(f"{line} of {guest.name}")
    return done


def _damage_definition(daemon: Virtactord, guest: Guest, chance: random.Random) -> str:
    path = daemon.paths.config / "qemu" / f"{guest.current_name}.xml"
    if guest.known is None or not path.exists():
        return ""
    # A guest that runs is known by its status, and has no definition any more.
    guest.happened(undefined)
    return f"{_spoil(path, chance)} definition"


def _damage_status(daemon: Virtactord, guest: Guest, chance: random.Random) -> str:
    path = daemon.run / f"{guest.uuid}.status"
    fact = guest.known
    # Without a definition nothing would be left to take the guest up by.
    if fact is None or fact.title is None or fact.power is Power.OFF or not path.exists():
        return ""
    guest.happened(taken_up_by_its_definition)
    return f"{_spoil(path, chance)} status"


def _litter(daemon: Virtactord, guest: Guest, chance: random.Random) -> str:
    """What a daemon that died at another moment would have left."""
    for folder in (daemon.paths.config / "qemu", daemon.paths.config / "qemu/autostart", daemon.run):
        (folder / f".virtactor-{chance.randrange(1 << 32):08x}").write_bytes(GARBAGE)
    (daemon.paths.state / "qemu/save" / f"{guest.name}.save.{chance.randrange(1 << 32):08x}.part").write_bytes(GARBAGE)
    if guest.is_off:
        for suffix in ("pid", "agent-0", "monitor"):
            path = daemon.run / f"{guest.uuid}.{suffix}"
            if not path.exists():  # Its socket may be there, which cannot be written to.
                path.write_bytes(b"1\n")
    return "litter"


def _spoil(path: Path, chance: random.Random) -> str:
    how = chance.choice(("truncated", "emptied", "garbled", "flipped"))
    data = path.read_bytes()
    if how == "truncated":
        data = data[: chance.randrange(1, len(data) - 10)]
    elif how == "emptied":
        data = b""
    elif how == "garbled":
        data = chance.randbytes(len(data))
    else:
        data = data.replace(b"<name>", b"<\xffname>", 1)
    path.write_bytes(data)
    return how


def remove_set_aside(daemon: Virtactord) -> int:
    """Remove the damaged files that the daemon has set aside; how many there were."""
    found = [path for path in daemon.root.rglob("*.damaged") if os.path.lexists(path)]
    for path in found:
        path.unlink()
    return len(found)
