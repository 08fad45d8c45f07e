"""QEMU's command line: a pure function of a definition, what QEMU can do, and what was opened for this start.

Rules
- The definition is live: completed, with addresses and aliases (`complete_definition`, `assign_aliases`). Nothing is
  decided here that a guest could see; what it sees is in its document.
- What the definition asks for is in the arguments, in the commands of `preparation`, or in an UnsupportedConfig that
  names it. tests/…/test_command_line_drops_nothing.py changes every field in turn to see that.
- Every value is quoted by `syntax`; no value can become another argument or another property.
- What a document may say and nobody here honours is listed in `undone`, and refused before all else.
- A guest that libvirt starts from the same document sees the same hardware: same devices, same places.

A module per family of devices, named as the family's module in wire/documents/domain/devices. docs/qemu-driver.md has
the table of what becomes what.

Rejected: JSON for -chardev and -machine (QEMU 7.2 takes it for some of them only in part), a -readconfig file (not all
options have one), and setting up the guest by QMP from `-machine none` (preconfig is not stable).
"""

from __future__ import annotations

from pathlib import Path

from .....wire.documents.domain import DomainDefinition
from .....wire.errors import UnsupportedConfig
from ..capabilities import Capabilities
from . import (
    boot,
    character,
    clock,
    controller,
    cpu,
    disk,
    filesystem,
    firmware,
    graphics,
    input,
    interface,
    iothread,
    lent,
    machine,
    memballoon,
    memory,
    memory_device,
    onboard,
    passthrough,
    processors,
    rng,
    seclabels,
    smbios,
    sound,
    tpm,
    video,
)
from .board import Board
from .character import chardev_id, listens_for
from .companion import Companion, companions, served
from .image import NodeNames, node_descriptions, node_names
from .onboard import takes_a_number
from .passthrough import environment
from .placement import Placement, placement
from .preparation import MonitorCommand, preparation
from .resources import DescriptorSet, OpenedVsock, Resources
from .seclabels import check_models
from .syntax import Value, key_values
from .undone import refuse_undone

# What the first of all displays and of all guests have.
FIRST_PORT = 5900
FIRST_CID = 3
MONITOR_CHARDEV = "charmonitor"
MONITOR = "monitor"
# What a QEMU that has been taken over by its guest could use against its host; its helpers are not needed.
SANDBOX = ("obsolete", "elevateprivileges", "spawn", "resourcecontrol")


def build_command_line(definition: DomainDefinition, capabilities: Capabilities, resources: Resources) -> list[str]:
    """The arguments, the binary first, that start a guest which waits for `cont` and answers on the monitor's socket.

    Raises UnsupportedConfig for what QEMU, or we, cannot do, naming it. Answers to virConnectDomainXMLToNative too.
    """
    refuse_undone(definition)
    return _arguments(definition, capabilities, resources)


def _arguments(definition: DomainDefinition, capabilities: Capabilities, resources: Resources) -> list[str]:
    environment(definition)
    placement(definition)
    seclabels.check_labels(definition, resources)
    board = Board(definition, capabilities, resources)
    arguments = [
        definition.devices.emulator or capabilities.binary,
        *_process(definition, resources),
        *machine.machine(board),
        *cpu.cpu(board),
        *firmware.firmware(board),
        *memory.memory(board),
        *processors.processors(board),
        *iothread.iothreads(board),
        *memory.backends(board),
        *smbios.firmware_tables(board),
        *clock.clock(board),
        *machine.power(board),
        *boot.boot(board),
        *boot.kernel(board),
        *onboard.iommu(board),
        *controller.controllers(board),
        *onboard.hubs(board),
        *controller.readers(board),
        *memory_device.memory_devices(board),
        *filesystem.filesystems(board),
        *disk.disks(board),
        *interface.interfaces(board),
        *lent.smartcards(board),
        *character.character_devices(board),
        *tpm.tpms(board),
        *input.inputs(board),
        *sound.audios(board),
        *graphics.graphics(board),
        *video.videos(board),
        *sound.sounds(board),
        *onboard.watchdogs(board),
        *lent.redirected_devices(board),
        *memballoon.memballoon(board),
        *rng.rngs(board),
        *onboard.panics(board),
        *memory_device.shared_memories(board),
        *onboard.vsock(board),
        *onboard.cryptos(board),
        *_vmcoreinfo(board),
        *_sandbox(capabilities),
        *("-msg", "timestamp=on"),
    ]
    arguments = [*passthrough.overridden(arguments, definition), *passthrough.last_arguments(definition)]
    _check_words(arguments)
    return arguments


def check_definition(definition: DomainDefinition, capabilities: Capabilities) -> None:
    """Raise UnsupportedConfig if `build_command_line` would, whatever is opened for the start.

    What is undone was looked for before the definition was completed, which adds nothing of that.
    """
    _arguments(definition, capabilities, supposed_resources(definition))
    preparation(definition)
    companions(definition, dict.fromkeys(served(definition), 0), Path("/"))


def supposed_resources(definition: DomainDefinition) -> Resources:
    """What a start would open and choose, for those who only want to know the arguments: no such thing is there."""
    devices = definition.devices
    return Resources(
        monitor=0,
        sockets={channel.alias: 0 for channel in devices.channels if channel.alias and listens_for(channel)},
        companions={alias: Path(f"/{alias}") for alias in served(definition)},
        spice_port=FIRST_PORT,
        display_socket=Path("/display"),
        vsock=OpenedVsock(0, FIRST_CID) if devices.vsock is not None and takes_a_number(devices.vsock) else None,
        descriptor_sets={
            disk.fd_group: DescriptorSet(0, (0,), None) for disk in devices.disks if disk.fd_group is not None
        },
    )


def monitor_arguments(monitor: int | Path) -> list[str]:
    """The arguments of a QMP monitor on an inherited descriptor of a socket that already listens, or at a path.

    With a descriptor nobody has to wait for the socket to appear, and it can be connected before QEMU runs.
    """
    place: dict[str, Value] = {"fd": monitor} if isinstance(monitor, int) else {"path": str(monitor)}
    chardev = key_values("socket", id=MONITOR_CHARDEV, **place, server=True, wait=False)
    return ["-chardev", chardev, "-mon", key_values(chardev=MONITOR_CHARDEV, id=MONITOR, mode="control")]


def _process(definition: DomainDefinition, resources: Resources) -> list[str]:
    """The process: its name, its waiting, its monitor, and nothing that the definition does not ask for."""
    return [
        *("-name", key_values(guest=definition.name, debug_threads=True)),
        *(() if definition.uuid is None else ("-uuid", definition.uuid)),
        *("-S", "-no-user-config", "-nodefaults"),
        *monitor_arguments(resources.monitor),
        *(() if resources.pid_file is None else ("-pidfile", str(resources.pid_file))),
    ]


def _vmcoreinfo(board: Board) -> list[str]:
    return board.bare_device("feature vmcoreinfo", "vmcoreinfo") if board.features.vmcoreinfo else []


def _sandbox(capabilities: Capabilities) -> list[str]:
    if not capabilities.has_option("sandbox", "enable"):
        return []
    denied = {name: "deny" for name in SANDBOX if capabilities.has_option("sandbox", name)}
    return ["-sandbox", key_values("on", **denied)]


def _check_words(arguments: list[str]) -> None:
    """Refuse what no process can be given."""
    for word in arguments:
        if "\0" in word:
            raise UnsupportedConfig(f"a NUL character in {word[:80]!r}")


__all__ = [
    "Companion",
    "MonitorCommand",
    "NodeNames",
    "Placement",
    "Resources",
    "build_command_line",
    "chardev_id",
    "check_definition",
    "check_models",
    "companions",
    "environment",
    "listens_for",
    "monitor_arguments",
    "node_descriptions",
    "node_names",
    "placement",
    "preparation",
    "served",
    "supposed_resources",
]
