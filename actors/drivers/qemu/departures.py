"""Devices that a guest is asked to let go of: it does in time, later, or says that it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ....wire.enums.error import ErrorNumber
from ....wire.errors import OperationFailed, OperationTimeout
from ...call import Call
from ...monitor.monitor import MonitorEvent
from ...monitor.qmp import QmpEvent
from .guest import Guest

# Seconds that a guest has to let go of a device.
PATIENCE = 5.0
# By QEMU's event, how it names the device that the guest does not let go of.
_REFUSALS = {"DEVICE_UNPLUG_GUEST_ERROR": "device", "MEM_UNPLUG_ERROR": "device"}
# ACPI's _OST: an ejection that was asked for, and what the guest says when it has done it or while it is at it.
_EJECTION = {3, 0x103}
_DONE = 0
_NO_REFUSAL = {_DONE, 0x84, 0x85}


class Departures(Guest):
    """How devices leave."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # Devices that the guest has been asked to let go of, by alias.
        self._leaving: dict[str, asyncio.Future[None]] = {}

    def is_leaving(self, alias: str) -> bool:
        """Whether somebody waits for the device to go."""
        return alias in self._leaving

    async def let_go(self, call: Call, alias: str) -> None:
        """Ask the guest to let go of a device, and wait until it has.

        Raises OperationTimeout when it does not, OperationFailed when it says that it will not.
        """
        gone = self._leaving[alias] = self.runtime.loop.create_future()
        try:
            await self.execute(call, "device_del", {"id": alias})
            async with asyncio.timeout(PATIENCE):
                await gone
        except TimeoutError:
            raise OperationTimeout(
                f"unplug of device '{alias}' timed out: the guest has not let go of it yet",
                object=self.name,
                code=ErrorNumber.OPERATION_TIMEOUT,
            ) from None
        finally:
            self._leaving.pop(alias, None)

    def on_message(self, message: Any) -> Any:
        if isinstance(message, MonitorEvent):
            if (refused := _refused(message.event)) is not None:
                self._refuse(refused)
            if (ejected := _ejected(message.event)) is not None:
                self._has_left(ejected)
        return super().on_message(message)

    def on_device_deleted(self, event: QmpEvent) -> None:
        super().on_device_deleted(event)
        self._has_left(str(event.data.get("device")))

    def left_late(self, alias: str) -> None:
        """A device is gone that nobody waits for any more."""

    def _has_left(self, alias: str) -> None:
        gone = self._leaving.get(alias)
        if gone is None:
            self.left_late(alias)
        elif not gone.done():
            gone.set_result(None)

    def _refuse(self, alias: str) -> None:
        gone = self._leaving.get(alias)
        if gone is not None and not gone.done():
            words = f"unplug of device '{alias}' was rejected by the guest"
            gone.set_exception(OperationFailed(words, object=self.name))


def _refused(event: QmpEvent) -> str | None:
    """The alias of the device that the guest does not let go of, as an event tells."""
    if (name := _REFUSALS.get(event.name)) is not None:
        return event.data.get(name)
    info = _ejection(event)
    return info.get("device") if info.get("status") not in _NO_REFUSAL else None


def _ejected(event: QmpEvent) -> str | None:
    """The alias of the processor that the guest has ejected.

    QEMU 7.2 never tells of the end of one that it emulates without KVM: something in it holds the object for ever.
    """
    info = _ejection(event)
    return f"vcpu{info['slot']}" if info.get("slot-type") == "CPU" and info.get("status") == _DONE else None


def _ejection(event: QmpEvent) -> Mapping[str, Any]:
    """What the guest says of an ejection that it was asked for; nothing when the event is about something else."""
    info: Mapping[str, Any] = event.data.get("info", {}) if event.name == "ACPI_DEVICE_OST" else {}
    return info if info.get("source") in _EJECTION else {"status": _DONE}
