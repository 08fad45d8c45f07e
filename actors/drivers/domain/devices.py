"""Devices that come, go and change: in the definition that is kept, and in the running guest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....wire.documents.domain import Device, Devices, DomainDefinition, PlacedDevice, parse_device
from ....wire.enums.domain_tuning import DomainDeviceModifyFlags
from ....wire.enums.error import ErrorNumber
from ....wire.errors import NotSupported, OperationFailed, OperationInvalid
from ....wire.table import ROWS, DomainRef
from ...call import Call
from .domain_object import DomainObject
from .flags import IMPACTS, LIVE

_ADDED_ROW = ROWS["domain_event_callback_device_added"]
_REMOVED_ROW = ROWS["domain_event_device_removed"]
_FORCE = int(DomainDeviceModifyFlags.FORCE)
# What tells devices of a family apart; a device of another is the same when all that is said of it agrees.
_KEYS = {
    "disks": ("target",),
    "controllers": ("type", "index"),
    "interfaces": ("mac",),
    "filesystems": ("target",),
    "shmems": ("name",),
    "leases": ("lockspace", "key"),
}


class DeviceChanges(DomainObject):
    """Calls that attach, detach and update devices."""

    # -- what a driver provides ----------------------------------------------------------------------------------------

    async def plug(self, call: Call, family: str, device: Any) -> DomainDefinition:
        """Give the running guest a device, and give its live definition with it. Raises NotSupported."""
        raise NotSupported("live attach of this device", code=ErrorNumber.OPERATION_UNSUPPORTED)

    async def unplug(self, call: Call, family: str, device: Any) -> DomainDefinition:
        """Take a device away from the running guest, and give its live definition without it. Raises NotSupported."""
        raise NotSupported("live detach of this device", code=ErrorNumber.OPERATION_UNSUPPORTED)

    async def replug(self, call: Call, family: str, old: Any, new: Any, force: bool) -> DomainDefinition:
        """Change a device of the running guest, and give its live definition with the new one. Raises NotSupported."""
        raise NotSupported("live update of this device", code=ErrorNumber.OPERATION_UNSUPPORTED)

    # -- calls ---------------------------------------------------------------------------------------------------------

    async def domain_attach_device(self, call: Call, dom: DomainRef, xml: str) -> None:
        await self.domain_attach_device_flags(call, dom, xml, LIVE)

    async def domain_detach_device(self, call: Call, dom: DomainRef, xml: str) -> None:
        await self.domain_detach_device_flags(call, dom, xml, LIVE)

    async def domain_attach_device_flags(self, call: Call, dom: DomainRef, xml: str, flags: int) -> None:
        self.check_flags(call, flags, IMPACTS)
        placed = parse_device(xml)
        impact = self.affected(flags)
        kept = await self._kept(_with(self.persistent, placed)) if impact.config else None
        if impact.live:
            self.live = await self.plug(call, placed.family, placed.device)
            await self._note_live()
            self.publish(_ADDED_ROW, _alias(_newest(self.live, placed)))
        await self._keep(kept)

    async def domain_detach_device_flags(self, call: Call, dom: DomainRef, xml: str, flags: int) -> None:
        self.check_flags(call, flags, IMPACTS)
        placed = parse_device(xml)
        impact = self.affected(flags)
        kept = await self._kept(_without(self.persistent, placed)) if impact.config else None
        if impact.live and self.live is not None:
            await self._unplug(call, placed.family, _found(self.live, placed))
        await self._keep(kept)

    async def domain_detach_device_alias(self, call: Call, dom: DomainRef, alias: str, flags: int) -> None:
        self.check_flags(call, flags, IMPACTS)
        impact = self.affected(flags)
        kept = None
        if impact.config:
            found = _by_alias(self.persistent, alias)
            kept = await self._kept(_replaced(self.persistent, found.family, found.device, None))
        if impact.live and self.live is not None:
            found = _by_alias(self.live, alias)
            await self._unplug(call, found.family, found.device)
        await self._keep(kept)

    async def domain_update_device_flags(self, call: Call, dom: DomainRef, xml: str, flags: int) -> None:
        self.check_flags(call, flags, IMPACTS | _FORCE)
        placed = parse_device(xml)
        impact = self.affected(flags & IMPACTS)
        kept = None
        if impact.config:
            old = _found(self.persistent, placed)
            new = replace(placed.device, address=placed.device.address or old.address)
            kept = await self._kept(_replaced(self.persistent, placed.family, old, new))
        if impact.live and self.live is not None:
            old = _found(self.live, placed)
            self.live = await self.replug(call, placed.family, old, placed.device, bool(flags & _FORCE))
            await self._note_live()
        await self._keep(kept)

    async def _unplug(self, call: Call, family: str, device: Device) -> None:
        self.live = await self.unplug(call, family, device)
        await self._note_live()
        self.publish(_REMOVED_ROW, _alias(device))

    async def _note_live(self) -> None:
        self.save_live_state()
        await self.live_state_kept()

    async def _kept(self, definition: DomainDefinition) -> DomainDefinition:
        return await self.complete(definition)

    async def _keep(self, definition: DomainDefinition | None) -> None:
        if definition is not None:
            await self.save_definition(definition)
            self.persistent = definition


def _alias(device: Any) -> str:
    return getattr(device, "alias", None) or ""


def _definition(definition: DomainDefinition | None) -> DomainDefinition:
    assert definition is not None
    return definition


def members(devices: Devices, family: str) -> tuple[Any, ...]:
    """A family's devices, also where there is one at most."""
    found = getattr(devices, family)
    return found if isinstance(found, tuple) else () if found is None else (found,)


def _matches(placed: PlacedDevice, device: Any) -> bool:
    wanted = placed.device
    if placed.family in _KEYS:
        return all(getattr(wanted, key) in (None, getattr(device, key)) for key in _KEYS[placed.family]) and any(
            getattr(wanted, key) is not None for key in _KEYS[placed.family]
        )
    alike = ("alias", "address")
    return replace(wanted, **dict.fromkeys(alike)) == replace(device, **dict.fromkeys(alike))


def _found(definition: DomainDefinition | None, placed: PlacedDevice) -> Any:
    """The device of a definition that a caller means. Raises OperationFailed when there is none, or more than one."""
    devices = members(_definition(definition).devices, placed.family)
    found = [device for device in devices if _matches(placed, device)]
    if len(found) == 1:
        return found[0]
    how = "no matching" if not found else "more than one matching"
    raise OperationFailed(f"{how} {placed.tag} device found", code=ErrorNumber.DEVICE_MISSING)


def _by_alias(definition: DomainDefinition | None, alias: str) -> PlacedDevice:
    devices = _definition(definition).devices
    for family, tag in Devices.families().items():
        for device in members(devices, family):
            if getattr(device, "alias", None) == alias:
                return PlacedDevice(family, tag, device)
    raise OperationFailed(f"no device found with alias {alias}", code=ErrorNumber.DEVICE_MISSING)


def _with(definition: DomainDefinition | None, placed: PlacedDevice) -> DomainDefinition:
    definition = _definition(definition)
    devices = members(definition.devices, placed.family)
    if placed.family in _KEYS and any(_same(placed, device) for device in devices):
        name = getattr(placed.device, _KEYS[placed.family][0])
        raise OperationInvalid(f"{placed.tag} {name} already exists")
    single = not isinstance(getattr(definition.devices, placed.family), tuple)
    if single and devices:
        raise OperationInvalid(f"domain already has a {placed.tag}")
    changed = placed.device if single else (*devices, placed.device)
    return replace(definition, devices=replace(definition.devices, **{placed.family: changed}))


def _same(placed: PlacedDevice, device: Any) -> bool:
    keys = _KEYS[placed.family]
    said = [getattr(placed.device, key) for key in keys]
    return None not in said and said == [getattr(device, key) for key in keys]


def _without(definition: DomainDefinition | None, placed: PlacedDevice) -> DomainDefinition:
    return _replaced(definition, placed.family, _found(definition, placed), None)


def _replaced(definition: DomainDefinition | None, family: str, old: Any, new: Any) -> DomainDefinition:
    """A definition with one device replaced, or removed."""
    definition = _definition(definition)
    now = getattr(definition.devices, family)
    if not isinstance(now, tuple):
        changed: Any = new
    else:
        changed = tuple(each for each in (new if device is old else device for device in now) if each is not None)
    return replace(definition, devices=replace(definition.devices, **{family: changed}))


def _newest(definition: DomainDefinition | None, placed: PlacedDevice) -> Any:
    return members(_definition(definition).devices, placed.family)[-1]
