"""What boots, and how: libvirt's `<os>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...enums.error import ErrorNumber
from ..binding import At, Subtree
from ..values import SIGNED, YES_NO
from .devices.disk import Disk

BootDevice = Literal["hd", "cdrom", "network", "fd"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """A firmware image given by its path: a ROM, or (UEFI) a flash image; None as type is a ROM."""

    readonly: Annotated[bool | None, At("@readonly", YES_NO)] = None
    secure: Annotated[bool | None, At("@secure", YES_NO)] = None
    type: Annotated[Literal["rom", "pflash", "none"] | None, At("@type")] = None
    stateless: Annotated[bool | None, At("@stateless", YES_NO)] = None
    path: Annotated[str | None, At(".")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nvram:
    """Where UEFI keeps its variables, and what they begin with. Elsewhere than in a file of the host's (`type`) they
    have a `source` like a disk's, which is kept as it was said."""

    template: Annotated[str | None, At("@template")] = None
    type: Annotated[Literal["file", "block", "dir", "network", "volume", "nvme", "vhostuser"] | None, At("@type")] = (
        None
    )
    source: Annotated[Subtree | None, At("source", like=lambda: Disk, part="source")] = None
    path: Annotated[str | None, At(".")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareFeature:
    """What a firmware that is chosen automatically must have or must not have."""

    enabled: Annotated[bool, At("@enabled", YES_NO)]
    name: Annotated[Literal["enrolled-keys", "secure-boot"], At("@name")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcpiTable:
    """A table added to the machine's ACPI, by its path."""

    type: Annotated[Literal["slic", "rawset"], At("@type")]
    path: Annotated[str, At(".")]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentVariable:
    """What a container's init finds in its environment."""

    name: Annotated[str, At("@name")]
    value: Annotated[str | None, At(".")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingSystem:
    """Machine, architecture, firmware and boot order. `boot` is the order of device kinds; a device's own
    boot_order excludes it. `kernel`, `initrd` and `cmdline` boot a kernel directly, `init…` is for containers;
    `bootmenu_timeout` and `reboot_timeout` are ms."""

    firmware: Annotated[Literal["bios", "efi"] | None, At("@firmware")] = None
    arch: Annotated[str | None, At("type/@arch")] = None
    machine: Annotated[str | None, At("type/@machine")] = None
    type: Annotated[
        Literal["hvm", "xen", "linux", "xenpvh", "exe", "uml"], At("type", code=ErrorNumber.CONFIG_UNSUPPORTED)
    ]
    firmware_features: Annotated[tuple[FirmwareFeature, ...], At("firmware/feature")] = ()
    init: Annotated[str | None, At("init")] = None
    init_arguments: Annotated[tuple[str, ...], At("initarg")] = ()
    init_environment: Annotated[tuple[EnvironmentVariable, ...], At("initenv")] = ()
    init_directory: Annotated[str | None, At("initdir")] = None
    init_user: Annotated[str | None, At("inituser")] = None
    init_group: Annotated[str | None, At("initgroup")] = None
    loader: Annotated[Loader | None, At("loader")] = None
    nvram: Annotated[Nvram | None, At("nvram")] = None
    kernel: Annotated[str | None, At("kernel")] = None
    initrd: Annotated[str | None, At("initrd")] = None
    cmdline: Annotated[str | None, At("cmdline")] = None
    dtb: Annotated[str | None, At("dtb")] = None
    root: Annotated[str | None, At("root")] = None
    acpi_tables: Annotated[tuple[AcpiTable, ...], At("acpi/table")] = ()
    boot: Annotated[tuple[BootDevice, ...], At("boot/@dev")] = ()
    bootmenu: Annotated[bool | None, At("bootmenu/@enable", YES_NO)] = None
    bootmenu_timeout: Annotated[int | None, At("bootmenu/@timeout")] = None
    bios_useserial: Annotated[bool | None, At("bios/@useserial", YES_NO)] = None
    reboot_timeout: Annotated[int | None, At("bios/@rebootTimeout", SIGNED)] = None
    smbios: Annotated[Literal["emulate", "host", "sysinfo"] | None, At("smbios/@mode")] = None
