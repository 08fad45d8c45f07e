"""Where USB devices are plugged in: ports of controllers and of hubs.

As libvirt does it: places that are given are kept; when there are more devices than ports a hub (or more) is added at
a controller's first free port; then devices get the first free ports in the order of their kinds, a hub's after those
of its controller.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....wire.documents.domain import Controller, Device, Devices, Hub, Sound, UsbAddress
from ....wire.documents.replacing import replace
from ....wire.errors import UnsupportedConfig, XMLError
from .labels import label

# Ports of a USB controller by model, where the definition does not say.
USB_PORTS = {
    "piix3-uhci": 2,
    "piix4-uhci": 2,
    "vt82c686b-uhci": 2,
    "pci-ohci": 3,
    "ehci": 6,
    "ich9-ehci1": 6,
    "nec-xhci": 4,
    "qemu-xhci": 4,
}
USB_COMPANIONS = ("ich9-uhci1", "ich9-uhci2", "ich9-uhci3")
HUB_PORTS = 8
# A path of ports through hubs, the controller's first.
Path = tuple[int, ...]
MAX_DEPTH = 5

# The families with USB devices, in the order in which they are served.
_FAMILIES = ("hubs", "disks", "controllers", "inputs", "serials", "sounds", "redirdevs")


def is_usb(device: Device) -> bool:
    """Whether a device hangs on USB."""
    if isinstance(device, Controller):
        return device.type == "ccid"
    if isinstance(device, Sound):
        return device.model == "usb"
    return isinstance(device, Hub) or getattr(device, "bus", None) == "usb" or _target_type(device) == "usb-serial"


def _target_type(device: Device) -> str | None:
    return getattr(device, "target_type", None)


def with_usb_ports(devices: Devices) -> Devices:
    """The devices with a port for everything on USB, and the hubs that these need.

    Raises XMLError for ports that do not exist or are taken twice, UnsupportedConfig where there is no USB at all.
    """
    plugged = [each for family in _FAMILIES for each in getattr(devices, family) if is_usb(each)]
    if not plugged:
        return devices
    ports = _Ports(_sizes(devices))
    for device in plugged:
        if isinstance(device, Hub) and _port(device):
            ports.claim(device)
    for device in plugged:
        if not isinstance(device, Hub) and _port(device):
            ports.claim(device)
    devices = replace(devices, hubs=(*devices.hubs, *_extra_hubs(ports, len(plugged))))
    for family in _FAMILIES:
        placed = tuple(ports.placed(each) if is_usb(each) else each for each in getattr(devices, family))
        devices = replace(devices, **{family: placed})
    return devices


def _extra_hubs(ports: _Ports, devices: int) -> list[Hub]:
    """As many as it takes for all devices to have a port; a hub takes one itself."""
    missing = devices - ports.count
    return [Hub(type="usb")] * -(-(missing + 1) // (HUB_PORTS - 1)) if missing > 0 else []


def _port(device: Device) -> str | None:
    return device.address.port if isinstance(device.address, UsbAddress) else None


def _sizes(devices: Devices) -> dict[int, int]:
    """The number of ports of each USB controller, by index."""
    sizes = {}
    for controller in devices.controllers:
        if controller.type == "usb" and controller.model in USB_PORTS:
            sizes[controller.index or 0] = controller.ports or USB_PORTS[controller.model]
    if not sizes:
        raise UnsupportedConfig("USB is disabled for this domain, but USB devices are present")
    return sizes


class _Ports:
    """The ports of all controllers and hubs, and who has them."""

    def __init__(self, sizes: dict[int, int]) -> None:
        # The places that have ports, by controller, in the order in which they are filled: themselves, then hubs.
        self._sizes: dict[int, dict[Path, int]] = {bus: {(): size} for bus, size in sorted(sizes.items())}
        self._used: dict[tuple[int, Path], str] = {}

    @property
    def count(self) -> int:
        """All ports, whoever has them."""
        return sum(sum(places.values()) for places in self._sizes.values())

    def claim(self, device: Any) -> None:
        """Take the port that a device says."""
        address: UsbAddress = device.address
        name = label(device)
        path = self._path(name, address)
        self._check(name, address.bus, path)
        if (address.bus, path) in self._used:
            raise XMLError(
                f"{self._used[address.bus, path]} and {name} have the same USB port {address.port} of bus {address.bus}"
            )
        self._take(device, address.bus, path)

    def placed(self, device: Any) -> Any:
        """The device with the first free port of the bus that it says, or of any."""
        address = device.address
        if isinstance(address, UsbAddress) and address.port:
            return device
        buses = [address.bus] if isinstance(address, UsbAddress) else list(self._sizes)
        for bus in buses:
            if bus not in self._sizes:
                raise XMLError(f"{label(device)}: there is no USB controller {bus}")
            path = next(self._free(bus), None)
            if path is not None:
                self._take(device, bus, path)
                return replace(device, address=UsbAddress(bus=bus, port=".".join(map(str, path))))
        raise XMLError(f"no USB port is free for {label(device)}")

    def _path(self, name: str, address: UsbAddress) -> Path:
        words = (address.port or "").split(".")
        if not all(word.isascii() and word.isdecimal() and word[0] != "0" for word in words) or len(words) > MAX_DEPTH:
            raise XMLError(f"{name}: USB controller {address.bus} has no port {address.port!r}")
        return tuple(map(int, words))

    def _check(self, name: str, bus: int, path: Path) -> None:
        if bus not in self._sizes:
            raise XMLError(f"{name}: there is no USB controller {bus}")
        if path[-1] > self._sizes[bus].get(path[:-1], 0):
            raise XMLError(f"{name}: USB controller {bus} has no port {'.'.join(map(str, path))!r}")

    def _free(self, bus: int) -> Iterator[Path]:
        for place, size in self._sizes[bus].items():
            paths = ((*place, port) for port in range(1, size + 1))
            yield from (path for path in paths if (bus, path) not in self._used)

    def _take(self, device: Device, bus: int, path: Path) -> None:
        self._used[bus, path] = label(device)
        if isinstance(device, Hub):
            self._sizes[bus][path] = HUB_PORTS
