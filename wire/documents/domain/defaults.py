"""What any driver makes of what a domain document leaves unsaid, as libvirt's own parser does.

Parsing gives what the text says; `complete` is the step after it, and a driver's own defaults follow. Completing
twice changes nothing. MACs are made from the domain's UUID, so the same document gets the same ones again.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from ...errors import UnsupportedConfig, XMLError
from .address import Device
from .clock import Clock
from .cpu import Cpu, CpuFeature
from .definition import DomainDefinition
from .devices import (
    Channel,
    CharacterDevice,
    Console,
    Controller,
    Devices,
    Disk,
    Graphics,
    Input,
    Interface,
    Listen,
    Serial,
    Video,
)
from .validate import validate

USER_ALIAS = "ua-"
BUS_OF_TARGET = {"hd": "ide", "sd": "sata", "vd": "virtio"}
# KiB, by model; the models that are not here take none.
VIDEO_MEMORY = {
    "cirrus": {"vram": 16384},
    "vga": {"vram": 16384},
    "vmvga": {"vram": 16384},
    "bochs": {"vram": 16384},
    "qxl": {"ram": 65536, "vram": 65536, "vgamem": 16384},
}


def complete(
    definition: DomainDefinition, *, new_uuid: Callable[[], str] = lambda: str(uuid.uuid4())
) -> DomainDefinition:
    """The definition with live information taken out and every driver-independent default filled in.

    Raises XMLError or UnsupportedConfig for values that do not fit together (see `validate`).
    """
    definition = without_live(definition)
    validate(definition)
    definition = replace(
        definition,
        uuid=definition.uuid or new_uuid(),
        current_memory=min(definition.current_memory or definition.memory, definition.memory),
        vcpus=definition.vcpus or 1,
        vcpu_placement=definition.vcpu_placement or "static",
        current_vcpus=None if definition.current_vcpus == (definition.vcpus or 1) else definition.current_vcpus,
        cpu=definition.cpu and _cpu(definition.cpu),
        clock=definition.clock or Clock(offset="utc"),
        on_poweroff=definition.on_poweroff or "destroy",
        on_reboot=definition.on_reboot or "restart",
        on_crash=definition.on_crash or "destroy",
    )
    definition = replace(definition, devices=_devices(definition.devices, definition.uuid or ""))
    definition = mirror_console(_with_boot(definition))
    validate(definition)
    return definition


def without_live(definition: DomainDefinition) -> DomainDefinition:
    """The definition without what only a running guest has: id, aliases but the user's own ("ua-…"), terminals'
    paths, displays' ports where they are chosen automatically, channels' states."""
    devices = definition.devices.mapped(_device_without_live)
    graphics = tuple(replace(each, port=-1) if each.autoport else each for each in devices.graphics)
    return replace(definition, id=None, devices=replace(devices, graphics=graphics))


def _device_without_live(device: Device) -> Device:
    if device.alias and not device.alias.startswith(USER_ALIAS):
        device = replace(device, alias=None)
    if isinstance(device, CharacterDevice) and device.type == "pty":
        device = replace(device, source_path=None)
    if isinstance(device, Console):
        return replace(device, tty=None)
    if isinstance(device, Channel):
        return replace(device, state=None)
    return device


def mirror_console(definition: DomainDefinition) -> DomainDefinition:
    """The definition with its first console, if that is on the serial port, saying what the serial port says; to be
    called when a running guest's terminals have got their paths."""
    devices = definition.devices
    if not devices.serials or not devices.consoles or devices.consoles[0].target_type != "serial":
        return definition
    serial = devices.serials[0]
    console = Console(
        type=serial.type,
        source_mode=serial.source_mode,
        source_path=serial.source_path,
        source_append=serial.source_append,
        tty=serial.source_path if serial.type == "pty" else None,
        target_type="serial",
        target_port=0,
        alias=serial.alias,
    )
    return replace(definition, devices=replace(devices, consoles=(console, *devices.consoles[1:])))


def _with_boot(definition: DomainDefinition) -> DomainDefinition:
    """Boot from the first hard disk where nothing else is said."""
    os = definition.os
    if os.boot or any(device.boot_order for device in definition.devices):
        return definition
    return replace(definition, os=replace(os, boot=("hd",)))


def _cpu(cpu: Cpu) -> Cpu:
    if cpu.topology and cpu.topology.dies is None:
        cpu = replace(cpu, topology=replace(cpu.topology, dies=1))
    features = tuple(CpuFeature(policy=feature.policy or "require", name=feature.name) for feature in cpu.features)
    mode = cpu.mode or ("custom" if cpu.model else None)
    if mode != "custom":
        return replace(cpu, mode=mode, features=features)
    fallback = (cpu.fallback or "allow") if cpu.model else None
    return replace(cpu, mode=mode, match=cpu.match or "exact", fallback=fallback, features=features)


def _devices(devices: Devices, domain_uuid: str) -> Devices:
    serials, consoles = _serials_and_consoles(devices.serials, devices.consoles)
    return replace(
        devices,
        disks=tuple(map(_disk, devices.disks)),
        controllers=_indexed(devices.controllers),
        interfaces=_with_macs(devices.interfaces, domain_uuid),
        serials=serials,
        consoles=consoles,
        inputs=tuple(map(_input, devices.inputs)),
        graphics=tuple(map(_graphics, devices.graphics)),
        videos=_videos(devices.videos),
    )


def _disk(disk: Disk) -> Disk:
    bus = disk.bus or BUS_OF_TARGET.get(disk.target[:2])
    if bus is None:
        raise XMLError(f"disk {disk.target} has no bus, expected a target like 'vda' or the attribute bus")
    return replace(disk, bus=bus, readonly=disk.readonly or disk.device == "cdrom")


def _indexed(controllers: tuple[Controller, ...]) -> tuple[Controller, ...]:
    """Give controllers without an index the first free one of their type."""
    taken: defaultdict[str, set[int]] = defaultdict(set)
    for controller in controllers:
        if controller.index is not None:
            taken[controller.type].add(controller.index)

    def indexed(controller: Controller) -> Controller:
        if controller.index is not None:
            return controller
        index = _first_free(taken[controller.type])
        taken[controller.type].add(index)
        return replace(controller, index=index)

    return tuple(map(indexed, controllers))


def _first_free(taken: set[int]) -> int:
    return next(number for number in range(len(taken) + 1) if number not in taken)


def _with_macs(interfaces: tuple[Interface, ...], domain_uuid: str) -> tuple[Interface, ...]:
    taken = {interface.mac for interface in interfaces}

    def with_mac(position: int, interface: Interface) -> Interface:
        if interface.mac is not None:
            return interface
        attempt = 0
        while (mac := _mac(domain_uuid, position, attempt)) in taken:
            attempt += 1
        taken.add(mac)
        return replace(interface, mac=mac)

    return tuple(with_mac(position, interface) for position, interface in enumerate(interfaces))


def _mac(domain_uuid: str, position: int, attempt: int) -> str:
    digest = hashlib.sha256(f"{domain_uuid} {position} {attempt}".encode()).digest()
    return "52:54:00:" + digest[:3].hex(":")


def _serials_and_consoles(
    serials: tuple[Serial, ...], consoles: tuple[Console, ...]
) -> tuple[tuple[Serial, ...], tuple[Console, ...]]:
    """Serial ports and consoles, so that the first of both is one thing seen twice, as libvirt's clients expect."""
    consoles = tuple(_console(index, console) for index, console in enumerate(consoles))
    on_serial = bool(consoles) and consoles[0].target_type == "serial"
    if on_serial and not serials:
        serials = (_serial_of(consoles[0]),)
    serials = _with_ports(serials)
    if on_serial:
        _check_same(serials[0], consoles[0])
    elif serials and serials[0].target_type != "pci-serial":
        consoles = (Console(type=serials[0].type, target_type="serial", target_port=0), *consoles)
    return serials, consoles


def _console(index: int, console: Console) -> Console:
    port = index if console.target_port is None else console.target_port
    return replace(console, target_type=console.target_type or "serial", target_port=port)


def _serial_of(console: Console) -> Serial:
    return Serial(
        type=console.type,
        source_mode=console.source_mode,
        source_path=console.source_path,
        source_append=console.source_append,
        alias=console.alias,
    )


def _check_same(serial: Serial, console: Console) -> None:
    if console.type != serial.type or console.source_path not in (None, serial.source_path):
        raise UnsupportedConfig(
            f"the first console ({console.type}) is the first serial port, which is something else ({serial.type})"
        )


def _with_ports(serials: tuple[Serial, ...]) -> tuple[Serial, ...]:
    taken = {serial.target_port for serial in serials if serial.target_port is not None}
    numbered = []
    for serial in serials:
        if serial.target_port is None:
            serial = replace(serial, target_port=_first_free(taken))
            taken.add(serial.target_port or 0)
        numbered.append(serial)
    return tuple(numbered)


def _input(device: Input) -> Input:
    bus = device.bus or ("usb" if device.type == "tablet" else "ps2")
    return replace(device, bus=bus)


def _graphics(graphics: Graphics) -> Graphics:
    listens = graphics.listens or (Listen(type="address", address=graphics.listen),)
    automatic = graphics.autoport or graphics.port in (None, -1)
    port = -1 if automatic else graphics.port
    return replace(graphics, port=port, autoport=automatic, listens=listens, listen=listens[0].address)


def _videos(videos: tuple[Video, ...]) -> tuple[Video, ...]:
    if videos and not any(video.primary for video in videos):
        videos = (replace(videos[0], primary=True), *videos[1:])
    return tuple(map(_video, videos))


def _video(video: Video) -> Video:
    model = video.model or "cirrus"
    if model == "none":
        return replace(video, primary=None)
    memory = {name: size for name, size in VIDEO_MEMORY.get(model, {}).items() if getattr(video, name) is None}
    return replace(video, model=model, heads=1 if video.heads is None else video.heads, **memory)
