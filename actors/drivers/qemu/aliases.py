"""The names that a running guest's devices have, in its live document and as ids in QEMU: "net0", "virtio-disk0".

libvirt's names, since tools (and `qemu-monitor-command` users) rely on them. A name that is there is kept, a user's
own ("ua-…") too; the others are made from what does not move: a disk's target, a controller's index, a position.
"""

from __future__ import annotations

from collections.abc import Iterable

from ....wire.documents.domain import (
    Channel,
    Console,
    Controller,
    Crypto,
    Device,
    DimmAddress,
    Disk,
    DomainDefinition,
    DriveAddress,
    Filesystem,
    HostDevice,
    Hub,
    Input,
    Interface,
    Iommu,
    Memballoon,
    MemoryDevice,
    NvramDevice,
    Panic,
    Parallel,
    RedirectedDevice,
    Rng,
    Serial,
    SharedMemory,
    Smartcard,
    Sound,
    Tpm,
    Video,
    Vsock,
    Watchdog,
    mirror_console,
)
from ....wire.documents.replacing import replace
from .drives import target_index
from .machine import MachineFamily, family_of

# The chip whose disks are not called by their target.
NARROW_CHIP = "lsilogic"
# The device families that are numbered as they come.
PREFIXES: dict[type[Device], str] = {
    Interface: "net",
    Filesystem: "fs",
    Smartcard: "smartcard",
    Serial: "serial",
    Parallel: "parallel",
    Channel: "channel",
    Input: "input",
    Video: "video",
    Rng: "rng",
    Memballoon: "balloon",
    Tpm: "tpm",
    Sound: "sound",
    HostDevice: "hostdev",
    RedirectedDevice: "redir",
    Hub: "hub",
    Watchdog: "watchdog",
    NvramDevice: "nvram",
    Panic: "panic",
    SharedMemory: "shmem",
    Iommu: "iommu",
    Vsock: "vsock",
    Crypto: "crypto",
}


def assign_aliases(definition: DomainDefinition) -> DomainDefinition:
    """The live definition with an alias for every device, addresses assigned before.

    The companions of a USB 2 controller share its alias, and a console on the serial port has the port's, as in
    libvirt: neither is a device of its own.
    """
    names = _Names(definition.devices, family_of(definition.os.machine or "pc"))
    return mirror_console(replace(definition, devices=definition.devices.mapped(names.named)))


class _Names:
    """The aliases that are taken so far."""

    def __init__(self, devices: Iterable[Device], family: MachineFamily) -> None:
        self._family = family
        controllers = (each for each in devices if isinstance(each, Controller))
        self._chips = {each.index or 0: each.model for each in controllers if each.type == "scsi"}
        # Consoles seen: one of virtio counts the one that mirrors the serial port.
        self._consoles = 0
        self._taken = {device.alias for device in devices if device.alias}

    def named(self, device: Device) -> Device:
        self._consoles += isinstance(device, Console)
        if device.alias:
            return device
        if isinstance(device, Console) and device.target_type == "serial":
            return device
        alias = self._name(device)
        self._taken.add(alias)
        return replace(device, alias=alias)

    def _name(self, device: Device) -> str:
        if isinstance(device, Controller):
            return self._controller(device)
        if isinstance(device, Console):
            return self._numbered("console", self._consoles - 1)
        if isinstance(device, Disk):
            return self._disk(device)
        if isinstance(device, MemoryDevice):
            slot = device.address.slot if isinstance(device.address, DimmAddress) else None
            return self._numbered(device.model.replace("-", ""), slot or 0)
        return self._numbered(PREFIXES[type(device)], 0)

    def _disk(self, disk: Disk) -> str:
        address = disk.address
        if not isinstance(address, DriveAddress):
            return self._numbered(f"{disk.bus}-disk", target_index(disk.target) or 0)
        place = (address.controller, address.bus, address.unit)
        if disk.bus == "scsi" and self._chips.get(address.controller) != NARROW_CHIP:
            place = (address.controller, address.bus, address.target, address.unit)
        return f"{disk.bus}{'-'.join(map(str, place))}"

    def _controller(self, controller: Controller) -> str:
        kind, index = controller.type, controller.index or 0
        if kind == "pci":
            return f"{'pcie' if controller.model == 'pcie-root' else 'pci'}.{index}"
        if kind == "usb":
            return "usb" if index == 0 else f"usb{index}"
        # The disk controller of the machine itself has one name on all machines.
        return "ide" if (kind, index) in self._family.places else f"{kind}{index}"

    def _numbered(self, prefix: str, number: int) -> str:
        while f"{prefix}{number}" in self._taken:
            number += 1
        return f"{prefix}{number}"
