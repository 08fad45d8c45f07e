"""Disks and drives for cdroms and floppies: libvirt's `<disk>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ....enums.error import ErrorNumber
from ...binding import At, Subtree
from ...values import HEX2, HEX4, ON_OFF, SIZE_BYTES, UUID, YES_NO, hexadecimal
from ..address import Device
from ..security import DeviceLabel

CacheMode = Literal["default", "none", "writethrough", "writeback", "directsync", "unsafe"]
DiskType = Literal["file", "block", "dir", "network", "volume", "nvme", "vhostuser", "vhostvdpa"]
DiskFormat = Literal[
    "raw", "qcow2", "bochs", "cloop", "dmg", "iso", "cow", "qcow", "qed", "vmdk", "vpc", "vdi", "vhd", "fat", "dir",
    "luks", "ploop", "auto", "none",
]  # fmt: skip
DiskBus = Literal["virtio", "ide", "sata", "scsi", "usb", "fdc", "xen", "sd", "uml", "none"]
Protocol = Literal[
    "nbd", "rbd", "sheepdog", "gluster", "iscsi", "http", "https", "ftp", "ftps", "tftp", "ssh", "vxhs", "nfs",
]  # fmt: skip
ErrorPolicy = Literal["default", "stop", "report", "ignore", "enospace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskDriver:
    """How the hypervisor opens the image. `type` is the image's format; no type means raw. `metadata_cache`: bytes."""

    name: Annotated[Literal["qemu", "tap", "tap2", "phy", "file", "vbd3"] | None, At("@name")] = None
    type: Annotated[DiskFormat | None, At("@type")] = None
    cache: Annotated[CacheMode | None, At("@cache")] = None
    error_policy: Annotated[ErrorPolicy | None, At("@error_policy")] = None
    read_error_policy: Annotated[ErrorPolicy | None, At("@rerror_policy")] = None
    io: Annotated[Literal["native", "threads", "io_uring"] | None, At("@io")] = None
    ioeventfd: Annotated[bool | None, At("@ioeventfd", ON_OFF)] = None
    event_idx: Annotated[bool | None, At("@event_idx", ON_OFF)] = None
    copy_on_read: Annotated[bool | None, At("@copy_on_read", ON_OFF)] = None
    discard: Annotated[Literal["unmap", "ignore"] | None, At("@discard")] = None
    iothread: Annotated[int | None, At("@iothread")] = None
    detect_zeroes: Annotated[Literal["off", "on", "unmap"] | None, At("@detect_zeroes")] = None
    queues: Annotated[int | None, At("@queues")] = None
    queue_size: Annotated[int | None, At("@queue_size")] = None
    iommu: Annotated[bool | None, At("@iommu", ON_OFF)] = None
    ats: Annotated[bool | None, At("@ats", ON_OFF)] = None
    packed: Annotated[bool | None, At("@packed", ON_OFF)] = None
    page_per_vq: Annotated[bool | None, At("@page_per_vq", ON_OFF)] = None
    metadata_cache: Annotated[int | None, At("metadata_cache/max_size", SIZE_BYTES)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskAuth:
    """Who we are to a server of disks; the password is in one of the host's secrets."""

    user: Annotated[str, At("@username")]
    secret_type: Annotated[Literal["iscsi", "ceph"] | None, At("secret/@type")] = None
    secret_usage: Annotated[str | None, At("secret/@usage")] = None
    secret_uuid: Annotated[str | None, At("secret/@uuid", UUID)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskHost:
    """A server of disks."""

    name: Annotated[str | None, At("@name")] = None
    port: Annotated[int | None, At("@port")] = None
    transport: Annotated[Literal["tcp", "unix", "rdma"] | None, At("@transport")] = None
    socket: Annotated[str | None, At("@socket")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """What a web server wants to be told."""

    name: Annotated[str, At("@name")]
    value: Annotated[str | None, At(".")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionSecret:
    """The host's secret that an image is encrypted with."""

    type: Annotated[Literal["passphrase"], At("@type")]
    usage: Annotated[str | None, At("@usage")] = None
    uuid: Annotated[str | None, At("@uuid", UUID)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskEncryption:
    """How an image is encrypted; `engine` is who decrypts it."""

    format: Annotated[Literal["default", "qcow", "luks", "luks2", "luks-any"], At("@format")]
    engine: Annotated[Literal["qemu", "librbd"] | None, At("@engine")] = None
    secrets: Annotated[tuple[EncryptionSecret, ...], At("secret")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The part of an image that is the disk, in bytes."""

    type: Annotated[Literal["storage"], At("@type")]
    offset: Annotated[int, At("@offset")]
    size: Annotated[int, At("@size")]


@dataclass(frozen=True, slots=True, kw_only=True)
class IoTune:
    """Limits on a disk: bytes or operations per second, `…_length` how many seconds a burst may last."""

    total_bytes_sec: Annotated[int | None, At("total_bytes_sec")] = None
    read_bytes_sec: Annotated[int | None, At("read_bytes_sec")] = None
    write_bytes_sec: Annotated[int | None, At("write_bytes_sec")] = None
    total_iops_sec: Annotated[int | None, At("total_iops_sec")] = None
    read_iops_sec: Annotated[int | None, At("read_iops_sec")] = None
    write_iops_sec: Annotated[int | None, At("write_iops_sec")] = None
    total_bytes_sec_max: Annotated[int | None, At("total_bytes_sec_max")] = None
    read_bytes_sec_max: Annotated[int | None, At("read_bytes_sec_max")] = None
    write_bytes_sec_max: Annotated[int | None, At("write_bytes_sec_max")] = None
    total_iops_sec_max: Annotated[int | None, At("total_iops_sec_max")] = None
    read_iops_sec_max: Annotated[int | None, At("read_iops_sec_max")] = None
    write_iops_sec_max: Annotated[int | None, At("write_iops_sec_max")] = None
    size_iops_sec: Annotated[int | None, At("size_iops_sec")] = None
    group_name: Annotated[str | None, At("group_name")] = None
    total_bytes_sec_max_length: Annotated[int | None, At("total_bytes_sec_max_length")] = None
    read_bytes_sec_max_length: Annotated[int | None, At("read_bytes_sec_max_length")] = None
    write_bytes_sec_max_length: Annotated[int | None, At("write_bytes_sec_max_length")] = None
    total_iops_sec_max_length: Annotated[int | None, At("total_iops_sec_max_length")] = None
    read_iops_sec_max_length: Annotated[int | None, At("read_iops_sec_max_length")] = None
    write_iops_sec_max_length: Annotated[int | None, At("write_iops_sec_max_length")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transient:
    """What the guest writes is gone when it stops."""

    share_backing: Annotated[bool | None, At("@shareBacking", YES_NO)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPciAddress:
    """A PCI device of the host's."""

    domain: Annotated[int, At("@domain", HEX4)] = 0
    bus: Annotated[int, At("@bus", HEX2)] = 0
    slot: Annotated[int, At("@slot", HEX2)] = 0
    function: Annotated[int, At("@function", hexadecimal(1, 7))] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk(Device):
    """One drive. `source` is the image's path; None is an empty drive. `target` ("vda") is its name in the API.

    Each `type` has fields of its own for what is in `<source>`: `source` (file), `source_dev` (block, vhostvdpa),
    `source_dir`, `protocol` and those behind it (network), `pool` and `volume`, `nvme_…`, and `socket_…` (vhostuser).
    The images that an image stands on are kept as they were said.
    """

    type: Annotated[DiskType, At("@type")] = "file"
    device: Annotated[Literal["disk", "cdrom", "floppy", "lun"], At("@device")] = "disk"
    model: Annotated[Literal["virtio", "virtio-transitional", "virtio-non-transitional"] | None, At("@model")] = None
    rawio: Annotated[bool | None, At("@rawio", YES_NO)] = None
    sgio: Annotated[Literal["filtered", "unfiltered"] | None, At("@sgio")] = None
    snapshot: Annotated[Literal["no", "internal", "external", "manual"] | None, At("@snapshot")] = None
    driver: Annotated[DiskDriver | None, At("driver")] = None
    auth: Annotated[DiskAuth | None, At("auth")] = None
    source: Annotated[str | None, At("source/@file")] = None
    fd_group: Annotated[str | None, At("source/@fdgroup")] = None
    source_dev: Annotated[str | None, At("source/@dev")] = None
    source_dir: Annotated[str | None, At("source/@dir")] = None
    protocol: Annotated[Protocol | None, At("source/@protocol")] = None
    source_name: Annotated[str | None, At("source/@name")] = None
    query: Annotated[str | None, At("source/@query")] = None
    tls: Annotated[bool | None, At("source/@tls", YES_NO)] = None
    tls_hostname: Annotated[str | None, At("source/@tlsHostname")] = None
    pool: Annotated[str | None, At("source/@pool")] = None
    volume: Annotated[str | None, At("source/@volume")] = None
    volume_mode: Annotated[Literal["host", "direct"] | None, At("source/@mode")] = None
    transport: Annotated[Literal["unix", "pci"] | None, At("source/@type")] = None
    socket: Annotated[str | None, At("source/@path")] = None
    nvme_managed: Annotated[bool | None, At("source/@managed", YES_NO)] = None
    nvme_namespace: Annotated[int | None, At("source/@namespace")] = None
    startup_policy: Annotated[
        Literal["default", "mandatory", "requisite", "optional"] | None, At("source/@startupPolicy")
    ] = None
    source_index: Annotated[int | None, At("source/@index")] = None
    hosts: Annotated[tuple[DiskHost, ...], At("source/host")] = ()
    source_snapshot: Annotated[str | None, At("source/snapshot/@name")] = None
    config: Annotated[str | None, At("source/config/@file")] = None
    nvme_address: Annotated[HostPciAddress | None, At("source/address")] = None
    source_auth: Annotated[DiskAuth | None, At("source/auth")] = None
    slices: Annotated[tuple[Slice, ...], At("source/slices/slice")] = ()
    source_labels: Annotated[tuple[DeviceLabel, ...], At("source/seclabel")] = ()
    source_encryption: Annotated[DiskEncryption | None, At("source/encryption")] = None
    reservations: Annotated[Subtree | None, At("source/reservations", like=lambda: Reservations)] = None
    initiator: Annotated[str | None, At("source/initiator/iqn/@name")] = None
    identity: Annotated[Subtree | None, At("source/identity", like=lambda: Identity)] = None
    ssl_verify: Annotated[bool | None, At("source/ssl/@verify", YES_NO)] = None
    cookies: Annotated[tuple[Cookie, ...], At("source/cookies/cookie")] = ()
    readahead: Annotated[int | None, At("source/readahead/@size")] = None
    timeout: Annotated[int | None, At("source/timeout/@seconds")] = None
    reconnect: Annotated[bool | None, At("source/reconnect/@enabled", YES_NO)] = None
    reconnect_timeout: Annotated[int | None, At("source/reconnect/@timeout")] = None
    backing: Annotated[Subtree | None, At("backingStore", like=lambda: BackingStore)] = None
    backend_domain: Annotated[str | None, At("backenddomain/@name")] = None
    cylinders: Annotated[int | None, At("geometry/@cyls")] = None
    heads: Annotated[int | None, At("geometry/@heads")] = None
    sectors: Annotated[int | None, At("geometry/@secs")] = None
    translation: Annotated[Literal["default", "none", "auto", "lba"] | None, At("geometry/@trans")] = None
    logical_block_size: Annotated[int | None, At("blockio/@logical_block_size")] = None
    physical_block_size: Annotated[int | None, At("blockio/@physical_block_size")] = None
    discard_granularity: Annotated[int | None, At("blockio/@discard_granularity")] = None
    mirror: Annotated[Subtree | None, At("mirror", like=lambda: Mirror)] = None
    target: Annotated[str, At("target/@dev", missing=ErrorNumber.NO_TARGET)]
    bus: Annotated[DiskBus | None, At("target/@bus")] = None
    tray: Annotated[Literal["open", "closed"] | None, At("target/@tray")] = None
    removable: Annotated[bool | None, At("target/@removable", ON_OFF)] = None
    rotation_rate: Annotated[int | None, At("target/@rotation_rate")] = None
    iotune: Annotated[IoTune | None, At("iotune")] = None
    readonly: Annotated[bool, At("readonly")] = False
    shareable: Annotated[bool, At("shareable")] = False
    transient: Annotated[Transient | None, At("transient")] = None
    serial: Annotated[str | None, At("serial")] = None
    wwn: Annotated[str | None, At("wwn")] = None
    vendor: Annotated[str | None, At("vendor")] = None
    product: Annotated[str | None, At("product")] = None
    encryption: Annotated[DiskEncryption | None, At("encryption")] = None

    @property
    def path(self) -> str | None:
        """The path or name of what the drive holds, whatever its type; None where it is empty."""
        return self.source or self.source_dev or self.source_dir or self.source_name or self.volume or self.socket


# -- what is kept as it was said ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFormat:
    """The format of an image; `metadata_cache`: bytes."""

    type: Annotated[DiskFormat | None, At("@type")] = None
    metadata_cache: Annotated[int | None, At("metadata_cache/max_size", SIZE_BYTES)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackingStore:
    """The image that another one stands on; one that says nothing is the end of the chain."""

    type: Annotated[DiskType | None, At("@type")] = None
    index: Annotated[int | None, At("@index")] = None
    format: Annotated[ImageFormat | None, At("format")] = None
    source: Annotated[Subtree | None, At("source", like=lambda: Disk, part="source")] = None
    backing: Annotated[Subtree | None, At("backingStore", like=lambda: BackingStore)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """The image that a running disk is copied to."""

    type: Annotated[DiskType | None, At("@type")] = None
    file: Annotated[str | None, At("@file")] = None
    file_format: Annotated[DiskFormat | None, At("@format")] = None
    job: Annotated[Literal["copy", "active-commit"] | None, At("@job")] = None
    ready: Annotated[Literal["yes", "abort", "pivot"] | None, At("@ready")] = None
    format: Annotated[ImageFormat | None, At("format")] = None
    source: Annotated[Subtree | None, At("source", like=lambda: Disk, part="source")] = None
    backing: Annotated[Subtree | None, At("backingStore", like=lambda: BackingStore)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservations:
    """Who keeps a SCSI disk's reservations: a program of the driver's (`managed`), or one that listens."""

    managed: Annotated[bool | None, At("@managed", YES_NO)] = None
    type: Annotated[Literal["unix"] | None, At("source/@type")] = None
    path: Annotated[str | None, At("source/@path")] = None
    mode: Annotated[Literal["client", "server"] | None, At("source/@mode")] = None
    reconnect: Annotated[bool | None, At("source/reconnect/@enabled", YES_NO)] = None
    reconnect_timeout: Annotated[int | None, At("source/reconnect/@timeout")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the host is to a server of NFS: names or numbers."""

    user: Annotated[str | None, At("@user")] = None
    group: Annotated[str | None, At("@group")] = None
