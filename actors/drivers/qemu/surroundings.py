"""What the qemu driver gives its domains beyond what every driver gives."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pykka

from ....wire.documents.domain import DomainDefinition, without_live
from ....wire.errors import UnsupportedConfig
from ...config import QemuConfig
from ...store import Store
from ..domain import Surroundings
from .abi import check_same_machine
from .capabilities import Capabilities
from .checks import Checks
from .command_line import Placement, placement
from .command_line.placement import USUAL_PARTITION
from .copies import Copies, Machine, complete_for
from .cpu_models import QemuCpus
from .emulators import Emulators
from .files import QemuFiles
from .firmware import FirmwareStore
from .host_models import ACCELERATORS, says_a_processor


@dataclass(frozen=True, slots=True)
class QemuSurroundings(Surroundings):
    """Files, configuration, and the emulators that this host has.

    ``tpm_states`` are the UUIDs of domains whose TPM has something to remember.
    """

    files: QemuFiles
    store: pykka.ActorRef[Store]
    config: QemuConfig
    emulators: Emulators
    checks: Checks
    copies: Copies
    tpm_states: set[str]

    async def capabilities(self, definition: DomainDefinition) -> Capabilities:
        """Those of the emulator that a definition runs with. Raises UnsupportedConfig when there is none."""
        return await self.emulators.capabilities(definition.devices.emulator, definition.os.arch)

    async def cpus(self, definition: DomainDefinition, capabilities: Capabilities) -> QemuCpus | None:
        """What processors a definition's emulator makes, if its document speaks of one that needs to be spelled out."""
        if not says_a_processor(definition):
            return None
        return await self.emulators.cpus(capabilities, ACCELERATORS[definition.type])

    def placement(self, definition: DomainDefinition) -> Placement:
        """What a definition asks of the host, with groups for every guest where that is configured."""
        wanted = placement(definition)
        if self.config.groups == "all" and not wanted.needs_groups:
            return replace(wanted, partition=USUAL_PARTITION)
        return wanted

    async def complete(self, definition: DomainDefinition) -> DomainDefinition:
        """The definition with machine, emulator, implicit devices and addresses, which QEMU can be started from.

        Raises VirtError.
        """
        capabilities = await self.capabilities(definition)
        completed = await self._completed(definition, capabilities)
        self.checks.check(completed, capabilities)
        return completed

    async def complete_to_start(self, definition: DomainDefinition) -> DomainDefinition:
        """``complete``, but for the command line: who starts the guest now makes it, and sees what cannot be done."""
        return await self._completed(definition, await self.capabilities(definition))

    async def fitting(self, saved: DomainDefinition, changed: DomainDefinition) -> DomainDefinition:
        """Another document for a saved guest, completed. Raises UnsupportedConfig where the guest would see it."""
        saved, changed = [
            await self.complete_to_start(without_live(each)) for each in (saved, replace(changed, id=None))
        ]
        check_same_machine(saved, changed)
        return changed

    async def _completed(self, definition: DomainDefinition, capabilities: Capabilities) -> DomainDefinition:
        check_accelerator(definition, capabilities)
        machine = Machine(capabilities.machine(definition.os.machine).name, capabilities.binary, capabilities.arch)
        if not has_firmware(definition):
            return self.copies.complete(definition, machine)
        return complete_for(machine, definition, await asyncio.to_thread(FirmwareStore.read, self.files.nvram))


def has_firmware(definition: DomainDefinition) -> bool:
    """Whether completing a definition takes a look at the firmware that this host has."""
    loader = definition.os.loader
    return definition.os.firmware == "efi" or (loader is not None and loader.type == "pflash")


def check_accelerator(definition: DomainDefinition, capabilities: Capabilities) -> None:
    """Refuse type='kvm' where KVM does not really run guests. Raises UnsupportedConfig."""
    if definition.type == "kvm" and not capabilities.kvm:
        raise UnsupportedConfig(
            "domain type 'kvm': KVM does not run guests on this host", hint="use type='qemu' (software emulation)"
        )
