"""The guests' documents: without a kernel, quick to start, and some of them with what other programs serve."""

from __future__ import annotations

import shutil
from pathlib import Path

from .model import Guest

DISK_SIZE = 1 << 20
VIRTIOFSD = Path("/usr/lib/qemu/virtiofsd")

PORTS = "<serial type='pty'/><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
DISK = "<disk type='file'><driver name='qemu' type='raw'/><source file='{disk}'/><target dev='vda' bus='virtio'/>"
TPM = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
SHARE = "<filesystem type='mount'><driver type='virtiofs'/><source dir='{folder}'/><target dir='shared'/></filesystem>"
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


def xml(guest: Guest, name: str, title: str) -> str:
    """A guest in which nothing runs."""
    return (
        f"<domain type='qemu'><name>{name}</name><uuid>{guest.uuid}</uuid><title>{title}</title>"
        f"<memory unit='MiB'>16</memory>{SHARED if 'virtiofs' in guest.devices else ''}"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os>"
        f"<features><acpi/></features><devices>{guest.devices}</devices></domain>"
    )


def new_guest(client: int, number: int, folder: Path) -> Guest:
    """One of a client's guests, with the devices that are its alone; their files are in ``folder``."""
    name = f"g{client}-{number}"
    if number < 2:
        return Guest(name, PORTS if number else "")
    disk = folder / f"disk-{client}"
    kinds = (
        Guest(name, f"{DISK.format(disk=disk)}</disk>"),
        Guest(name, f"{DISK.format(disk=disk)}<transient/></disk>", cannot_be_saved=True),
        Guest(name, TPM if shutil.which("swtpm") else ""),
        Guest(name, SHARE.format(folder=folder) if VIRTIOFSD.exists() else "", cannot_be_saved=True),
    )
    return kinds[client % len(kinds)]


def make_disk(guest: Guest, folder: Path) -> None:
    """Make the file that is a guest's disk, if it has one."""
    disk = folder / f"disk-{guest.name[1]}"
    if str(disk) in guest.devices:
        with disk.open("wb") as file:
            file.truncate(DISK_SIZE)
