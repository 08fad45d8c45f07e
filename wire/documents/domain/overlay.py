"""A transient disk of a running guest: its document says the overlay that the guest writes to, on what the disk was."""

from __future__ import annotations

from dataclasses import replace

from ..binding import Subtree
from .devices import Disk, DiskDriver

TRANSIENT = ".TRANSIENT-"
FORMAT = "qcow2"


def overlay_path(disk: Disk, domain: str) -> str | None:
    """Where a transient disk's overlay is; None for a disk that has none."""
    return f"{disk.source}{TRANSIENT}{domain}" if disk.transient is not None and disk.source is not None else None


def with_overlay(disk: Disk, path: str) -> Disk:
    """The disk as an overlay of itself."""
    assert disk.source is not None
    format = (disk.driver or DiskDriver()).type or "raw"
    # Bytes alone stand on nothing.
    below = Subtree() if disk.backing is None and format == "raw" else disk.backing
    children: tuple[tuple[str, Subtree], ...] = (
        ("format", Subtree((("type", format),))),
        ("source", Subtree((("file", disk.source),))),
    )
    if below is not None:
        children = (*children, ("backingStore", below))
    backing = Subtree((("type", "file"),), children=children)
    driver = replace(disk.driver or DiskDriver(), type=FORMAT)
    return replace(disk, source=path, driver=driver, backing=backing)


def without_overlay(disk: Disk) -> Disk:
    """The disk as it is when no guest runs: what ``with_overlay`` was given, or the disk itself."""
    if disk.transient is None or disk.source is None or disk.backing is None:
        return disk
    children = dict(disk.backing.children)
    source = dict(children.get("source", Subtree()).attributes).get("file", "")
    if not source or not disk.source.startswith(source + TRANSIENT):
        return disk
    format = dict(children.get("format", Subtree()).attributes).get("type", "raw")
    below = children.get("backingStore")
    # A raw image's end need not be said.
    below = None if format == "raw" and below == Subtree() else below
    driver = replace(disk.driver or DiskDriver(), type=format)
    return replace(disk, source=source, driver=driver, backing=below)
