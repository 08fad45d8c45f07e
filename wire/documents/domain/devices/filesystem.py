"""Directories of the host's that the guest sees: libvirt's `<filesystem>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import OCTAL, ON_OFF, SCALED_USAGE, SIZE_BYTES
from ..address import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesystemDriver:
    """Who serves the files."""

    type: Annotated[Literal["path", "handle", "loop", "nbd", "ploop", "virtiofs"] | None, At("@type")] = None
    format: Annotated[str | None, At("@format")] = None
    wrpolicy: Annotated[Literal["immediate"] | None, At("@wrpolicy")] = None
    queue: Annotated[int | None, At("@queue")] = None
    iommu: Annotated[bool | None, At("@iommu", ON_OFF)] = None
    ats: Annotated[bool | None, At("@ats", ON_OFF)] = None
    packed: Annotated[bool | None, At("@packed", ON_OFF)] = None
    page_per_vq: Annotated[bool | None, At("@page_per_vq", ON_OFF)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesystemServer:
    """virtiofs's daemon."""

    path: Annotated[str | None, At("@path")] = None
    xattr: Annotated[bool | None, At("@xattr", ON_OFF)] = None
    cache: Annotated[Literal["none", "always"] | None, At("cache/@mode")] = None
    sandbox: Annotated[Literal["namespace", "chroot"] | None, At("sandbox/@mode")] = None
    posix_lock: Annotated[bool | None, At("lock/@posix", ON_OFF)] = None
    flock: Annotated[bool | None, At("lock/@flock", ON_OFF)] = None
    threads: Annotated[int | None, At("thread_pool/@size")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filesystem(Device):
    """One share; `target` is its name, or a container's directory. Limits are bytes, `usage` KiB."""

    type: Annotated[Literal["mount", "block", "file", "template", "ram", "bind", "volume"] | None, At("@type")] = None
    accessmode: Annotated[Literal["passthrough", "mapped", "squash"] | None, At("@accessmode")] = None
    model: Annotated[Literal["virtio", "virtio-transitional", "virtio-non-transitional"] | None, At("@model")] = None
    multidevs: Annotated[Literal["default", "remap", "forbid", "warn"] | None, At("@multidevs")] = None
    fmode: Annotated[int | None, At("@fmode", OCTAL)] = None
    dmode: Annotated[int | None, At("@dmode", OCTAL)] = None
    driver: Annotated[FilesystemDriver | None, At("driver")] = None
    server: Annotated[FilesystemServer | None, At("binary")] = None
    source_directory: Annotated[str | None, At("source/@dir")] = None
    source_device: Annotated[str | None, At("source/@dev")] = None
    source_file: Annotated[str | None, At("source/@file")] = None
    source_name: Annotated[str | None, At("source/@name")] = None
    source_socket: Annotated[str | None, At("source/@socket")] = None
    usage: Annotated[int | None, At("source/@usage", SCALED_USAGE)] = None
    pool: Annotated[str | None, At("source/@pool")] = None
    volume: Annotated[str | None, At("source/@volume")] = None
    target: Annotated[str, At("target/@dir")]
    readonly: Annotated[bool, At("readonly")] = False
    space_hard_limit: Annotated[int | None, At("space_hard_limit", SIZE_BYTES)] = None
    space_soft_limit: Annotated[int | None, At("space_soft_limit", SIZE_BYTES)] = None
