"""Guests of one sector of code: it writes to ports of the machine and stops. What that does is seen at once."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

# The board's watchdog: how long it waits, counted from 0 (30 s) to 15 (nothing) in steps of 2 s.
IB700_TIMER = 0x443
TWO_SECONDS = 14
# By which a guest tells of a panic; bits say which.
PVPANIC = 0x505
PANICKED, CRASH_LOADED = 1, 2
# Where SeaBIOS puts the board's power control (pc); which sleep is in bits 10 to 12, and bit 13 begins it.
PM_CONTROL = 0x604
POWER_OFF, TO_MEMORY, TO_DISK = 0x2000, 0x2400, 0x2800
# The keyboard controller, whose command resets the processor.
KEYBOARD, PULSE_RESET = 0x64, 0xFE

SECTOR = 512
_IMAGE = 1 << 20
_CLI, _HALT_FOREVER, _BOOTABLE = b"\xfa", b"\xf4\xeb\xfd", b"\x55\xaa"


class Out(NamedTuple):
    """A write of 16 bits, or of 8 if ``value`` fits in them, to a port."""

    port: int
    value: int

    def code(self) -> bytes:
        load_port = b"\xba" + struct.pack("<H", self.port)
        if self.value < 1 << 8:
            return load_port + b"\xb0" + struct.pack("<B", self.value) + b"\xee"
        return load_port + b"\xb8" + struct.pack("<H", self.value) + b"\xef"


def write_sector(path: Path, *writes: Out) -> str:
    """Make a disk's image that boots into these writes; the `<disk>` of it."""
    code = _CLI + b"".join(write.code() for write in writes) + _HALT_FOREVER
    path.write_bytes((code.ljust(SECTOR - len(_BOOTABLE), b"\0") + _BOOTABLE).ljust(_IMAGE, b"\0"))
    return (
        f"<disk type='file'><driver name='qemu' type='raw'/><source file='{path}'/><target dev='hda' bus='ide'/></disk>"
    )
