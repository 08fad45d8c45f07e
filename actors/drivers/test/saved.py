"""Files that test domains are saved to: the same as libvirt's test driver writes, so that either reads the other's.

A mark, the length of the document that follows (32 bits, the lowest byte first), and the document.
"""

from __future__ import annotations

import os
import struct

from ....wire.documents.domain import DomainDefinition, parse_domain
from ....wire.enums.error import ErrorNumber
from ....wire.errors import OperationFailed, SystemFailure

MARK = b"TestGuestMagic\0"
_LENGTH = struct.Struct("<I")
MAX_LENGTH = 65536 * 16


def write_saved(path: str, name: str, xml: str) -> None:
    """Raises SystemFailure."""
    data = xml.encode()
    _write(path, MARK + _LENGTH.pack(len(data)) + data, f"saving domain '{name}' to '{path}': open failed")


def write_dump(path: str, name: str) -> None:
    """Raises SystemFailure."""
    _write(path, MARK, f"domain '{name}' coredump: failed to open {path}")


def read_saved(path: str) -> tuple[str, DomainDefinition]:
    """The document of a saved domain, as text and as a definition. Raises SystemFailure, OperationFailed, XMLError."""
    try:
        with open(path, "rb") as file:
            data = file.read(len(MARK) + _LENGTH.size + MAX_LENGTH)
    except OSError as error:
        raise failure(f"cannot read domain image '{path}'", error) from error
    if len(data) < len(MARK):
        raise OperationFailed("incomplete save header in '" + path + "'", code=ErrorNumber.INTERNAL_ERROR)
    if not data.startswith(MARK):
        raise OperationFailed("mismatched header magic", code=ErrorNumber.INTERNAL_ERROR)
    rest = data[len(MARK) :]
    if len(rest) < _LENGTH.size:
        raise OperationFailed(f"failed to read metadata length in '{path}'", code=ErrorNumber.INTERNAL_ERROR)
    (length,) = _LENGTH.unpack_from(rest)
    if length < 1 or length > MAX_LENGTH:
        raise OperationFailed("length of metadata out of range", code=ErrorNumber.INTERNAL_ERROR)
    xml = rest[_LENGTH.size : _LENGTH.size + length].decode(errors="replace")
    return xml, parse_domain(xml, strict=False)


def failure(words: str, error: OSError) -> SystemFailure:
    """A failed system call in libvirt's words, which do not begin with its kind."""
    failed = SystemFailure(words, errno=error.errno)
    failed.message = f"{words}: {error.strerror}"
    failed.args = (failed.message,)
    return failed


def _write(path: str, data: bytes, words: str) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise failure(words, error) from error
    with os.fdopen(fd, "wb") as file:
        file.write(data)
