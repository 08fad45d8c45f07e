"""What QEMU's machines have although a definition does not say so: the qemu driver's part of completing it.

`complete_definition` is what a document goes through when it is defined. It is pure, keeps everything that the
document says, and changes nothing in a definition that has been through it before.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from ....wire.documents.domain import (
    Audio,
    Channel,
    CharacterDevice,
    Controller,
    Device,
    Devices,
    Disk,
    DiskDriver,
    DomainDefinition,
    GenerationId,
    Graphics,
    Input,
    IoTune,
    Listen,
    Memballoon,
    MemoryDevice,
    Panic,
    RedirectedDevice,
    Rng,
    Serial,
    SharedMemory,
    Smartcard,
    Tpm,
    Video,
    Vsock,
    complete,
)
from ....wire.documents.replacing import replace
from ....wire.errors import UnsupportedConfig
from .addresses import assign_addresses
from .drives import in_order
from .firmware import FirmwareStore, with_firmware
from .machine import PC, MachineFamily, family_of
from .machine_defaults import with_machine_defaults, with_variables_path
from .nodes import with_nodes

# Where servers of disks listen.
DISK_PORTS = {"nbd": 10809, "http": 80, "https": 443, "ftp": 21, "ftps": 990, "tftp": 69, "ssh": 22}
SHARED_MIB = 4
LIBVIRTS_CHANNELS = "/var/lib/libvirt/qemu/channel/target/"
DOMAIN_TYPES = ("kvm", "qemu")


def complete_definition(
    definition: DomainDefinition,
    *,
    machine: str,
    emulator: str,
    arch: str = "x86_64",
    firmware: FirmwareStore | None = None,
    new_uuid: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> DomainDefinition:
    """The definition with all that libvirt's qemu driver would add: machine, emulator, implicit devices, addresses.

    `machine` is the machine type in full (the capabilities resolve aliases), `emulator` the binary to use if the
    definition names none. Live information is taken out. Raises XMLError for values that do not fit together and
    UnsupportedConfig for what the machine cannot have.
    """
    if definition.type not in DOMAIN_TYPES:
        raise UnsupportedConfig(f"domain type {definition.type!r} is not of the qemu driver")
    family = family_of(machine)
    os = replace(definition.os, machine=machine, arch=definition.os.arch or arch)
    devices = replace(_with_implicit(definition.devices, family), emulator=definition.devices.emulator or emulator)
    definition = with_nodes(replace(definition, os=os, devices=devices))
    definition = with_variables_path(definition)
    if firmware is not None:
        definition = with_firmware(definition, firmware)
    definition = complete(definition, new_uuid=new_uuid, bus_of_sd="scsi")
    definition = with_machine_defaults(definition)
    if definition.genid is not None and definition.genid.value is None:
        definition = replace(definition, genid=GenerationId(value=new_uuid()))
    return assign_addresses(replace(definition, devices=_with_models(definition.devices)))


def _with_implicit(devices: Devices, family: MachineFamily) -> Devices:
    """Add the devices that the machine has or that libvirt always gives."""
    return replace(
        devices,
        controllers=_controllers(devices.controllers, family),
        interfaces=tuple(replace(each, model=each.model or family.interface_model) for each in devices.interfaces),
        inputs=_inputs(devices.inputs) if family.keyboard else devices.inputs,
        videos=_videos(devices.videos) or ((Video(),) if devices.graphics and family.video else ()),
        memballoon=devices.memballoon or Memballoon(model="virtio"),
        audios=devices.audios or _audios(devices),
        graphics=tuple(map(_graphics, devices.graphics)),
    )


def _videos(videos: tuple[Video, ...]) -> tuple[Video, ...]:
    """Cards with what libvirt makes of their sizes (KiB): the next power of two."""
    return tuple(_video(video) for video in videos)


def _video(video: Video) -> Video:
    model = None if video.model == "default" else video.model
    sizes = {name: _power_of_two(size) for name in ("ram", "vram") if (size := getattr(video, name)) is not None}
    return replace(video, model=model, **sizes)


def _power_of_two(size: int) -> int:
    return 1 << (size - 1).bit_length() if size else 0


def _audios(devices: Devices) -> tuple[Audio, ...]:
    """Where sound goes: to a viewer that can play it, else nowhere. Who looks on past QEMU's own servers says so
    himself."""
    displays = {each.type for each in devices.graphics}
    if displays and not displays & {"vnc", "spice"}:
        return ()
    return (Audio(id=1, type="spice" if "spice" in displays else "none"),)


def _graphics(display: Graphics) -> Graphics:
    """A SPICE display that nobody has given a port listens nowhere: who wants to see it hands it a socket."""
    addressed = any(listen.type != "address" for listen in display.listens) or display.socket is not None
    if display.type != "spice" or addressed or display.autoport or display.port or display.tls_port:
        return display
    return replace(display, listens=(Listen(type="none"),), listen=None, autoport=None)


def _controllers(controllers: tuple[Controller, ...], family: MachineFamily) -> tuple[Controller, ...]:
    """Controllers with their models, and after them those that the machine has anyway."""
    controllers = tuple(_with_model(controller, family) for controller in controllers)
    implicit = []
    if family.usb_model and not any(each.type == "usb" for each in controllers):
        implicit.append(Controller(type="usb", index=0, model=family.usb_model))
    if family.pcie and not any(each.type == "sata" and each.index in (None, 0) for each in controllers):
        implicit.append(Controller(type="sata", index=0))
    if family.root and not any(each.type == "pci" and each.index == 0 for each in controllers):
        implicit.append(Controller(type="pci", index=0, model=family.root))
    return (*controllers, *implicit)


def _with_model(controller: Controller, family: MachineFamily) -> Controller:
    if controller.type == "usb":
        # Who asks for "a controller" gets an old one, also where the machine's own would be another.
        return replace(controller, model=controller.model or (family.usb_model and PC.usb_model))
    if controller.type == "scsi":
        return replace(controller, model=family.scsi_model if controller.model in (None, "auto") else controller.model)
    if controller.type != "pci":
        return controller
    if controller.index == 0 or (controller.index is None and controller.model == family.root):
        return replace(controller, index=0, model=controller.model or family.root)
    return replace(controller, model=controller.model or ("pcie-root-port" if family.pcie else "pci-bridge"))


def _inputs(inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    """A PC has a mouse and a keyboard, whatever else is plugged in."""
    present = {each.type for each in inputs if each.bus in (None, "ps2")}
    builtin: tuple[Input, ...] = (Input(type="mouse", bus="ps2"), Input(type="keyboard", bus="ps2"))
    return (*inputs, *(each for each in builtin if each.type not in present))


def _with_models(devices: Devices) -> Devices:
    return replace(devices, disks=in_order(devices.disks)).mapped(_completed)


def _completed(device: Device) -> Device:
    """A device with what libvirt writes of it where nothing is said."""
    change = _COMPLETIONS.get(type(device))
    if change is not None:
        device = change(device)
    if isinstance(device, CharacterDevice | RedirectedDevice | Smartcard):
        device = _with_ends(device)
    return device


def _with_ends(device: CharacterDevice | RedirectedDevice | Smartcard) -> Device:
    """Who does not listen connects, and says what he has to say as it is."""
    if device.type == "tcp":
        device = replace(device, protocol=device.protocol or "raw")
    if device.type in ("tcp", "udp") or (device.type == "unix" and device.source_path is not None):
        device = replace(device, source_mode=device.source_mode or "connect")
    return device


def _disk(disk: Disk) -> Disk:
    """An image whose format is not told is raw: looking into it would let a guest choose what its host opens."""
    driver = disk.driver or DiskDriver()
    port = DISK_PORTS.get(disk.protocol or "")
    hosts = disk.hosts
    if port is not None:
        hosts = tuple(
            replace(host, port=port) if host.port is None and host.socket is None else host for host in disk.hosts
        )
    cache = None if driver.cache == "default" else driver.cache
    driver = replace(driver, name=driver.name or "qemu", type=driver.type or "raw", cache=cache)
    tune = None if disk.iotune == IoTune() else disk.iotune
    # A mirror is what a job of a guest that runs made.
    return replace(disk, hosts=hosts, driver=driver, iotune=tune, mirror=None)


def _tpm(tpm: Tpm) -> Tpm:
    """An emulator is of the version that its model is usually of; the host's is the first."""
    model = tpm.model or "tpm-tis"
    if tpm.backend == "passthrough":
        return replace(tpm, model=model, device=tpm.device or "/dev/tpm0")
    if tpm.backend != "emulator" or tpm.version is not None:
        return replace(tpm, model=model)
    return replace(tpm, model=model, version="2.0" if model == "tpm-crb" else "1.2")


def _rng(rng: Rng) -> Rng:
    if rng.backend == "random":
        return replace(rng, source=rng.source or "/dev/random")
    if rng.backend == "egd" and rng.server_type in ("tcp", "udp", "unix"):
        servers = tuple(replace(server, mode=server.mode or "connect") for server in rng.servers)
        protocol = rng.server_protocol or ("raw" if rng.server_type == "tcp" else None)
        return replace(rng, servers=servers, server_protocol=protocol)
    return rng


def _shared(share: SharedMemory) -> SharedMemory:
    """Memory of 4 MiB, or a server that says how much there is and how its clients wake each other."""
    if share.model == "ivshmem-plain":
        return replace(share, size=share.size or SHARED_MIB)
    if share.server is not None and share.ioeventfd is None:
        return replace(share, ioeventfd=True)
    return share


def _memory(module: MemoryDevice) -> MemoryDevice:
    return replace(module, access=module.access or "shared") if module.model == "virtio-pmem" else module


def _serial(serial: Serial) -> Serial:
    target = serial.target_type or "isa-serial"
    model = {"isa-debug": "isa-debugcon"}.get(target, target)
    return replace(serial, target_type=target, target_model=serial.target_model or model)


def _channel(channel: Channel) -> Channel:
    """A channel without a path of its own listens where the daemon wants it; libvirt's own places count as none."""
    if channel.type != "unix" or not (channel.source_path or LIBVIRTS_CHANNELS).startswith(LIBVIRTS_CHANNELS):
        return channel
    return replace(channel, source_mode=None, source_path=None)


_COMPLETIONS: dict[type[Device], Callable[[Any], Device]] = {
    Channel: _channel,
    Disk: _disk,
    Serial: _serial,
    SharedMemory: _shared,
    Tpm: _tpm,
    Rng: _rng,
    MemoryDevice: _memory,
    Panic: lambda panic: replace(panic, model=panic.model or "isa"),
    Vsock: lambda vsock: replace(vsock, model=vsock.model or "virtio", auto=bool(vsock.auto)),
}
