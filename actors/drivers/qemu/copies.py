"""Definitions completed once for all copies of a guest.

Most of a host's guests are few kinds in many copies (checks.py): they differ in names, UUIDs, cards' addresses and
images. What completing makes of the first is right for all others with these put in. Whether it is, for a kind, is
tried out once, with a copy that has nothing in common with the first but the kind: a guest whose variables are named
after it, say, or that is given a random number, is completed each time. (test_copies.py holds it against that.)
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from ....wire.documents.domain import Devices, Disk, DomainDefinition, validate, with_macs
from ....wire.documents.replacing import replace
from ....wire.errors import VirtError
from .checks import KINDS, kind_of
from .command_line.undone import refuse_undone
from .defaults import complete_definition
from .firmware import FirmwareStore

# What no guest has.
_NAME = "virtactor copy"
_UUID = "76697274-6163-746f-7220-636f70792020"
_IMAGE = "/virtactor copy"


class Machine(NamedTuple):
    """What a definition is completed for: the machine type in full, the emulator's path, the architecture."""

    type: str
    emulator: str
    arch: str


class Copies:
    """What has been completed by one driver."""

    def __init__(self) -> None:
        # None for the kinds whose copies differ in more.
        self._firsts: OrderedDict[tuple[DomainDefinition, Machine], DomainDefinition | None] = OrderedDict()

    def complete(self, definition: DomainDefinition, machine: Machine) -> DomainDefinition:
        """``complete_for`` a definition that has nothing to do with firmware. Raises VirtError."""
        kind = kind_of(definition)
        if kind is None or definition.uuid is None:
            return complete_for(machine, definition)
        key = kind, machine
        first = self._firsts.get(key)
        if first is not None:
            self._firsts.move_to_end(key)
            validate(definition)
            return copy_of(first, definition)
        completed = complete_for(machine, definition)
        if key not in self._firsts:
            self._firsts[key] = completed if _has_copies(definition, completed, machine) else None
            if len(self._firsts) > KINDS:
                self._firsts.popitem(last=False)
        return completed


def copy_of(completed: DomainDefinition, definition: DomainDefinition) -> DomainDefinition:
    """What completing makes of a definition, given what it has made of another of its kind."""
    return replace(
        completed,
        name=definition.name,
        uuid=definition.uuid,
        title=definition.title,
        description=definition.description,
        metadata=definition.metadata,
        devices=_copied(completed.devices, definition.devices, definition.uuid or ""),
    )


def _copied(completed: Devices, devices: Devices, uuid: str) -> Devices:
    if not devices.disks and not devices.interfaces:
        return completed
    own = {disk.target: disk for disk in devices.disks}
    interfaces = tuple(
        replace(each, mac=said.mac) for each, said in zip(completed.interfaces, devices.interfaces, strict=True)
    )
    return replace(
        completed,
        disks=tuple(_with_image(disk, own[disk.target]) for disk in completed.disks),
        interfaces=with_macs(interfaces, uuid),
    )


def _with_image(completed: Disk, disk: Disk) -> Disk:
    return replace(completed, source=disk.source, source_dev=disk.source_dev)


def complete_for(
    machine: Machine, definition: DomainDefinition, firmware: FirmwareStore | None = None
) -> DomainDefinition:
    """``complete_definition`` for what the driver does. Raises VirtError."""
    refuse_undone(definition)
    return complete_definition(
        definition, machine=machine.type, emulator=machine.emulator, arch=machine.arch, firmware=firmware
    )


def _has_copies(definition: DomainDefinition, completed: DomainDefinition, machine: Machine) -> bool:
    """Whether copies of a guest differ in nothing but what is their own."""
    other = replace(definition, name=_NAME, uuid=_UUID, title=None, metadata=(), devices=_other(definition.devices))
    try:
        return copy_of(completed, other) == complete_for(machine, other)
    except VirtError:
        return False


def _other(devices: Devices) -> Devices:
    """Devices with other images, and cards without addresses."""
    disks = tuple(
        replace(disk, source=_other_image(disk.source, number), source_dev=_other_image(disk.source_dev, number))
        for number, disk in enumerate(devices.disks)
    )
    return replace(devices, disks=disks, interfaces=tuple(replace(each, mac=None) for each in devices.interfaces))


def _other_image(path: str | None, number: int) -> str | None:
    return f"{_IMAGE} {number}" if path is not None and path.startswith("/") else path
