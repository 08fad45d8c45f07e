"""What makes a domain's definition impossible whatever the driver: values that do not fit together.

The reader has checked each value for itself; here are the rules that span several. One function per rule; `RULES` is
the list. Rules raise XMLError, or UnsupportedConfig where libvirt does for the same mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...enums.error import ErrorNumber
from ...errors import UnsupportedConfig, XMLError
from .definition import DomainDefinition
from .devices import CharacterDevice

VNC_PORTS = range(5900, 65536)
VNC_PASSWORD_LENGTH = 8
MAX_PCI_INDEX = 255


def validate(definition: DomainDefinition) -> None:
    """Raise XMLError or UnsupportedConfig if the values of a definition do not fit together."""
    for rule in RULES:
        rule(definition)


def _repeated(values: Iterable[Any]) -> list[Any]:
    """What comes more than once."""
    values = list(values)
    return [] if len(set(values)) == len(values) else [value for value in values if values.count(value) > 1]


def _memory(definition: DomainDefinition) -> None:
    if definition.memory == 0:
        raise XMLError("memory is 0, expected at least 1 KiB")


def _vcpus(definition: DomainDefinition) -> None:
    maximum = 1 if definition.vcpus is None else definition.vcpus
    current = maximum if definition.current_vcpus is None else definition.current_vcpus
    if maximum == 0 or current == 0:
        raise XMLError("the number of vcpus is 0, expected at least 1")
    if current > maximum:
        raise UnsupportedConfig(f"maximum vCPU count must not be less than current vCPU count ({maximum} < {current})")


def _topology(definition: DomainDefinition) -> None:
    topology = definition.cpu.topology if definition.cpu else None
    if topology is None:
        return
    product = topology.sockets * (1 if topology.dies is None else topology.dies) * topology.cores * topology.threads
    if product != (definition.vcpus or 1):
        raise UnsupportedConfig(
            f"CPU topology makes {product} vcpus, the maximum vcpu count is {definition.vcpus or 1}"
        )


def _direct_kernel(definition: DomainDefinition) -> None:
    if definition.os.kernel is None and (definition.os.initrd is not None or definition.os.cmdline is not None):
        raise XMLError("initrd and cmdline are for a kernel, expected element 'kernel' in <os>")


def _boot_order(definition: DomainDefinition) -> None:
    orders = [device.boot_order for device in definition.devices if device.boot_order is not None]
    if orders and definition.os.boot:
        raise UnsupportedConfig("per-device boot elements cannot be used together with os/boot elements")
    if 0 in orders:
        raise XMLError("boot order is 0, expected at least 1")
    for order in _repeated(orders):
        raise XMLError(f"boot order {order} is used for more than one device")


def _clock(definition: DomainDefinition) -> None:
    clock = definition.clock
    if clock is None:
        return
    if (clock.offset == "timezone") != (clock.timezone is not None):
        raise XMLError("clock: the attribute timezone and offset 'timezone' go together")
    if clock.offset != "variable" and (clock.adjustment is not None or clock.basis is not None):
        raise UnsupportedConfig(f"clock: adjustment and basis with offset {clock.offset!r}")
    names = [timer.name for timer in clock.timers]
    for name in _repeated(names):
        raise XMLError(f"clock: timer {name!r} is given {names.count(name)} times, expected once")


def _disks(definition: DomainDefinition) -> None:
    for target in _repeated(disk.target for disk in definition.devices.disks):
        raise XMLError(f"target '{target}' duplicated for disks")
    for disk in definition.devices.disks:
        if (
            disk.path is None
            and disk.protocol is None
            and disk.nvme_address is None
            and disk.device not in ("cdrom", "floppy")
        ):
            error = XMLError(code=ErrorNumber.NO_SOURCE)
            error.message = f"missing source information for device {disk.target}"
            error.args = (error.message,)
            raise error


def _controllers(definition: DomainDefinition) -> None:
    seen: dict[tuple[str, int], str | None] = {}
    for controller in definition.devices.controllers:
        if controller.index is None:
            continue
        if controller.type == "pci" and controller.index > MAX_PCI_INDEX:
            raise XMLError(f"controller pci {controller.index}: index is more than {MAX_PCI_INDEX}")
        key = (controller.type, controller.index)
        if key in seen and not _are_companions(seen[key], controller.model):
            raise XMLError(f"Multiple '{controller.type}' controllers with index '{controller.index}'")
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
                raise XMLError(f"{kind} {index} of type {device.type!r} has no path, expected <source path='…'/>")
    for port in _repeated(serial.target_port for serial in devices.serials if serial.target_port is not None):
        raise XMLError(f"target port {port} is used for more than one serial")
    for index, console in enumerate(devices.consoles):
        if index > 0 and console.target_type in (None, "serial"):
            raise UnsupportedConfig("Only the first console can be a serial port")


def _graphics(definition: DomainDefinition) -> None:
    for graphics in definition.devices.graphics:
        if graphics.type != "vnc":
            continue
        if graphics.password is not None and len(graphics.password) > VNC_PASSWORD_LENGTH:
            raise UnsupportedConfig(f"VNC password is {len(graphics.password)} characters long, only 8 permitted")
        if graphics.port not in (None, -1) and not graphics.autoport and graphics.port not in VNC_PORTS:
            raise XMLError(f"vnc port {graphics.port} is not in range 5900-65535")
        if graphics.listens and graphics.listen not in (None, graphics.listens[0].address):
            raise XMLError(f"graphics 'listen' attribute '{graphics.listen}' must match the first listen element")
        if len(graphics.listens) > 1:
            raise UnsupportedConfig("more than one listen element of graphics vnc")


def _interfaces(definition: DomainDefinition) -> None:
    for card in definition.devices.interfaces:
        if (card.type == "network" and card.network is None) or (card.type == "bridge" and card.bridge is None):
            raise XMLError(f"interface type='{card.type}' requires a 'source' element")


def _inputs(definition: DomainDefinition) -> None:
    if any(device.type == "tablet" and device.bus == "ps2" for device in definition.devices.inputs):
        raise UnsupportedConfig("ps2 bus does not support tablet input device")


def _videos(definition: DomainDefinition) -> None:
    videos = definition.devices.videos
    if len(videos) > 1 and any(video.model == "none" for video in videos):
        raise UnsupportedConfig("a 'none' video type must be the only video device defined for the domain")
    if sum(bool(video.primary) for video in videos) > 1:
        raise XMLError("Only one primary video device is supported")


def _aliases(definition: DomainDefinition) -> None:
    devices = definition.devices
    # A console on the serial port is that port once more.
    mirrored = [console for console in devices.consoles[:1] if console.target_type in (None, "serial")]
    for alias in _repeated(device.alias for device in devices if device.alias and device not in mirrored):
        raise XMLError(f"non unique alias detected: {alias}")


RULES: tuple[Callable[[DomainDefinition], None], ...] = (
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
