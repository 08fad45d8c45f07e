"""Transient disks: what the guest writes goes into an image over the disk's own, and is gone when the guest is.

The overlay is `SOURCE.TRANSIENT-NAME` beside the source, as libvirt calls it. Before it is made, the run directory's
file `UUID.overlays` says so: whoever removes what a guest has left there removes the overlay with it, also a later
daemon. After the host has gone down there is no such file; the overlay that is found then is made anew by the next
start, if it is one of that very source and nobody has it open.
"""

from __future__ import annotations

import dataclasses
import fcntl
import os
import shutil
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ....wire.documents.domain import Disk, DiskDriver, DomainDefinition, overlay_path, with_overlay
from ....wire.enums.error import ErrorNumber
from ....wire.errors import NotSupported, SystemFailure, UnsupportedConfig
from ...commands import run
from ...runtime import Runtime

QEMU_IMG = "qemu-img"
# qcow2: the mark, the version, where the backing file's name is and how long it is; the highest byte first.
_HEADER = struct.Struct(">4sIQI")
# Linux's F_OFD_GETLK and struct flock.
_OFD_GETLK = 36
_LOCK = struct.Struct("@hhqqi4x")
_MARK = b"QFI\xfb"


@dataclass(frozen=True, slots=True)
class Overlay:
    """An image to be made over another; ``format`` is that of ``source``."""

    target: str
    path: str
    source: str
    format: str


def with_overlays(definition: DomainDefinition) -> tuple[DomainDefinition, list[Overlay]]:
    """The definition whose transient disks are their overlays, and these."""
    wanted: list[Overlay] = []

    def over(disk: Disk) -> Disk:
        path = overlay_path(disk, definition.name)
        if path is None or disk.source is None:
            return disk
        wanted.append(Overlay(disk.target, path, disk.source, (disk.driver or DiskDriver()).type or "raw"))
        return with_overlay(disk, path)

    disks = tuple(map(over, definition.devices.disks))
    if not wanted:
        return definition, wanted
    return dataclasses.replace(definition, devices=dataclasses.replace(definition.devices, disks=disks)), wanted


async def make_overlays(runtime: Runtime, note: Path, wanted: Sequence[Overlay]) -> None:
    """Note them in the file ``note`` and make them, over what an earlier guest may have left.

    Raises NotSupported where something else has the name, UnsupportedConfig, ProcessFailure, SystemFailure.
    """
    if not wanted:
        return
    if shutil.which(QEMU_IMG) is None:
        raise UnsupportedConfig(f"disk {wanted[0].target!r}: transient: {QEMU_IMG} is not installed")
    await runtime.in_thread(_prepare, note, wanted)
    for overlay in wanted:
        await run([QEMU_IMG, "create", "-q", "-f", "qcow2", "-F", overlay.format, "-b", overlay.source, overlay.path])


def _prepare(note: Path, wanted: Sequence[Overlay]) -> None:
    for overlay in wanted:
        _check_free(overlay)
    try:
        note.write_bytes(b"\0".join(os.fsencode(overlay.path) for overlay in wanted))
        for overlay in wanted:
            # The guest's data are in it: it is its owner's alone, from the beginning.
            os.close(os.open(overlay.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise SystemFailure(f"transient disk: {error.filename}: {error.strerror}", errno=error.errno) from error


def _check_free(overlay: Overlay) -> None:
    try:
        with open(overlay.path, "rb") as file:
            head = file.read(_HEADER.size)
            mark, _, at, length = _HEADER.unpack(head) if len(head) == _HEADER.size else (b"", 0, 0, 0)
            file.seek(at)
            if mark == _MARK and file.read(length) == os.fsencode(overlay.source) and not _is_open(file.fileno()):
                return
    except FileNotFoundError:
        return
    except OSError as error:
        raise SystemFailure(f"{overlay.path}: {error.strerror}", errno=error.errno) from error
    raise NotSupported(
        f"Overlay file '{overlay.path}' for transient disk '{overlay.target}' already exists",
        code=ErrorNumber.OPERATION_UNSUPPORTED,
    )


def _is_open(fd: int) -> bool:
    """Whether a QEMU has the image open: it holds locks on bytes from 100 on."""
    asked = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 100, 0, 0)
    return _LOCK.unpack(fcntl.fcntl(fd, _OFD_GETLK, asked))[0] != fcntl.F_UNLCK


def remove_overlays(note: Path) -> None:
    """Remove the overlays that the file ``note`` names; what cannot be removed stays."""
    with suppress(OSError):
        for path in filter(None, note.read_bytes().split(b"\0")):
            with suppress(OSError):
                os.unlink(path)
