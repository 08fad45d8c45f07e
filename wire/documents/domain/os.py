"""What boots, and how: libvirt's `<os>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ..binding import At
from ..values import YES_NO

BootDevice = Literal["hd", "cdrom", "network"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """A firmware image given by its path, as a ROM. Flash images (UEFI) are refused."""

    readonly: Annotated[bool | None, At("@readonly", YES_NO)] = None
    type: Annotated[Literal["rom"] | None, At("@type", known=("pflash",))] = None
    path: Annotated[str | None, At(".")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingSystem:
    """Machine, architecture, firmware and boot order. `boot` is the order of device kinds; a device's own
    boot_order excludes it. `kernel`, `initrd` and `cmdline` boot a kernel directly."""

    firmware: Annotated[Literal["bios"] | None, At("@firmware", known=("efi",))] = None
    arch: Annotated[str | None, At("type/@arch")] = None
    machine: Annotated[str | None, At("type/@machine")] = None
    type: Annotated[Literal["hvm"], At("type", known=("xen", "linux", "xenpvh", "exe", "uml"))]
    loader: Annotated[Loader | None, At("loader")] = None
    kernel: Annotated[str | None, At("kernel")] = None
    initrd: Annotated[str | None, At("initrd")] = None
    cmdline: Annotated[str | None, At("cmdline")] = None
    boot: Annotated[tuple[BootDevice, ...], At("boot/@dev", known=("fd",))] = ()
    bootmenu: Annotated[bool | None, At("bootmenu/@enable", YES_NO)] = None
    bootmenu_timeout: Annotated[int | None, At("bootmenu/@timeout")] = None
