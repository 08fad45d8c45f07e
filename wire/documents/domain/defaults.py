"""What any driver makes of what a domain document leaves unsaid, as libvirt's own parser does.

Parsing gives what the text says; `complete` is the step after it, and a driver's own defaults follow. Completing
twice changes nothing. MACs are made from the domain's UUID, so the same document gets the same ones again.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from ...cpuset import parse_numbers
from ...errors import XMLError
from ..replacing import replace
from .address import Device
from .clock import Clock
from .cpu import Cell, Cpu, CpuFeature, Distance
from .definition import DomainDefinition
from .devices import (
    Channel,
    CharacterDevice,
    Console,
    Controller,
    Devices,
    Disk,
    Filesystem,
    Graphics,
    HostDevice,
    Input,
    Interface,
    Listen,
    MemoryDevice,
    Parallel,
    Serial,
    Video,
    Vsock,
)
from .devices.disk import DiskBus
from .overlay import without_overlay
from .tuning import CpuTune, IOThread
from .validate import validate

Port = TypeVar("Port", Serial, Parallel)

USER_ALIAS = "ua-"
# Distances of nodes, from itself and from another.
NEAR, FAR = 10, 20
# What a disk's name says of its bus; libvirt's own drivers differ in "sd".
BUS_OF_TARGET: dict[str, DiskBus] = {"hd": "ide", "sd": "sata", "vd": "virtio", "fd": "fdc", "xvd": "xen", "ubd": "uml"}
# KiB, by model; the models that are not here take none.
VIDEO_MEMORY = {
    "cirrus": {"vram": 16384},
    "vga": {"vram": 16384},
    "vmvga": {"vram": 16384},
    "bochs": {"vram": 16384},
    "qxl": {"ram": 65536, "vram": 65536, "vgamem": 16384},
}


def complete(
    definition: DomainDefinition,
    *,
    new_uuid: Callable[[], str] = lambda: str(uuid.uuid4()),
    bus_of_sd: DiskBus = "sata",
) -> DomainDefinition:
    """The definition with live information taken out and every driver-independent default filled in.

    ``bus_of_sd`` is the bus of a disk that is called "sda" and says nothing else.

    Raises XMLError or UnsupportedConfig for values that do not fit together (see `validate`).
    """
    definition = without_live(definition)
    validate(definition)
    definition = replace(
        definition,
        uuid=definition.uuid or new_uuid(),
        current_memory=min(definition.current_memory or definition.memory, definition.memory),
        vcpus=definition.vcpus or 1,
        **_threads(definition),
        vcpu_placement=definition.vcpu_placement or "static",
        current_vcpus=None if definition.current_vcpus == (definition.vcpus or 1) else definition.current_vcpus,
        cpu=definition.cpu and _cpu(definition.cpu),
        clock=_clock(definition.clock or Clock(offset="utc")),
        on_poweroff=definition.on_poweroff or "destroy",
        on_reboot=definition.on_reboot or "restart",
        on_crash=definition.on_crash or "destroy",
    )
    definition = replace(definition, devices=_devices(definition.devices, definition.uuid or "", bus_of_sd))
    definition = mirror_console(_with_boot(definition))
    validate(definition)
    return definition


def without_live(definition: DomainDefinition) -> DomainDefinition:
    """The definition without what only a running guest has: id, aliases but the user's own ("ua-…"), terminals'
    paths, displays' ports where they are chosen automatically, channels' states, transient disks' overlays."""
    devices = definition.devices.mapped(_device_without_live)
    graphics = tuple(map(_display_without_live, devices.graphics))
    return replace(definition, id=None, devices=replace(devices, graphics=graphics))


def _display_without_live(display: Graphics) -> Graphics:
    if display.websocket_generated:
        display = replace(display, websocket=-1, websocket_generated=None)
    return replace(display, port=-1) if display.autoport else display


def _device_without_live(device: Device) -> Device:
    if device.alias and not device.alias.startswith(USER_ALIAS):
        device = replace(device, alias=None)
    if isinstance(device, CharacterDevice) and device.type == "pty":
        device = replace(device, source_path=None)
    if isinstance(device, Console):
        return replace(device, tty=None)
    if isinstance(device, Channel):
        return replace(device, state=None)
    if isinstance(device, Disk):
        return replace(without_overlay(device), source_index=None)
    if isinstance(device, MemoryDevice):
        return replace(device, current=None)
    return device


def mirror_console(definition: DomainDefinition) -> DomainDefinition:
    """The definition with its first console, if that is on the serial port, saying what the serial port says; to be
    called when a running guest's terminals have got their paths."""
    devices = definition.devices
    if not devices.serials or not devices.consoles or devices.consoles[0].target_type != "serial":
        return definition
    serial = devices.serials[0]
    console = Console(
        **_host_side(serial),
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


def _clock(clock: Clock) -> Clock:
    """A clock that is off from another one, by how much, and from which."""
    if clock.offset in ("utc", "localtime") and clock.adjustment is not None:
        return replace(clock, offset="variable", basis=clock.offset)
    if clock.offset != "variable":
        return clock
    return replace(clock, adjustment=clock.adjustment or 0, basis=clock.basis or "utc")


def _cpu(cpu: Cpu) -> Cpu:
    if cpu.numa is not None:
        cpu = replace(cpu, numa=replace(cpu.numa, cells=_cells(cpu.numa.cells)))
    if cpu.topology and cpu.topology.dies is None:
        cpu = replace(cpu, topology=replace(cpu.topology, dies=1))
    features = tuple(CpuFeature(policy=feature.policy or "require", name=feature.name) for feature in cpu.features)
    mode = cpu.mode or ("custom" if cpu.model else None)
    if mode != "custom":
        return replace(cpu, mode=mode, features=features)
    fallback = (cpu.fallback or "allow") if cpu.model else None
    return replace(cpu, mode=mode, match=cpu.match or "exact", fallback=fallback, features=features)


def _threads(definition: DomainDefinition) -> dict[str, Any]:
    """I/O threads and the tuning of threads, each number by itself."""
    ids = definition.iothread_ids
    count = max(definition.iothreads or 0, len(ids))
    if ids:
        taken = {thread.id for thread in ids}
        free = (number for number in range(1, count + len(taken) + 1) if number not in taken)
        ids += tuple(IOThread(id=next(free)) for _ in range(count - len(ids)))
    return {
        "iothreads": count or None,
        "iothread_ids": ids,
        "cputune": definition.cputune and _cputune(definition.cputune),
    }


def _cputune(tune: CpuTune) -> CpuTune | None:
    vcpu_scheds = tuple(
        replace(sched, vcpus=str(number)) for sched in tune.vcpu_scheds for number in sorted(parse_numbers(sched.vcpus))
    )
    iothread_scheds = tuple(
        replace(sched, iothreads=str(number))
        for sched in tune.iothread_scheds
        for number in sorted(parse_numbers(sched.iothreads))
    )
    tune = replace(tune, vcpu_scheds=vcpu_scheds, iothread_scheds=iothread_scheds)
    return None if tune == CpuTune() else tune


def _cells(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """The guest's nodes with their numbers, and all distances, once one is said: the way back is as far."""
    cells = tuple(cell if cell.id is not None else replace(cell, id=number) for number, cell in enumerate(cells))
    said: dict[tuple[int | None, int | None], int] = {
        (cell.id, distance.id): distance.value for cell in cells for distance in cell.distances
    }
    if not said:
        return cells

    def distance(one: int | None, other: int | None) -> int:
        default = NEAR if one == other else FAR
        return said.get((one, other), said.get((other, one), default))

    return tuple(
        replace(
            cell,
            distances=tuple(Distance(id=other.id or 0, value=distance(cell.id, other.id)) for other in cells),
        )
        for cell in cells
    )


def _with_protocol(device: Any) -> Any:
    """What is spoken on a TCP connection of which nothing is said."""
    if getattr(device, "type", None) == "tcp" and getattr(device, "protocol", "") is None:
        return replace(device, protocol="raw")
    return device


def _devices(devices: Devices, domain_uuid: str, bus_of_sd: DiskBus) -> Devices:
    devices = devices.mapped(_with_protocol)
    serials, consoles = _serials_and_consoles(devices.serials, devices.consoles)
    return replace(
        devices,
        disks=tuple(_disk(disk, bus_of_sd) for disk in devices.disks),
        controllers=_indexed(devices.controllers),
        filesystems=tuple(map(_filesystem, devices.filesystems)),
        interfaces=with_macs(devices.interfaces, domain_uuid),
        serials=serials,
        consoles=consoles,
        inputs=tuple(map(_input, devices.inputs)),
        graphics=tuple(map(_graphics, devices.graphics)),
        videos=_videos(devices.videos),
        parallels=_with_ports(devices.parallels),
        hostdevs=tuple(map(_host_device, devices.hostdevs)),
        watchdogs=tuple(replace(each, action=each.action or "reset") for each in devices.watchdogs),
        vsock=devices.vsock and _vsock(devices.vsock),
    )


def _disk(disk: Disk, bus_of_sd: DiskBus) -> Disk:
    name = disk.target.rstrip("0123456789")
    bus = disk.bus or _bus_of(name, bus_of_sd)
    if bus is None:
        raise XMLError(f"Unknown disk name '{disk.target}' and no address specified")
    readonly = disk.readonly or disk.device == "cdrom"
    snapshot = "no" if disk.type == "vhostuser" else disk.snapshot
    hosts = tuple(replace(host, transport=None) if host.transport == "tcp" else host for host in disk.hosts)
    return replace(disk, bus=bus, readonly=readonly, snapshot=snapshot, hosts=hosts)


def _bus_of(name: str, bus_of_sd: DiskBus) -> DiskBus | None:
    for prefix, bus in BUS_OF_TARGET.items():
        if name.startswith(prefix):
            return bus_of_sd if prefix == "sd" else bus
    return None


def _filesystem(share: Filesystem) -> Filesystem:
    return replace(share, type=share.type or "mount", accessmode=share.accessmode or "passthrough")


def _host_device(device: HostDevice) -> HostDevice:
    where = device.source_address
    if device.type == "pci" and where is not None and where.bus is not None:
        try:
            bus = f"0x{int(where.bus, 0):02x}"
        except ValueError:
            raise XMLError(f"host device: bus is {where.bus!r}, expected a number") from None
        device = replace(device, source_address=replace(where, bus=bus))
    if device.mode == "subsystem" and device.managed is None:
        return replace(device, managed=False)
    return device


def _vsock(vsock: Vsock) -> Vsock:
    if vsock.auto is None and vsock.cid is None:
        return replace(vsock, auto=True)
    return vsock


# The EHCI controller of Intel's ICH9 and the three UHCI ones beside it are one USB bus.
_USB_MASTER = "ich9-ehci1"
_USB_COMPANIONS = "ich9-uhci"


def _indexed(controllers: tuple[Controller, ...]) -> tuple[Controller, ...]:
    """Give controllers without an index the first free one of their type, a USB companion that of its master."""
    taken: defaultdict[str, set[int]] = defaultdict(set)
    for controller in controllers:
        if controller.index is not None:
            taken[controller.type].add(controller.index)
    master: int | None = None

    def indexed(controller: Controller) -> Controller:
        nonlocal master
        if controller.index is not None:
            if controller.model == _USB_MASTER:
                master = controller.index
            return controller
        if master is not None and (controller.model or "").startswith(_USB_COMPANIONS):
            return replace(controller, index=master)
        index = _first_free(taken[controller.type])
        if controller.model == _USB_MASTER:
            master = index
        taken[controller.type].add(index)
        return replace(controller, index=index)

    return tuple(map(indexed, controllers))


def _first_free(taken: set[int]) -> int:
    return next(number for number in range(len(taken) + 1) if number not in taken)


def with_macs(interfaces: tuple[Interface, ...], domain_uuid: str) -> tuple[Interface, ...]:
    """Cards with an address each."""
    taken = {interface.mac for interface in interfaces}

    def with_mac(position: int, interface: Interface) -> Interface:
        addresses = tuple(replace(each, family=each.family or "ipv4") for each in interface.addresses)
        interface = replace(interface, addresses=addresses)
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
    # The first console of a serial port says what that port says, whatever was said of it: `mirror_console`.
    if not on_serial and serials and serials[0].target_type in (None, "isa-serial"):
        consoles = (Console(type=serials[0].type, target_type="serial", target_port=0), *consoles)
    return serials, consoles


def _console(index: int, console: Console) -> Console:
    port = index if console.target_port is None else console.target_port
    return replace(console, target_type=console.target_type or "serial", target_port=port)


def _serial_of(console: Console) -> Serial:
    return Serial(**_host_side(console), alias=console.alias)


def _host_side(device: CharacterDevice) -> dict[str, Any]:
    own = {field.name for field in fields(CharacterDevice)} - {field.name for field in fields(Device)}
    return {name: getattr(device, name) for name in own}


def _with_ports(ports: tuple[Port, ...]) -> tuple[Port, ...]:
    taken = {port.target_port for port in ports if port.target_port is not None}
    numbered = []
    for port in ports:
        if port.target_port is None:
            port = replace(port, target_port=_first_free(taken))
            taken.add(port.target_port or 0)
        numbered.append(port)
    return tuple(numbered)


def _input(device: Input) -> Input:
    bus = {"tablet": "usb", "mouse": "ps2", "keyboard": "ps2", "passthrough": "virtio"}.get(device.type)
    return device if device.bus else replace(device, bus=bus)


def _graphics(graphics: Graphics) -> Graphics:
    change = _GRAPHICS.get(graphics.type)
    return graphics if change is None else change(graphics)


def _with_listens(graphics: Graphics) -> Graphics:
    if graphics.socket is not None and not graphics.listens:
        graphics = replace(graphics, listens=(Listen(type="socket", socket=graphics.socket),))
    listens = graphics.listens or (Listen(type="address", address=graphics.listen),)
    return replace(graphics, listens=listens, listen=listens[0].address, socket=None)


def _vnc(graphics: Graphics) -> Graphics:
    graphics = _with_listens(graphics)
    if graphics.listens[0].type in ("socket", "none"):
        return replace(graphics, port=None, autoport=None, websocket=None, socket=graphics.listens[0].socket)
    automatic = graphics.autoport or graphics.port in (None, -1)
    return replace(graphics, port=-1 if automatic else graphics.port, autoport=automatic)


def _spice(graphics: Graphics) -> Graphics:
    graphics = _with_listens(graphics)
    if graphics.listens[0].type in ("socket", "none"):
        return replace(graphics, port=None, tls_port=None, autoport=None)
    automatic = bool(graphics.autoport)
    if automatic:
        graphics = replace(graphics, port=None, tls_port=None)
    return replace(graphics, autoport=automatic)


def _rdp(graphics: Graphics) -> Graphics:
    graphics = _with_listens(graphics)
    port = 0 if graphics.autoport else graphics.port
    flags = {name: getattr(graphics, name) or None for name in ("multi_user", "replace_user")}
    return replace(graphics, port=port or 0, **flags)


def _dbus(graphics: Graphics) -> Graphics:
    return replace(graphics, peer_to_peer=graphics.peer_to_peer or None)


_GRAPHICS: dict[str, Callable[[Graphics], Graphics]] = {"vnc": _vnc, "spice": _spice, "rdp": _rdp, "dbus": _dbus}


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
