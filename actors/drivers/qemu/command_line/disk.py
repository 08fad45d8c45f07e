"""Disks and drives for cdroms and floppies: the -device in front of the nodes that `image` describes.

Limits on a disk's traffic, and trays that are open, the monitor sets before the guest runs (see `preparation`).
"""

from __future__ import annotations

from typing import Any

from .....wire.documents.domain import Disk, DiskDriver, IoTune
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias
from .image import cache_of, check_source, has_medium, node_descriptions, top_node
from .iothread import iothread_name
from .resources import DescriptorSet
from .syntax import json_option, key_values, on_off

WRITE_ERRORS = {"stop": "stop", "report": "report", "ignore": "ignore", "enospace": "enospc"}
READ_ERRORS = {"stop": "stop", "report": "report", "ignore": "ignore"}
# QEMU's devices by bus: for a hard disk and for a cdrom; None where there is no such thing.
DEVICES = {
    "ide": ("ide-hd", "ide-cd"),
    "sata": ("ide-hd", "ide-cd"),
    "scsi": ("scsi-hd", "scsi-cd"),
    "usb": ("usb-storage", "usb-storage"),
}
# What a bus's devices can be told, beyond what all can.
SERIAL_NUMBERS = ("virtio", "ide", "sata", "scsi", "usb")
GEOMETRIES = ("virtio", "ide", "sata", "scsi")
NAMES = {"wwn": ("ide", "sata", "scsi"), "vendor": ("scsi",), "product": ("scsi",)}
ROTATION_RATES = ("ide", "sata", "scsi")
REMOVABLE = ("usb", "scsi")
VIRTIO_ONLY = ("ioeventfd", "event_idx", "queues", "queue_size", "iothread")
# Where libvirt lets a transient disk's image be shared; here it may be shared anyway.
SHARING = ("virtio", "usb", "scsi")
VENDOR_LENGTH = 8
PRODUCT_LENGTH = 16
WWN_DIGITS = 16
_TRAFFIC = ("bytes_sec", "iops_sec")


def disks(board: Board) -> list[str]:
    """The arguments of all drives, behind the files that callers have opened for them."""
    sets = [word for name, each in board.resources.descriptor_sets.items() for word in _descriptor_set(name, each)]
    return sets + [word for disk in board.definition.devices.disks for word in _disk(board, disk)]


def _descriptor_set(name: str, files: DescriptorSet) -> list[str]:
    """One file to QEMU, which takes the descriptor of it whose mode it needs."""
    options = (key_values(set=files.number, fd=descriptor, opaque=name) for descriptor in files.descriptors)
    return [word for option in options for word in ("-add-fd", option)]


def _disk(board: Board, disk: Disk) -> list[str]:
    driver = disk.driver or DiskDriver()
    _check(disk, driver)
    nodes = [
        word
        for node in node_descriptions(disk, board.resources.descriptor_sets)
        for word in json_option("-blockdev", node)
    ]
    properties = {
        "share-rw": True if disk.shareable else None,
        "drive": top_node(disk),
        **(_floppy(disk) if disk.device == "floppy" else _errors(driver)),
        **({} if disk.device == "lun" else _drive(disk)),
        "rotation_rate": disk.rotation_rate,
    }
    if disk.bus == "virtio":
        return nodes + board.device(disk, board.virtio("blk", disk.model), **properties, **_virtio(board, disk, driver))
    _check_not_virtio(board, disk, driver)
    if disk.device == "floppy":
        return nodes + board.bare_device(label(disk), "floppy", **board.place(disk), id=alias(disk), **properties)
    return nodes + board.device(disk, _driver(disk), **properties, **_own(disk))


def _driver(disk: Disk) -> str:
    if disk.device == "lun":
        return "scsi-block"
    devices = DEVICES.get(disk.bus or "")
    if devices is None:
        raise UnsupportedConfig(f"{label(disk)}: bus {disk.bus}")
    hard_disk, cdrom = devices
    return cdrom if disk.device == "cdrom" else hard_disk


# --- properties


def _drive(disk: Disk) -> dict[str, Any]:
    """What an emulated drive tells of itself."""
    cache = cache_of(disk)
    _only(disk, "serial", disk.serial, SERIAL_NUMBERS)
    for name, buses in NAMES.items():
        _only(disk, name, getattr(disk, name), buses)
    return {
        "logical_block_size": disk.logical_block_size,
        "physical_block_size": disk.physical_block_size,
        "discard_granularity": disk.discard_granularity,
        "write-cache": on_off(cache.write_cache) if cache else None,
        "serial": disk.serial,
        "wwn": _wwn(disk),
        "vendor": _bounded(disk, "vendor", VENDOR_LENGTH),
        "product": _bounded(disk, "product", PRODUCT_LENGTH),
        **_geometry(disk),
    }


def _wwn(disk: Disk) -> int | None:
    if disk.wwn is None:
        return None
    try:
        number = int(disk.wwn, 16) if len(disk.wwn) == WWN_DIGITS and disk.wwn.isalnum() else None
    except ValueError:
        number = None
    if number is None:
        raise UnsupportedConfig(f"{label(disk)}: wwn {disk.wwn!r}", hint=f"{WWN_DIGITS} hexadecimal digits")
    return number


def _bounded(disk: Disk, name: str, length: int) -> str | None:
    value: str | None = getattr(disk, name)
    if value is not None and not (value.isascii() and value.isprintable() and len(value) <= length):
        raise UnsupportedConfig(f"{label(disk)}: {name} {value!r}", hint=f"at most {length} printable characters")
    return value


def _geometry(disk: Disk) -> dict[str, Any]:
    numbers = {"cyls": disk.cylinders, "heads": disk.heads, "secs": disk.sectors}
    said = [value for value in numbers.values() if value is not None]
    if said and (len(said) < len(numbers) or not all(said)):
        raise UnsupportedConfig(f"{label(disk)}: a geometry has cyls, heads and secs")
    _only(disk, "geometry", said or None, GEOMETRIES)
    if disk.translation not in (None, "default"):
        _only(disk, "geometry translation", disk.translation, ("ide",))
        if not said or disk.device != "disk":
            raise UnsupportedConfig(f"{label(disk)}: a translation without a geometry")
        return {**numbers, "bios-chs-trans": disk.translation}
    return numbers


def _only(disk: Disk, name: str, value: Any, buses: tuple[str, ...]) -> None:
    if value is not None and disk.bus not in buses:
        raise UnsupportedConfig(f"{label(disk)}: {name} on bus {disk.bus}")


def _errors(driver: DiskDriver) -> dict[str, Any]:
    if driver.read_error_policy == "enospace":
        raise UnsupportedConfig("disk: rerror_policy 'enospace': there is always room to read")
    return {
        "werror": WRITE_ERRORS.get(driver.error_policy or "default"),
        "rerror": READ_ERRORS.get(driver.read_error_policy or "default"),
    }


def _floppy(disk: Disk) -> dict[str, Any]:
    """A floppy drive reports errors, whatever happens."""
    if disk.removable is not None:
        raise UnsupportedConfig(f"{label(disk)}: removable on bus fdc")
    if disk.driver is not None and {disk.driver.error_policy, disk.driver.read_error_policy} - {None, "default"}:
        raise UnsupportedConfig(f"{label(disk)}: error policies of a floppy")
    return {}


def _own(disk: Disk) -> dict[str, Any]:
    """What only some buses have."""
    own: dict[str, Any] = {}
    if disk.bus == "scsi" and disk.device != "lun":
        # Guests find a disk again by what it says of itself.
        own["device_id"] = disk.serial or f"drive-{alias(disk)}"
    if disk.bus == "usb":
        own["removable"] = bool(disk.removable)
    elif disk.removable is not None:
        if disk.bus not in REMOVABLE or disk.device != "disk":
            raise UnsupportedConfig(f"{label(disk)}: removable on bus {disk.bus}")
        own["removable"] = disk.removable
    return own


def _virtio(board: Board, disk: Disk, driver: DiskDriver) -> dict[str, Any]:
    if disk.removable is not None:
        raise UnsupportedConfig(f"{label(disk)}: removable on bus virtio")
    return {
        **board.virtio_options(driver),
        "iothread": iothread_name(board, label(disk), driver.iothread),
        "ioeventfd": driver.ioeventfd,
        "event_idx": driver.event_idx,
        "num-queues": driver.queues,
        "queue-size": driver.queue_size,
    }


def _check_not_virtio(board: Board, disk: Disk, driver: DiskDriver) -> None:
    name = label(disk)
    if disk.model is not None:
        raise UnsupportedConfig(f"{name}: model {disk.model!r} on bus {disk.bus}")
    board.refuse_virtio_options(name, driver)
    for field in VIRTIO_ONLY:
        if getattr(driver, field) is not None:
            raise UnsupportedConfig(f"{name}: {field} on bus {disk.bus}")


# --- limits


def backend_of(disk: Disk) -> str:
    """What the monitor calls the device that has a drive's nodes, which not on every bus is the device itself."""
    name = alias(disk)
    if disk.bus == "virtio":
        return f"/machine/peripheral/{name}/virtio-backend"
    return f"/machine/peripheral/{name}/{name}.0/legacy[0]" if disk.bus == "usb" else name


def throttle(disk: Disk) -> dict[str, Any] | None:
    """The arguments of `block_set_io_throttle` for a disk; None where there is no limit. Raises UnsupportedConfig."""
    tune = disk.iotune
    if tune is None or tune == IoTune():
        return None
    _check_limits(disk, tune)
    limits: dict[str, Any] = {"id": backend_of(disk)}
    for unit, names in (("bytes_sec", ("bps", "bps_rd", "bps_wr")), ("iops_sec", ("iops", "iops_rd", "iops_wr"))):
        for direction, name in zip(("total", "read", "write"), names, strict=True):
            limits[name] = getattr(tune, f"{direction}_{unit}") or 0
            limits[f"{name}_max"] = getattr(tune, f"{direction}_{unit}_max")
            limits[f"{name}_max_length"] = getattr(tune, f"{direction}_{unit}_max_length")
    limits["iops_size"] = tune.size_iops_sec
    limits["group"] = tune.group_name
    return {name: value for name, value in limits.items() if value is not None}


def _check_limits(disk: Disk, tune: IoTune) -> None:
    """Refuse what QEMU would refuse, in the document's words."""
    name = label(disk)
    if not has_medium(disk):
        raise UnsupportedConfig(f"{name}: limits on an empty drive")
    for unit in _TRAFFIC:
        for suffix in ("", "_max"):
            total = getattr(tune, f"total_{unit}{suffix}")
            if total and (getattr(tune, f"read_{unit}{suffix}") or getattr(tune, f"write_{unit}{suffix}")):
                raise UnsupportedConfig(f"{name}: total and read/write {unit}{suffix} cannot be set at the same time")
        for direction in ("total", "read", "write"):
            limit, burst, length = (getattr(tune, f"{direction}_{unit}{end}") for end in ("", "_max", "_max_length"))
            if (burst and not limit) or (length and not burst) or (burst and limit and burst < limit):
                raise UnsupportedConfig(
                    f"{name}: {direction}_{unit}_max and its length go beyond {direction}_{unit}, which must be there"
                )


# --- checks


def _check(disk: Disk, driver: DiskDriver) -> None:
    """Refuse what QEMU refuses or would silently do otherwise."""
    name = label(disk)
    check_source(disk)
    if disk.fd_group is not None and disk.source is None:
        raise UnsupportedConfig(f"{name}: a group of files without their name")
    if disk.fd_group is not None and disk.transient is not None:
        raise UnsupportedConfig(f"{name}: transient, of a group of files")
    if (disk.device == "floppy") != (disk.bus == "fdc"):
        raise UnsupportedConfig(f"{name}: a {disk.device} on bus {disk.bus}")
    if disk.device == "cdrom" and disk.bus == "virtio":
        raise UnsupportedConfig(f"{name}: a cdrom on bus virtio", hint="sata, scsi or ide")
    if disk.bus in ("ide", "sata") and disk.device == "disk" and disk.readonly:
        raise UnsupportedConfig(f"{name}: readonly {disk.bus} disks are not supported")
    if disk.device in ("disk", "lun") and not has_medium(disk):
        raise UnsupportedConfig(f"{name}: a disk without a source")
    if driver.io == "native" and driver.cache not in ("none", "directsync"):
        raise UnsupportedConfig(
            f"{name}: native I/O needs either no disk cache or directsync cache mode",
            hint="QEMU would use threads instead",
        )
    if driver.copy_on_read and (disk.readonly or not has_medium(disk)):
        raise UnsupportedConfig(f"{name}: copy_on_read with a readonly disk")
    if disk.tray is not None and disk.device not in ("cdrom", "floppy"):
        raise UnsupportedConfig(f"{name}: tray is only valid for cdrom and floppy")
    if disk.startup_policy == "requisite" and disk.device not in ("cdrom", "floppy"):
        raise UnsupportedConfig(f"{name}: startupPolicy 'requisite' is allowed only for cdrom or floppy")
    if disk.rotation_rate is not None and (disk.bus not in ROTATION_RATES or disk.device == "cdrom"):
        raise UnsupportedConfig(f"{name}: rotation rate of a {disk.device} on bus {disk.bus}")
    if disk.device == "lun":
        _check_lun(disk)
    if disk.transient is not None:
        _check_transient(disk)
    throttle(disk)


def _check_transient(disk: Disk) -> None:
    """What an overlay can be put over, and what it cannot be put under."""
    if disk.type != "file":
        raise UnsupportedConfig(f"transient disk supported only with 'file' type ({disk.target})")
    if disk.device != "disk":
        raise UnsupportedConfig(f"transient disk supported only with 'disk' device ({disk.target})")
    if disk.readonly:
        raise UnsupportedConfig(f"transient disk '{disk.target}' must not be read-only")
    if disk.slices:
        raise UnsupportedConfig(f"transient disk '{disk.target}' is the whole image, expected no slices")
    if disk.transient is not None and disk.transient.share_backing and disk.bus not in SHARING:
        raise UnsupportedConfig(f"disk bus '{disk.bus}' doesn't support transient disk backing image sharing")


def _check_lun(disk: Disk) -> None:
    """A device of the host's answers for itself: nothing can be said in its place."""
    if disk.bus != "scsi" or disk.type != "block":
        raise UnsupportedConfig(f"{label(disk)}: a lun is a block device on bus scsi")
    for field in (
        *("serial", "wwn", "vendor", "product", "cylinders", "heads", "sectors", "logical_block_size"),
        *("physical_block_size", "discard_granularity", "translation", "removable"),
    ):
        if getattr(disk, field) is not None:
            raise UnsupportedConfig(f"{label(disk)}: {field.replace('_', ' ')} of a lun")
