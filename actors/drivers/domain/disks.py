"""Limits on disks, and how to find one."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from ....wire.documents.domain import Disk, DomainDefinition, IoTune
from ....wire.errors import InvalidArgument
from ....wire.params import ParamType, TypedParam
from ....wire.table import DomainRef
from ...call import Call
from .flags import IMPACTS, TEXT_OKAY
from .iothreads import check_not_empty
from .tunables import Tunables
from .typed_params import check_names, first

LIMITS = tuple(field.name for field in fields(IoTune))
_TYPES = {name: ParamType.STRING if name == "group_name" else ParamType.ULLONG for name in LIMITS}
# The total of each kind excludes the limits on reading and writing.
_KINDS = ("bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max")


def find_disk(definition: DomainDefinition, name: str) -> Disk | None:
    """The disk of that target ("vda") or source; None when there is none."""
    if not name:
        return None
    disks = definition.devices.disks
    by_target = (disk for disk in disks if disk.target == name)
    return next(by_target, None) or next((disk for disk in disks if disk.path == name), None)


def disk_with_source(definition: DomainDefinition, name: str) -> tuple[Disk, str]:
    """The disk of that target or source, and its source. Raises InvalidArgument where it is not there or is empty."""
    disk = find_disk(definition, name)
    if disk is None:
        raise InvalidArgument(f"invalid path {name} not assigned to domain")
    if disk.path is None:
        raise InvalidArgument(f"disk '{name}' does not currently have a source assigned")
    return disk, disk.path


class Disks(Tunables):
    """Calls about disks that their definitions answer."""

    def domain_get_block_io_tune(
        self, call: Call, dom: DomainRef, disk: str | None, nparams: int, flags: int
    ) -> tuple[list[TypedParam], int]:
        self.check_flags(call, flags, IMPACTS | TEXT_OKAY)
        definition = self.definition_for(flags & IMPACTS)
        if disk is None:
            # A caller that only wants to know how many parameters there are names no disk.
            return [], len(LIMITS)
        tune = _disk(definition, disk).iotune or IoTune()
        found = [_param(name, getattr(tune, name)) for name in LIMITS]
        return first(found, nparams)

    async def domain_set_block_io_tune(
        self, call: Call, dom: DomainRef, disk: str, params: list[TypedParam], flags: int
    ) -> None:
        check_not_empty(call, params)
        self.check_flags(call, flags, IMPACTS)
        check_names(params, _TYPES)
        impact = self.affected(flags)
        values = {param.field: param.value for param in params}
        for definition in (self.live if impact.live else None, self.persistent if impact.config else None):
            if definition is not None:
                self.check_io_tune(values, _disk(definition, disk).iotune or IoTune())
        await self.change_definition(call, flags, lambda definition: _with_limits(definition, disk, values))
        if impact.live:
            # The disk as the caller called it, as libvirt has it.
            name = TypedParam("blkdeviotune.disk", ParamType.STRING, disk)
            self.tell_tuned(name, *(param._replace(field=f"blkdeviotune.{param.field}") for param in params))

    def check_io_tune(self, values: dict[str, Any], before: IoTune) -> None:
        """Refuse limits that contradict each other. Raises InvalidArgument."""
        for kind in _KINDS:
            parts = (values.get(f"read_{kind}"), values.get(f"write_{kind}"))
            if values.get(f"total_{kind}") and any(parts):
                raise InvalidArgument(f"total and read/write of {kind} cannot be set at the same time")
        for name in (f"{direction}_{kind}" for kind in _KINDS[:2] for direction in ("total", "read", "write")):
            limit, burst = values.get(name), values.get(f"{name}_max")
            if self.exceeds(limit, burst):
                raise InvalidArgument(f"{name} cannot be set higher than {name}_max ")

    def exceeds(self, limit: int | None, burst: int | None) -> bool:
        """Whether a lasting limit is higher than that on bursts."""
        return bool(limit and burst and limit > burst)


def _disk(definition: DomainDefinition, name: str) -> Disk:
    disk = find_disk(definition, name)
    if disk is None:
        raise InvalidArgument(f"disk '{name}' was not found in the domain config")
    return disk


def _param(name: str, value: Any) -> TypedParam:
    empty: Any = "" if name == "group_name" else 0
    return TypedParam(name, _TYPES[name], empty if value is None else value)


def _with_limits(definition: DomainDefinition, name: str, values: dict[str, Any]) -> DomainDefinition:
    disk = _disk(definition, name)
    tune = replace(disk.iotune or IoTune(), **{limit: value or None for limit, value in values.items()})
    changed = replace(disk, iotune=None if tune == IoTune() else tune)
    disks = tuple(changed if each is disk else each for each in definition.devices.disks)
    return replace(definition, devices=replace(definition.devices, disks=disks))
