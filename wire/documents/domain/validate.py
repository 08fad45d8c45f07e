"""What makes a domain's definition impossible whatever the driver: values that do not fit together.

The reader has checked each value for itself; here are the rules that span several. One function per rule; `RULES` is
the list. A rule raises `Misfit`, which says at which element; what callers get is an XMLError, or UnsupportedConfig
where libvirt raises that for the same mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...enums.error import ErrorDomain, ErrorNumber
from ...errors import UnsupportedConfig, VirtError, XMLError
from ..reader import parse_any, path_of
from .definition import DomainDefinition
from .devices import CharacterDevice, Devices

VNC_PORTS = range(5900, 65536)
VNC_PASSWORD_LENGTH = 8
MAX_PCI_INDEX = 255


class Misfit(Exception):
    """Values that do not fit together: what is wrong, and the path below `<domain>` of the element to change."""

    def __init__(self, place: str, detail: str, kind: type[VirtError] = XMLError, code: int | None = None) -> None:
        super().__init__(detail)
        self.place = place
        self.detail = detail
        self.kind = kind
        self.code = code

    def error(self, text: str | None) -> VirtError:
        """What a caller is told; with the line in the document, where it is at hand."""
        if text is None:
            return self._told(self.detail, None)
        domain = parse_any(text)
        found = domain.find(self.place)
        element = domain if found is None else found
        return self._told(f"line {element.sourceline}: {path_of(element)}: {self.detail}", element.sourceline)

    def _told(self, detail: str, line: int | None) -> VirtError:
        error = self.kind(detail, domain=ErrorDomain.DOMAIN, line=line)
        # Codes that libvirt has for a mistake keep the words of its kind.
        error.code = error.code if self.code is None else self.code
        return error


def validate(definition: DomainDefinition, text: str | None = None) -> None:
    """Raise XMLError or UnsupportedConfig if the values of a definition do not fit together.

    With the `text` of its document the error tells the line and the element.
    """
    try:
        for rule in RULES:
            rule(definition)
    except Misfit as misfit:
        raise misfit.error(text) from None


def _repeated(values: Iterable[Any]) -> int | None:
    """The index of the first value that came before."""
    values = list(values)
    if len(set(values)) == len(values):
        return None
    return next(index for index, value in enumerate(values) if value in values[:index])


def _place(devices: Devices, device: object) -> str:
    """The path of one of the devices."""
    for family, tag in Devices.families().items():
        members = getattr(devices, family)
        for index, member in enumerate(members if isinstance(members, tuple) else (members,), 1):
            if member is device:
                return f"devices/{tag}[{index}]"
    return "devices"


def _memory(definition: DomainDefinition) -> None:
    if definition.memory == 0:
        raise Misfit("memory", "memory is 0, expected at least 1 KiB")


def _title(definition: DomainDefinition) -> None:
    if definition.title is not None and "\n" in definition.title:
        raise Misfit("title", "Domain title can't contain newlines")


def _vcpus(definition: DomainDefinition) -> None:
    maximum = 1 if definition.vcpus is None else definition.vcpus
    current = maximum if definition.current_vcpus is None else definition.current_vcpus
    if maximum == 0 or current == 0:
        raise Misfit("vcpu", "the number of vcpus is 0, expected at least 1")
    if current > maximum:
        raise Misfit(
            "vcpu",
            f"maximum vCPU count must not be less than current vCPU count ({maximum} < {current})",
            UnsupportedConfig,
        )


def _topology(definition: DomainDefinition) -> None:
    topology = definition.cpu.topology if definition.cpu else None
    if topology is None:
        return
    product = topology.sockets * (1 if topology.dies is None else topology.dies) * topology.cores * topology.threads
    if product != (definition.vcpus or 1):
        maximum = definition.vcpus or 1
        raise Misfit(
            "cpu/topology",
            f"CPU topology makes {product} vcpus, expected {maximum}, the maximum vcpu count",
            UnsupportedConfig,
        )


def _direct_kernel(definition: DomainDefinition) -> None:
    if definition.os.kernel is None and (definition.os.initrd is not None or definition.os.cmdline is not None):
        place = "os/cmdline" if definition.os.initrd is None else "os/initrd"
        raise Misfit(place, "initrd and cmdline are for a kernel, expected element 'kernel' in <os>")


def _boot_order(definition: DomainDefinition) -> None:
    ordered = [device for device in definition.devices if device.boot_order is not None]
    if not ordered:
        return
    orders = [device.boot_order for device in ordered]
    if definition.os.boot:
        text = "per-device boot elements cannot be used together with os/boot elements, expected one kind of them"
        raise Misfit(f"{_place(definition.devices, ordered[0])}/boot", text, UnsupportedConfig)
    if 0 in orders:
        place = _place(definition.devices, ordered[orders.index(0)])
        raise Misfit(f"{place}/boot", "boot order is 0, expected at least 1")
    if (again := _repeated(orders)) is not None:
        text = f"boot order {orders[again]} is used for more than one device, expected one of its own"
        raise Misfit(f"{_place(definition.devices, ordered[again])}/boot", text)


def _clock(definition: DomainDefinition) -> None:
    clock = definition.clock
    if clock is None:
        return
    if (clock.offset == "timezone") != (clock.timezone is not None):
        text = "the attribute timezone and offset 'timezone' go together, expected both or none"
        raise Misfit("clock", f"clock: {text}")
    adjusted = clock.adjustment is not None and clock.offset not in ("variable", "utc", "localtime")
    if adjusted or (clock.basis is not None and clock.offset != "variable"):
        text = f"clock: adjustment and basis with offset {clock.offset!r}, expected offset 'variable'"
        raise Misfit("clock", text, UnsupportedConfig)
    names = [timer.name for timer in clock.timers]
    if (again := _repeated(names)) is not None:
        name = names[again]
        text = f"clock: timer {name!r} is given {names.count(name)} times, expected once"
        raise Misfit(f"clock/timer[{again + 1}]", text)


def _disks(definition: DomainDefinition) -> None:
    disks = definition.devices.disks
    if (again := _repeated(disk.target for disk in disks)) is not None:
        text = f"target '{disks[again].target}' duplicated for disks, expected one that no other disk has"
        raise Misfit(f"devices/disk[{again + 1}]/target", text)
    for index, disk in enumerate(disks, 1):
        if (
            disk.path is None
            and disk.protocol is None
            and disk.nvme_address is None
            and disk.device not in ("cdrom", "floppy")
        ):
            text = f"missing source information for device {disk.target}, expected element 'source'"
            raise Misfit(f"devices/disk[{index}]", text, code=ErrorNumber.NO_SOURCE)


def _controllers(definition: DomainDefinition) -> None:
    seen: dict[tuple[str, int], str | None] = {}
    for number, controller in enumerate(definition.devices.controllers, 1):
        if controller.index is None:
            continue
        place = f"devices/controller[{number}]"
        if controller.type == "pci" and controller.index > MAX_PCI_INDEX:
            text = f"controller pci {controller.index}: index is more than {MAX_PCI_INDEX}, expected at most that"
            raise Misfit(place, text)
        key = (controller.type, controller.index)
        if key in seen and not _are_companions(seen[key], controller.model):
            text = f"Multiple '{controller.type}' controllers with index '{controller.index}', expected one"
            raise Misfit(place, text)
        seen[key] = controller.model


def _are_companions(first: str | None, second: str | None) -> bool:
    """A USB 2 controller and its companions for older devices are one controller of several devices."""
    return first is not None and second is not None and first.startswith("ich9-") and second.startswith("ich9-")


def _character_devices(definition: DomainDefinition) -> None:
    devices = definition.devices
    lists: tuple[tuple[str, tuple[CharacterDevice, ...]], ...] = (
        ("serial", devices.serials),
        ("console", devices.consoles),
        ("channel", devices.channels),
    )
    for kind, members in lists:
        for index, device in enumerate(members):
            if device.source_path is None and (device.type == "file" or (device.type == "unix" and kind == "serial")):
                text = f"{kind} {index} of type {device.type!r} has no path, expected <source path='…'/>"
                raise Misfit(f"devices/{kind}[{index + 1}]", text)
    ports = [(index, serial.target_port) for index, serial in enumerate(devices.serials, 1)]
    told = [(index, port) for index, port in ports if port is not None]
    if (again := _repeated(port for _, port in told)) is not None:
        index, port = told[again]
        text = f"target port {port} is used for more than one serial, expected one of its own"
        raise Misfit(f"devices/serial[{index}]/target", text)
    for index, console in enumerate(devices.consoles):
        if index > 0 and console.target_type in (None, "serial"):
            text = "Only the first console can be a serial port, expected a target of another type"
            raise Misfit(f"devices/console[{index + 1}]", text, UnsupportedConfig)


def _graphics(definition: DomainDefinition) -> None:
    for index, graphics in enumerate(definition.devices.graphics, 1):
        if graphics.type != "vnc":
            continue
        place = f"devices/graphics[{index}]"
        if graphics.password is not None and len(graphics.password) > VNC_PASSWORD_LENGTH:
            text = f"VNC password is {len(graphics.password)} characters long, only {VNC_PASSWORD_LENGTH} permitted"
            raise Misfit(place, text, UnsupportedConfig)
        if graphics.port not in (None, -1) and not graphics.autoport and graphics.port not in VNC_PORTS:
            text = f"vnc port {graphics.port} is not in range {VNC_PORTS.start}-{VNC_PORTS.stop - 1}"
            raise Misfit(place, text)
        if graphics.listens and graphics.listen not in (None, graphics.listens[0].address):
            text = (
                f"graphics 'listen' attribute '{graphics.listen}' must match the first listen element, expected "
                f"{graphics.listens[0].address!r}"
            )
            raise Misfit(place, text)
        if len(graphics.listens) > 1:
            text = "more than one listen element of graphics vnc, expected one"
            raise Misfit(f"{place}/listen[2]", text, UnsupportedConfig)


def _interfaces(definition: DomainDefinition) -> None:
    for index, card in enumerate(definition.devices.interfaces, 1):
        if (card.type == "network" and card.network is None) or (card.type == "bridge" and card.bridge is None):
            text = f"interface type='{card.type}' requires a 'source' element, expected <source {card.type}='…'/>"
            raise Misfit(f"devices/interface[{index}]", text)


def _inputs(definition: DomainDefinition) -> None:
    for index, device in enumerate(definition.devices.inputs, 1):
        if device.type == "tablet" and device.bus == "ps2":
            text = "ps2 bus does not support tablet input device, expected bus 'usb' or 'virtio'"
            raise Misfit(f"devices/input[{index}]", text, UnsupportedConfig)


def _videos(definition: DomainDefinition) -> None:
    videos = definition.devices.videos
    for index, video in enumerate(videos, 1):
        if video.model == "none" and len(videos) > 1:
            text = "a 'none' video type must be the only video device defined for the domain, expected no other <video>"
            raise Misfit(f"devices/video[{index}]", text, UnsupportedConfig)
    primary = [index for index, video in enumerate(videos, 1) if video.primary]
    if len(primary) > 1:
        text = "Only one primary video device is supported, expected primary='yes' once"
        raise Misfit(f"devices/video[{primary[1]}]/model", text)


def _aliases(definition: DomainDefinition) -> None:
    devices = definition.devices
    # A console on the serial port is that port once more.
    mirrored = [console for console in devices.consoles[:1] if console.target_type in (None, "serial")]
    named = [device for device in devices if device.alias and device not in mirrored]
    if (again := _repeated(device.alias for device in named)) is not None:
        text = f"non unique alias detected: {named[again].alias}, expected one that no other device has"
        raise Misfit(f"{_place(devices, named[again])}/alias", text)


RULES: tuple[Callable[[DomainDefinition], None], ...] = (
    _title,
    _memory,
    _vcpus,
    _topology,
    _direct_kernel,
    _boot_order,
    _clock,
    _disks,
    _controllers,
    _character_devices,
    _graphics,
    _interfaces,
    _inputs,
    _videos,
    _aliases,
)
