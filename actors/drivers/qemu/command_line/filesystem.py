"""Directories of the host's: -fsdev for those that QEMU serves (9p), a socket for virtiofs's daemon, and -device."""

from __future__ import annotations

from typing import Any

from .....wire.documents.domain import Filesystem
from .....wire.documents.domain.devices.filesystem import FilesystemDriver
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias
from .syntax import key_values

SECURITY = {"passthrough": "passthrough", "mapped": "mapped", "squash": "none"}
SERVERS = (None, "path", "handle")
# The longest name that a guest finds a share by.
TAG_LENGTH = {"9p": 31, "fs": 35}


def filesystems(board: Board) -> list[str]:
    """The arguments of all shares."""
    return [word for share in board.definition.devices.filesystems for word in _share(board, share)]


def is_virtiofs(share: Filesystem) -> bool:
    """Whether a share has a daemon of its own."""
    return share.driver is not None and share.driver.type == "virtiofs"


def socket_id(share: Filesystem) -> str:
    """The chardev of a share's daemon."""
    return f"chr-vu-{alias(share)}"


def _share(board: Board, share: Filesystem) -> list[str]:
    _check(share)
    return _virtiofs(board, share) if is_virtiofs(share) else _9p(board, share)


def _check(share: Filesystem) -> None:
    name = label(share)
    if share.type not in (None, "mount"):
        raise UnsupportedConfig(f"{name}: type {share.type!r}")
    kind = "fs" if is_virtiofs(share) else "9p"
    if len(share.target.encode()) > TAG_LENGTH[kind]:
        raise UnsupportedConfig(f"{name}: a target of more than {TAG_LENGTH[kind]} bytes")
    if kind == "fs" and share.source_socket is not None:
        if share.source_directory is not None or share.server is not None:
            raise UnsupportedConfig(f"{name}: a directory and a daemon beside the socket of one")
        return
    if share.source_directory is None or not share.source_directory.startswith("/"):
        raise UnsupportedConfig(f"{name}: source {share.source_directory!r} is not an absolute path")


def _9p(board: Board, share: Filesystem) -> list[str]:
    driver = share.driver or FilesystemDriver()
    name = label(share)
    if driver.type not in SERVERS or driver.type == "handle":
        raise UnsupportedConfig(f"{name}: driver {driver.type!r}")
    if share.server is not None or share.source_socket is not None or driver.queue is not None:
        raise UnsupportedConfig(f"{name}: a daemon, a socket and a queue are for virtiofs")
    security = share.accessmode or "passthrough"
    if security != "mapped" and (share.fmode is not None or share.dmode is not None):
        raise UnsupportedConfig(f"{name}: fmode and dmode must be used with accessmode=mapped")
    fsdev = f"fsdev-{alias(share)}"
    arguments = key_values(
        "local",
        security_model=SECURITY[security],
        multidevs=share.multidevs if share.multidevs != "default" else None,
        writeout=driver.wrpolicy,
        id=fsdev,
        path=share.source_directory,
        readonly=True if share.readonly else None,
    )
    # Their names have no "-" that "_" could stand for, and their values are octal.
    modes = [f",{name}={mode:04o}" for name, mode in (("fmode", share.fmode), ("dmode", share.dmode)) if mode]
    device = board.device(
        share, board.virtio("9p", share.model), **board.virtio_options(driver), fsdev=fsdev, mount_tag=share.target
    )
    return ["-fsdev", arguments.replace("security-model", "security_model") + "".join(modes), *device]


def _virtiofs(board: Board, share: Filesystem) -> list[str]:
    driver = share.driver or FilesystemDriver()
    name = label(share)
    said: dict[str, Any] = {
        "accessmode": share.accessmode if share.accessmode != "passthrough" else None,
        "multidevs": share.multidevs,
        "fmode": share.fmode,
        "dmode": share.dmode,
        "readonly": share.readonly or None,
        "wrpolicy": driver.wrpolicy,
    }
    for field, value in said.items():
        if value is not None:
            raise UnsupportedConfig(f"{name}: {field} with virtiofs")
    path = share.source_socket or board.resources.companions.get(alias(share))
    if path is None:
        raise UnsupportedConfig(f"{name}: its daemon has no socket")
    if not _memory_is_shared(board):
        raise UnsupportedConfig(
            f"{name}: virtiofs requires shared memory",
            hint="<memoryBacking><source type='memfd'/><access mode='shared'/>",
        )
    device = board.device(
        share,
        board.virtio("fs", share.model, prefix="vhost-user"),
        **board.virtio_options(driver),
        chardev=socket_id(share),
        tag=share.target,
        **{"queue-size": driver.queue},
    )
    return ["-chardev", key_values("socket", id=socket_id(share), path=str(path)), *device]


def _memory_is_shared(board: Board) -> bool:
    definition = board.definition
    backing = definition.memory_backing
    cells = definition.cpu.numa.cells if definition.cpu and definition.cpu.numa else ()
    return (backing is not None and backing.access == "shared") or (
        bool(cells) and all(cell.access == "shared" for cell in cells)
    )
