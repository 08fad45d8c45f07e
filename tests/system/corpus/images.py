"""The files that the corpus speaks of: images, a directory to share, a kernel."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path


def make_images(folder: Path) -> None:
    """Make them in a folder, which need not be there. They are empty, but for their headers."""
    folder.mkdir(exist_ok=True)
    for name, size in (
        *((f"{letter}.img", 1 << 20) for letter in "bcdefgh"),
        *(("c.iso", 1 << 20), ("floppy.img", 1474560), ("nv", 8 << 20), ("initrd", 512)),
    ):
        (folder / name).touch()
        os.truncate(folder / name, size)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(folder / "a.qcow2"), "1M"], check=True)
    (folder / "kernel").write_bytes(kernel())
    (folder / "share").mkdir(exist_ok=True)


def kernel() -> bytes:
    """What QEMU takes for a Linux kernel: a boot sector with the header of boot protocol 2.12."""
    image = bytearray(16384)
    image[0x1F1] = 1
    struct.pack_into("<H", image, 0x1FE, 0xAA55)
    struct.pack_into("<4sH", image, 0x202, b"HdrS", 0x20C)
    image[0x211] = 1
    struct.pack_into("<I", image, 0x22C, 0x7FFFFFFF)
    return bytes(image)
