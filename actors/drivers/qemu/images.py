"""Files that guests are saved to: a header, the domain's document, and the stream that QEMU writes and reads.

All numbers have the lowest byte first. The stream begins at a multiple of 4096 bytes.

======  =========================================
16      a mark
4       the version of this format
4       1 when the guest is to run once restored
4       how the stream is packed (`image_streams.FORMATS`)
8       where the stream begins
8       the length of the document, which follows
======  =========================================

A file appears under its name as a whole or not at all, unless the name is that of a device or a pipe.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import struct
from contextlib import suppress
from dataclasses import dataclass

from ....wire.documents.domain import DomainDefinition, parse_domain
from ....wire.errors import OperationFailed, SystemFailure
from .image_streams import FORMATS

MARK = b"virtactor saved\0"
VERSION = 2
_HEADER = struct.Struct("<16sIIIQQ")
_ALIGNMENT = 4096
PART = ".part"  # how the name of a file ends that is not whole
_MOST_XML = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Image:
    """A saved guest: its document, whether it is to run, and where in the file its stream begins."""

    path: str
    xml: str
    running: bool
    offset: int
    format: str = "raw"

    def definition(self) -> DomainDefinition:
        """What the document says. Raises XMLError."""
        return parse_domain(self.xml, strict=False)


def temporary_of(path: str) -> str | None:
    """A name for a file until it is whole; None for a device or a pipe, which have their name all the time."""
    return None if _is_special(path) else f"{path}.{secrets.token_hex(4)}{PART}"


class NewFile:
    """A file that is being written: ``finish`` gives it its name, ``discard`` leaves nothing of it.

    ``part`` is what ``temporary_of`` gave for the path; ``inode`` is known once it is open.
    """

    def __init__(self, path: str, part: str | None) -> None:
        self.path = path
        self.part = part
        self.fd = -1
        self.inode: int | None = None
        self._name = part

    def open(self) -> None:
        """Make the file. Raises SystemFailure."""
        flags = os.O_WRONLY if self.part is None else os.O_RDWR | os.O_CREAT | os.O_EXCL
        try:
            self.fd = os.open(self.part or self.path, flags | os.O_CLOEXEC, 0o600)
            self.inode = os.fstat(self.fd).st_ino
        except OSError as error:
            raise _failure("failed to create", self.path, error) from error

    def begin_image(self, xml: str, running: bool, format: str = "raw") -> None:
        """Make the file, with the header and the document; the stream is to follow. Raises SystemFailure."""
        self.open()
        self.write(_head(xml, running, format))

    def write(self, data: bytes) -> None:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self.fd, left) :]
        except OSError as error:
            raise _failure("failed to write", self.path, error) from error

    @property
    def is_kept(self) -> bool:
        """Whether it is whole, under its name."""
        return self.fd < 0 and self._name == self.path

    def finish(self) -> None:
        """Make it durable, under its name. Raises SystemFailure."""
        try:
            if self.part is not None:
                os.fsync(self.fd)
                os.rename(self.part, self.path)
                self._name = self.path
                _sync_folder(self.path)
        except OSError as error:
            raise _failure("failed to keep", self.path, error) from error
        finally:
            self._close()

    def discard(self) -> None:
        """Leave nothing of it, whatever name it has."""
        self._close()
        if self._name is not None and self.inode is not None:
            with suppress(OSError):
                os.unlink(self._name)

    def _close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def read_image(path: str) -> Image:
    """Raises SystemFailure, and OperationFailed for a file that is no such image."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEADER.size)
            if len(head) < _HEADER.size or not head.startswith(MARK):
                raise OperationFailed(f"'{path}' is not a saved guest")
            _, version, running, packed, offset, length = _HEADER.unpack(head)
            if version != VERSION or length > _MOST_XML:
                raise OperationFailed(f"'{path}' is a saved guest of version {version}, which is not known here")
            data = file.read(length)
    except OSError as error:
        raise _failure("failed to open", path, error) from error
    if len(data) < length:
        raise OperationFailed(f"'{path}' ends in its document")
    format = next((name for name, each in FORMATS.items() if each.number == packed), None)
    if format is None:
        raise OperationFailed(f"'{path}' is packed in a way ({packed}) that is not known here")
    return Image(path, data.decode(errors="replace"), bool(running), offset, format)


def open_stream(image: Image) -> int:
    """A descriptor at the beginning of the stream. Raises SystemFailure."""
    try:
        fd = os.open(image.path, os.O_RDONLY | os.O_CLOEXEC)
        os.lseek(fd, image.offset, os.SEEK_SET)
    except OSError as error:
        raise _failure("failed to open", image.path, error) from error
    return fd


def rewrite_image(image: Image, xml: str, running: bool) -> None:
    """Give an image another document. Raises SystemFailure."""
    new = NewFile(image.path, temporary_of(image.path))
    try:
        new.begin_image(xml, running, image.format)
        with open(image.path, "rb") as old, open(new.fd, "wb", closefd=False) as target:
            old.seek(image.offset)
            shutil.copyfileobj(old, target)
        new.finish()
    except OSError as error:
        new.discard()
        raise _failure("failed to write", image.path, error) from error
    except BaseException:
        new.discard()
        raise


def _head(xml: str, running: bool, format: str) -> bytes:
    data = xml.encode()
    offset = -(-(_HEADER.size + len(data)) // _ALIGNMENT) * _ALIGNMENT
    return (_HEADER.pack(MARK, VERSION, running, FORMATS[format].number, offset, len(data)) + data).ljust(offset, b"\0")


def _is_special(path: str) -> bool:
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _sync_folder(path: str) -> None:
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _failure(what: str, path: str, error: OSError) -> SystemFailure:
    return SystemFailure(f"{what} '{path}': {error.strerror}", errno=error.errno)
