"""A domain of the test driver: there is no guest, so what is asked for has happened."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ....wire.documents.domain import DomainDefinition, Interface, complete, with_implicit_devices
from ....wire.documents.moment import SnapshotDefinition
from ....wire.enums.domain import DomainRunningReason, DomainState
from ....wire.enums.domain_tuning import DomainCoreDumpFormat
from ....wire.enums.error import ErrorNumber
from ....wire.errors import NotSupported, OperationInvalid, UnsupportedConfig
from ....wire.table import DomainRef
from ...call import Call
from ...lifecycle import Happening
from ..domain.checkpoints import Checkpoints
from ..domain.flags import check_one_impact
from .guest import TestGuest
from .saved import write_dump, write_saved


@dataclass(frozen=True, slots=True)
class Load:
    """To a domain that its driver begins with: this is you, and this has happened to you (nothing: you are off).

    A ``transient`` domain is defined nowhere.
    """

    definition: DomainDefinition
    happened: tuple[Happening, ...]
    transient: bool = False
    managed_save: bool = False
    snapshots: tuple[SnapshotDefinition, ...] = ()


def complete_test_domain(definition: DomainDefinition) -> DomainDefinition:
    """The definition with all that libvirt's test driver adds. Raises XMLError, UnsupportedConfig."""
    os = definition.os if definition.os.arch else dataclasses.replace(definition.os, arch="i686")
    definition = with_implicit_devices(complete(dataclasses.replace(definition, os=os), bus_of_sd="scsi"))
    devices = definition.devices
    return dataclasses.replace(
        definition, devices=dataclasses.replace(devices, interfaces=_with_ends(devices.interfaces))
    )


def _with_ends(cards: tuple[Interface, ...]) -> tuple[Interface, ...]:
    """Network cards each with a name for its end on the host; "vnet…" is what other drivers give."""
    named = [card.target for card in cards if card.target and not card.target.startswith("vnet")]
    free = (name for number in itertools.count() if (name := f"testnet{number}") not in named)
    return tuple(card if card.target in named else dataclasses.replace(card, target=next(free)) for card in cards)


class TestDomain(Checkpoints, TestGuest):
    """A domain in memory. It powers off and reboots at once, and then restarts or ends as its actions say."""

    __test__ = False  # Not a class of tests, whatever pytest thinks of the name.

    # libvirt's takes fewer than its drivers with guests do. Those of a start are all drivers' of ours.
    flags: ClassVar[Mapping[str, int]] = {
        "domain_shutdown_flags": 0,
        "domain_reboot": 0x1F,
        "domain_destroy_flags": 1,
        "domain_undefine_flags": 3,
        "domain_save_flags": 0,
        "domain_save": 0,
        "domain_managed_save": 7,
        "domain_core_dump": 1,
        "domain_core_dump_with_format": 1,
        "domain_get_xml_desc": 0xB,
        "domain_set_iothread_params": 1,
    }
    most_vcpus = 32
    # These change one definition at a time.
    one_impact: ClassVar[frozenset[str]] = frozenset(
        {"domain_set_memory_flags", "domain_set_memory_stats_period", "domain_pin_emulator"}
    )

    def check_flags(self, call: Call, flags: int, allowed: int) -> None:
        super().check_flags(call, flags, allowed)
        if call.row.name in self.one_impact:
            check_one_impact(flags)

    async def complete(self, definition: DomainDefinition) -> DomainDefinition:
        return complete_test_domain(definition)

    def on_message(self, message: Any) -> Any:
        if isinstance(message, Load):
            return self._load(message)
        return super().on_message(message)

    def _load(self, message: Load) -> None:
        self.persistent = None if message.transient else message.definition
        if message.happened:
            self.id = next(self.around.ids)
            self.live = dataclasses.replace(message.definition, id=self.id)
        for what in message.happened:
            self.happen(what)
        self.reason = type(self.reason)(0)  # Nobody has brought it there.
        self.has_managed_save = message.managed_save
        for snapshot in message.snapshots:
            if snapshot.active:
                self.snapshots.current = snapshot.name
            self.snapshots.put(dataclasses.replace(snapshot, active=None))
        self.tell_summary()

    async def boot(self, call: Call, live: DomainDefinition, paused: bool) -> DomainDefinition:
        return live

    async def apply_live(self, call: Call, live: DomainDefinition) -> DomainDefinition:
        return live

    # -- what states allow ---------------------------------------------------------------------------------------------

    def _refusal(self, words: str) -> OperationInvalid:
        """libvirt's test driver calls this an internal error."""
        return OperationInvalid(words, code=ErrorNumber.INTERNAL_ERROR, object=self.name)

    def check_start(self) -> None:
        if self.active:
            raise self._refusal(f"Domain '{self.name}' is already running")

    def check_suspend(self) -> None:
        if self.state is not DomainState.RUNNING:
            raise self._refusal(f"domain '{self.name}' not running")

    def check_resume(self) -> None:
        if self.state is not DomainState.PAUSED:
            raise self._refusal(f"domain '{self.name}' not paused")

    def check_shutdown(self) -> None:
        if not self.active:
            raise self._refusal(f"domain '{self.name}' not running")

    def require_persistent(self, what: str) -> None:
        """libvirt's takes a transient domain for a persistent one here."""

    async def domain_undefine_flags(self, call: Call, dom: DomainRef, flags: int) -> None:
        kept = self.autostart
        await super().domain_undefine_flags(call, dom, flags)
        if self.active and kept:  # As libvirt's has it, until the guest is gone.
            self.autostart = True
            self.tell_summary()

    def domain_is_updated(self, call: Call, dom: DomainRef) -> tuple[int]:
        return (0,)

    def domain_get_os_type(self, call: Call, dom: DomainRef) -> tuple[str]:
        return ("linux",)

    # -- files ---------------------------------------------------------------------------------------------------------

    async def document_to_save(self, dxml: str | None) -> str | None:
        if dxml is not None:
            raise UnsupportedConfig("xml modification unsupported", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        return None

    async def save_guest(self, call: Call, path: str, xml: str, flags: int) -> None:
        await self.runtime.in_thread(write_saved, path, self.name, xml)

    async def dump_guest(self, call: Call, path: str, format: int, flags: int) -> None:
        if format != DomainCoreDumpFormat.RAW:
            raise NotSupported("kdump-compressed format is not supported here", code=ErrorNumber.OPERATION_UNSUPPORTED)
        await self.runtime.in_thread(write_dump, path, self.name)

    async def keep_managed(self, call: Call, flags: int) -> None:
        """There is nothing to keep."""

    async def restore(self, call: Call, definition: DomainDefinition) -> None:
        """Start from a saved definition (the driver forwards virDomainRestore here)."""
        self.check_start()
        self.id = next(self.around.ids)
        self.live = dataclasses.replace(await self.complete(definition), id=self.id)
        self.happen(Happening.RESTORED)

    async def press_power_button(self, call: Call, flags: int) -> None:
        if self.definition.on_poweroff not in ("restart", "rename-restart"):
            self.happen(Happening.SHUT_DOWN)

    async def request_reboot(self, call: Call, flags: int) -> None:
        if self.definition.on_reboot not in ("restart", "rename-restart"):
            self.happen(Happening.SHUT_DOWN)
        else:
            # It runs again, without a word even where it was paused.
            self.state, self.reason = DomainState.RUNNING, DomainRunningReason.BOOTED
            self.tell_summary()
