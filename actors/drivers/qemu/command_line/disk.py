"""Disks and cdrom drives: two -blockdev nodes, the file and the format in it, and the -device in front of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from .....wire.documents.domain import Disk, DiskDriver
from .....wire.errors import UnsupportedConfig
from .board import Board
from .syntax import NODE_NAME_LENGTH, identifier, json_option, on_off


class Cache(NamedTuple):
    """A cache mode: past the host's cache, without flushes, with the drive's own write cache shown to the guest."""

    direct: bool
    no_flush: bool
    write_cache: bool


CACHES = {
    "none": Cache(direct=True, no_flush=False, write_cache=True),
    "writeback": Cache(direct=False, no_flush=False, write_cache=True),
    "writethrough": Cache(direct=False, no_flush=False, write_cache=False),
    "directsync": Cache(direct=True, no_flush=False, write_cache=False),
    "unsafe": Cache(direct=False, no_flush=True, write_cache=True),
}


class NodeNames(NamedTuple):
    """What a drive's block nodes are called; `format` is the one that its device uses."""

    storage: str
    format: str


def node_names(disk: Disk) -> NodeNames:
    """The names of a drive's block nodes, made from its target. Raises UnsupportedConfig for an unusable target."""
    return NodeNames(*(_node_name(disk, layer) for layer in NodeNames._fields))


def _node_name(disk: Disk, layer: str) -> str:
    return identifier(f"{disk.target}-{layer}", f"disk {disk.target!r}", NODE_NAME_LENGTH)


def disks(board: Board) -> list[str]:
    """The arguments of all drives."""
    return [word for disk in board.definition.devices.disks for word in _disk(board, disk)]


def _disk(board: Board, disk: Disk) -> list[str]:
    driver = disk.driver or DiskDriver()
    _check(disk, driver)
    cache = CACHES.get(driver.cache or "default")
    nodes = node_names(disk)
    arguments = [] if disk.source is None else block_nodes(disk)
    properties = {
        "share-rw": True if disk.shareable else None,
        "drive": None if disk.source is None else nodes.format,
        "write-cache": on_off(cache.write_cache) if cache else None,
        "serial": disk.serial,
    }
    return arguments + board.device(disk, _driver(board, disk), **properties)


def block_nodes(disk: Disk) -> list[str]:
    """-blockdev for the image's file and for its format. A backing file is QEMU's to find: the image names it."""
    storage, format = node_descriptions(disk)
    return json_option("-blockdev", storage) + json_option("-blockdev", format)


def node_descriptions(disk: Disk) -> tuple[dict[str, Any], dict[str, Any]]:
    """The file's node and the format's, as blockdev-add takes them too; absent properties are None."""
    driver = disk.driver or DiskDriver()
    mode = CACHES.get(driver.cache or "default")
    cache = {"direct": mode.direct, "no-flush": mode.no_flush} if mode else None
    nodes = node_names(disk)
    storage = {
        "driver": "file",
        "filename": disk.source,
        "node-name": nodes.storage,
        "aio": driver.io,
        "cache": cache,
        "auto-read-only": True,
        "discard": "unmap",
    }
    format = {
        "driver": driver.type or "raw",
        "node-name": nodes.format,
        "read-only": disk.readonly or disk.device == "cdrom",
        "discard": driver.discard,
        "detect-zeroes": _detect_zeroes(driver),
        "cache": cache,
        "file": nodes.storage,
    }
    return storage, format


def _detect_zeroes(driver: DiskDriver) -> str | None:
    """Zeroes can be unmapped only where the guest may unmap; elsewhere they are written as zeroes, as with libvirt."""
    if driver.detect_zeroes == "unmap" and driver.discard != "unmap":
        return "on"
    return driver.detect_zeroes


def _driver(board: Board, disk: Disk) -> str:
    if disk.bus == "virtio":
        return board.virtio("blk")
    return "ide-cd" if disk.device == "cdrom" else "ide-hd"


def _check(disk: Disk, driver: DiskDriver) -> None:
    """Refuse what QEMU refuses or would silently do otherwise."""
    name = f"disk {disk.target!r}"
    if disk.bus == "virtio" and disk.device == "cdrom":
        raise UnsupportedConfig(f"{name}: a cdrom on bus virtio", hint="sata or ide")
    if disk.bus != "virtio" and disk.device == "disk" and disk.readonly:
        raise UnsupportedConfig(f"{name}: readonly {disk.bus} disks are not supported")
    if disk.source is None and disk.device == "disk":
        raise UnsupportedConfig(f"{name}: a disk without a source")
    if disk.source is not None and not disk.source.startswith("/"):
        raise UnsupportedConfig(f"{name}: source {disk.source!r} is not an absolute path")
    if driver.io == "native" and driver.cache not in ("none", "directsync"):
        raise UnsupportedConfig(
            f"{name}: native I/O needs either no disk cache or directsync cache mode",
            hint="QEMU would use threads instead",
        )
