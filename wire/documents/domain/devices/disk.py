"""Disks and cdrom drives: libvirt's `<disk>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ..address import Device

CacheMode = Literal["default", "none", "writethrough", "writeback", "directsync", "unsafe"]
OTHER_FORMATS = (
    "bochs",
    "cloop",
    "dmg",
    "iso",
    "cow",
    "qcow",
    "qed",
    "vmdk",
    "vpc",
    "vdi",
    "vhd",
    "fat",
    "dir",
    "luks",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskDriver:
    """How the hypervisor opens the image. `type` is the image's format; no type means raw."""

    name: Annotated[Literal["qemu"] | None, At("@name", known=("tap", "tap2", "phy", "file"))] = None
    type: Annotated[Literal["raw", "qcow2"] | None, At("@type", known=OTHER_FORMATS)] = None
    cache: Annotated[CacheMode | None, At("@cache")] = None
    io: Annotated[Literal["native", "threads", "io_uring"] | None, At("@io")] = None
    discard: Annotated[Literal["unmap", "ignore"] | None, At("@discard")] = None
    detect_zeroes: Annotated[Literal["off", "on", "unmap"] | None, At("@detect_zeroes")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk(Device):
    """One drive. `source` is the image's path; None is an empty cdrom. `target` ("vda") is its name in the API."""

    type: Annotated[
        Literal["file"], At("@type", known=("block", "dir", "network", "volume", "nvme", "vhostuser", "vhostvdpa"))
    ] = "file"
    device: Annotated[Literal["disk", "cdrom"], At("@device", known=("floppy", "lun"))] = "disk"
    driver: Annotated[DiskDriver | None, At("driver")] = None
    source: Annotated[str | None, At("source/@file")] = None
    target: Annotated[str, At("target/@dev")]
    bus: Annotated[
        Literal["virtio", "ide", "sata"] | None,
        At("target/@bus", known=("scsi", "usb", "fdc", "xen", "sd", "uml", "none")),
    ] = None
    readonly: Annotated[bool, At("readonly")] = False
    shareable: Annotated[bool, At("shareable")] = False
    serial: Annotated[str | None, At("serial")] = None
