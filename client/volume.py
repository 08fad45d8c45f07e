"""The volumes of a storage pool, as their caller sees them: libvirt's ``virStorageVolPtr`` with Python's shapes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from ..wire.enums.storage import (
    StorageVolCreateFlags,
    StorageVolDeleteFlags,
    StorageVolDownloadFlags,
    StorageVolInfoFlags,
    StorageVolResizeFlags,
    StorageVolType,
    StorageVolUploadFlags,
    StorageVolWipeAlgorithm,
)
from ..wire.errors import NoStorageVolume, VirtError
from ..wire.framing import STREAM_DATA_MAX
from ..wire.table import ROWS
from .objects import HostObject, OwnedObjects
from .storage import Pool
from .streams import Hole, Stream
from .values import bits, member_or_number

if TYPE_CHECKING:
    from .reconnect import Session

_NUM = ROWS["storage_pool_num_of_volumes"]
_NAMES = ROWS["storage_pool_list_volumes"]
_LIST = ROWS["storage_pool_list_all_volumes"]
_BY_NAME = ROWS["storage_vol_lookup_by_name"]
_CREATE = ROWS["storage_vol_create_xml"]
_CREATE_FROM = ROWS["storage_vol_create_xml_from"]
_POOL = ROWS["storage_pool_lookup_by_volume"]
_DELETE = ROWS["storage_vol_delete"]
_INFO = ROWS["storage_vol_get_info"]
_INFO_FLAGS = ROWS["storage_vol_get_info_flags"]
_XML = ROWS["storage_vol_get_xml_desc"]
_PATH = ROWS["storage_vol_get_path"]
_WIPE = ROWS["storage_vol_wipe"]
_WIPE_PATTERN = ROWS["storage_vol_wipe_pattern"]
_RESIZE = ROWS["storage_vol_resize"]
_UPLOAD = ROWS["storage_vol_upload"]
_DOWNLOAD = ROWS["storage_vol_download"]

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class VolumeInfo:
    """A volume's kind and size (virStorageVolGetInfo): what it can hold, and what of the pool it takes, in bytes."""

    type: StorageVolType | int
    capacity: int
    allocation: int


class Volume(HostObject):
    """A volume of a storage pool, found or made through ``pool.volumes``; it stands for the volume by its key.

    A volume that is gone raises NoStorageVolume.
    """

    __slots__ = ()

    @property
    def key(self) -> str:
        """What tells it from all volumes of the host, usually its path (virStorageVolGetKey)."""
        return self._ref.key

    @property
    def pool_name(self) -> str:
        """The name of its pool."""
        return self._ref.pool

    def pool(self, *, deadline: float | None = None) -> Pool:
        """Its pool (virStoragePoolLookupByVolume)."""
        return Pool(self._session, self._call(_POOL, deadline=deadline)[0])

    def info(self, *, physical: bool = False, deadline: float | None = None) -> VolumeInfo:
        """Kind and size (virStorageVolGetInfo).

        With ``physical`` the allocation is the size of its file (virStorageVolGetInfoFlags).
        """
        if physical:
            kind, *sizes = self._call(_INFO_FLAGS, int(StorageVolInfoFlags.GET_PHYSICAL), deadline=deadline)
        else:
            kind, *sizes = self._call(_INFO, deadline=deadline)
        return VolumeInfo(member_or_number(StorageVolType, kind), *sizes)

    def xml(self, *, deadline: float | None = None) -> str:
        """The volume's XML (virStorageVolGetXMLDesc)."""
        return self._call(_XML, 0, deadline=deadline)[0]

    def path(self, *, deadline: float | None = None) -> str:
        """Where the host sees it (virStorageVolGetPath)."""
        return self._call(_PATH, deadline=deadline)[0]

    def delete(self, *, zeroed: bool = False, with_snapshots: bool = False, deadline: float | None = None) -> None:
        """Remove it and what it holds (virStorageVolDelete); ``zeroed`` overwrites that first."""
        wishes = {StorageVolDeleteFlags.ZEROED: zeroed, StorageVolDeleteFlags.WITH_SNAPSHOTS: with_snapshots}
        self._call(_DELETE, bits(wishes), deadline=deadline)

    def wipe(self, algorithm: StorageVolWipeAlgorithm | int | None = None, *, deadline: float | None = None) -> None:
        """Make what it holds unreadable, by zeros or an algorithm (virStorageVolWipe, virStorageVolWipePattern)."""
        if algorithm is None:
            self._call(_WIPE, 0, deadline=deadline)
        else:
            self._call(_WIPE_PATTERN, int(algorithm), 0, deadline=deadline)

    def resize(
        self,
        capacity: int,
        *,
        allocate: bool = False,
        delta: bool = False,
        shrink: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Change what it can hold, in bytes; by so many with ``delta`` (virStorageVolResize).

        ``allocate`` takes the space from the pool now; ``shrink`` allows it to become smaller.
        """
        wishes = {
            StorageVolResizeFlags.ALLOCATE: allocate,
            StorageVolResizeFlags.DELTA: delta,
            StorageVolResizeFlags.SHRINK: shrink,
        }
        self._call(_RESIZE, capacity, bits(wishes), deadline=deadline)

    # What it holds.

    def upload(
        self,
        source: BinaryIO | bytes,
        *,
        offset: int = 0,
        length: int = 0,
        sparse: bool = False,
        deadline: float | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Write to the volume what a binary file or ``source`` itself holds; gives the bytes written, holes included.

        It goes to ``offset``, at most ``length`` bytes of it (0: all). With ``sparse`` the holes of a file are not
        sent, but are holes in the volume (virStorageVolUpload). ``deadline`` is for each of its steps.
        ``progress(bytes)`` is called after each.
        """
        file = BytesIO(source) if isinstance(source, bytes) else source
        stream = self.open_upload(offset=offset, length=length, sparse=sparse, deadline=deadline)
        pieces = sparse_pieces(file, length) if sparse else _pieces(file, length)
        done = 0
        with _aborting(stream):
            for piece in pieces:
                if isinstance(piece, Hole):
                    stream.write_hole(piece.length, timeout=deadline)
                    done += piece.length
                else:
                    stream.write(piece, timeout=deadline)
                    done += len(piece)
                if progress is not None:
                    progress(done)
            stream.finish(timeout=deadline)
        return done

    def download(
        self,
        sink: BinaryIO,
        *,
        offset: int = 0,
        length: int = 0,
        sparse: bool = False,
        deadline: float | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Read the volume into a binary file; gives the bytes read, holes included; see :meth:`upload`.

        With ``sparse`` holes of the volume become holes of the file (virStorageVolDownload).
        """
        stream = self.open_download(offset=offset, length=length, sparse=sparse, deadline=deadline)
        done = 0
        ends_in_hole = False
        with _aborting(stream):
            while piece := stream.receive(timeout=deadline):
                ends_in_hole = isinstance(piece, Hole)
                if isinstance(piece, Hole):
                    sink.seek(piece.length, os.SEEK_CUR)
                    done += piece.length
                else:
                    sink.write(piece)
                    done += len(piece)
                if progress is not None:
                    progress(done)
            if ends_in_hole:
                sink.truncate(sink.tell())
            stream.finish(timeout=deadline)
        return done

    def open_upload(
        self, *, offset: int = 0, length: int = 0, sparse: bool = False, deadline: float | None = None
    ) -> Stream:
        """A stream that writes to the volume; its ``finish`` tells whether all has arrived (virStorageVolUpload)."""
        flags = int(StorageVolUploadFlags.STREAM) if sparse else 0
        return self._session.open_stream(_UPLOAD, self._ref, offset, length, flags, deadline=deadline)

    def open_download(
        self, *, offset: int = 0, length: int = 0, sparse: bool = False, deadline: float | None = None
    ) -> Stream:
        """A stream that reads from the volume (virStorageVolDownload)."""
        flags = int(StorageVolDownloadFlags.STREAM) if sparse else 0
        return self._session.open_stream(_DOWNLOAD, self._ref, offset, length, flags, deadline=deadline)


class Volumes(OwnedObjects[Volume]):
    """``pool.volumes``: iterable (all of them), ``len``, ``in``, and ``pool.volumes[name]``."""

    thing = Volume
    missing = NoStorageVolume

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @property
    def _session(self) -> Session:
        return self._pool._session

    def __len__(self) -> int:
        return self.count()

    def list(self, *, deadline: float | None = None) -> list[Volume]:
        """All volumes of an active pool (virStoragePoolListAllVolumes)."""
        found, _ = self._pool._call(_LIST, 1, 0, deadline=deadline)
        return [Volume(self._session, ref) for ref in found]

    def count(self, *, deadline: float | None = None) -> int:
        """How many there are (virStoragePoolNumOfVolumes)."""
        return self._pool._call(_NUM, deadline=deadline)[0]

    def names(self, *, deadline: float | None = None) -> list[str]:
        """Their names (virStoragePoolListVolumes)."""
        return self._pool._call(_NAMES, self.count(deadline=deadline), deadline=deadline)[0]

    def lookup(self, name: str, *, deadline: float | None = None) -> Volume:
        """The volume of that name (virStorageVolLookupByName). Raises NoStorageVolume."""
        return Volume(self._session, self._pool._call(_BY_NAME, name, deadline=deadline)[0])

    def create(
        self,
        xml: str,
        *,
        clone: Volume | None = None,
        prealloc_metadata: bool = False,
        reflink: bool = False,
        validate: bool = False,
        deadline: float | None = None,
    ) -> Volume:
        """Make a volume (virStorageVolCreateXML); it holds what ``clone`` does, if that is given (…CreateXMLFrom).

        ``prealloc_metadata`` writes the tables of a qcow2 image at once, ``reflink`` shares the clone's blocks.
        """
        flags = bits(
            {
                StorageVolCreateFlags.PREALLOC_METADATA: prealloc_metadata,
                StorageVolCreateFlags.REFLINK: reflink,
                StorageVolCreateFlags.VALIDATE: validate,
            }
        )
        if clone is None:
            return Volume(self._session, self._pool._call(_CREATE, xml, flags, deadline=deadline)[0])
        return Volume(self._session, self._pool._call(_CREATE_FROM, xml, clone.ref, flags, deadline=deadline)[0])


class _aborting:
    """Ends a stream in disorder when what is done with it fails."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            with suppress(VirtError):
                self._stream.abort()


def _pieces(file: BinaryIO, length: int) -> Iterator[bytes | Hole]:
    """What a file holds, at most ``length`` bytes of it (0: all)."""
    left = length or sys.maxsize
    while left and (piece := file.read(min(STREAM_DATA_MAX, left))):
        left -= len(piece)
        yield piece


def sparse_pieces(file: BinaryIO, length: int = 0) -> Iterator[bytes | Hole]:
    """As ``_pieces`` from where a file stands, with its holes as such; all is data where nobody can tell."""
    try:
        descriptor, at = file.fileno(), file.tell()
        end = os.fstat(descriptor).st_size
    except (OSError, AttributeError):
        yield from _pieces(file, length)
        return
    if length:
        end = min(end, at + length)
    while at < end:
        data = min(_next_data(descriptor, at, end), end)
        if data > at:
            yield Hole(data - at)
        hole = min(os.lseek(descriptor, data, os.SEEK_HOLE), end) if data < end else end
        file.seek(data)
        while data < hole and (piece := file.read(min(STREAM_DATA_MAX, hole - data))):
            data += len(piece)
            yield piece
        at = max(hole, data)


def _next_data(descriptor: int, at: int, end: int) -> int:
    """Where the next data of a file begins; its end when there is none."""
    try:
        return os.lseek(descriptor, at, os.SEEK_DATA)
    except OSError:  # ENXIO: there is a hole up to the end.
        return end
