"""How large a disk's file is: for the guest, on the host's disk, and from its beginning to its end. All in bytes."""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

BLOCK = 512
# qcow2: the mark, and where the size that the guest sees is, with the highest byte first.
_QCOW2, _SIZE_AT = b"QFI\xfb", 24
_SIZE = struct.Struct(">Q")


class DiskSizes(NamedTuple):
    """``capacity`` is what the guest sees, ``allocation`` what is in use on the host, ``physical`` the file's end."""

    capacity: int
    allocation: int
    physical: int


def disk_sizes(path: str) -> DiskSizes:
    """The sizes of a file or block device. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        physical = os.lseek(fd, 0, os.SEEK_END)
        head = os.pread(fd, _SIZE_AT + _SIZE.size, 0)
        allocation = os.fstat(fd).st_blocks * BLOCK or physical * (not os.fstat(fd).st_size)
    finally:
        os.close(fd)
    is_qcow2 = head.startswith(_QCOW2) and len(head) == _SIZE_AT + _SIZE.size
    return DiskSizes(_SIZE.unpack_from(head, _SIZE_AT)[0] if is_qcow2 else physical, allocation, physical)
