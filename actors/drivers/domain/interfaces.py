"""Limits on network cards, and how to find one."""

from __future__ import annotations

from dataclasses import replace

from ....wire.documents.domain import DomainDefinition, Interface, InterfaceBandwidth, Traffic
from ....wire.enums.error import ErrorDomain, ErrorNumber
from ....wire.errors import InvalidArgument
from ....wire.params import ParamType, TypedParam
from ....wire.table import DomainRef
from ...call import Call
from .domain_object import DomainObject
from .flags import IMPACTS, TEXT_OKAY
from .iothreads import check_not_empty
from .typed_params import check_names, first

_LIMITS = (
    "inbound.average", "inbound.peak", "inbound.burst", "inbound.floor", "outbound.average", "outbound.peak",
    "outbound.burst",
)  # fmt: skip


def find_interface(definition: DomainDefinition, name: str) -> Interface:
    """The card of that MAC, or whose host's end is called so. Raises InvalidArgument."""
    cards = definition.devices.interfaces
    found = [card for card in cards if card.mac == name.lower()] if ":" in name else []
    found = found or [card for card in cards if card.target == name]
    if not found:
        raise InvalidArgument(f"'{name}' is not a known interface", domain=ErrorDomain.DOMAIN)
    if len(found) > 1:
        raise InvalidArgument(
            f"multiple devices matching MAC address {name} found",
            domain=ErrorDomain.DOMAIN,
            code=ErrorNumber.OPERATION_FAILED,
        )
    return found[0]


class Interfaces(DomainObject):
    """Calls about network cards that their definitions answer."""

    def domain_get_interface_parameters(
        self, call: Call, dom: DomainRef, device: str, nparams: int, flags: int
    ) -> tuple[list[TypedParam], int]:
        self.check_flags(call, flags, IMPACTS | TEXT_OKAY)
        limits = find_interface(self.definition_for(flags & IMPACTS), device).bandwidth or InterfaceBandwidth()
        found = [TypedParam(name, ParamType.UINT, _limit(limits, name)) for name in _LIMITS]
        return first(found, nparams)

    async def domain_set_interface_parameters(
        self, call: Call, dom: DomainRef, device: str, params: list[TypedParam], flags: int
    ) -> None:
        check_not_empty(call, params)
        self.check_flags(call, flags, IMPACTS)
        check_names(params, dict.fromkeys(_LIMITS, ParamType.UINT))
        values = {param.field: int(param.value) for param in params}

        def changed(definition: DomainDefinition) -> DomainDefinition:
            card = find_interface(definition, device)
            limited = replace(card, bandwidth=_with_limits(card.bandwidth or InterfaceBandwidth(), values))
            cards = tuple(limited if each is card else each for each in definition.devices.interfaces)
            return replace(definition, devices=replace(definition.devices, interfaces=cards))

        await self.change_definition(call, flags, changed)


def _limit(bandwidth: InterfaceBandwidth, name: str) -> int:
    direction, _, limit = name.partition(".")
    traffic = getattr(bandwidth, direction)
    return (getattr(traffic, limit) or 0) if traffic is not None else 0


def _with_limits(bandwidth: InterfaceBandwidth, values: dict[str, int]) -> InterfaceBandwidth:
    """The limits with others. A direction is limited by its average or floor: of both 0, its limits are gone."""
    for direction in ("inbound", "outbound"):
        said = {name.partition(".")[2]: value or None for name, value in values.items() if name.startswith(direction)}
        if "average" not in said and "floor" not in said:
            continue
        traffic: Traffic | None = None
        if said.get("average") or said.get("floor"):
            traffic = replace(Traffic(), **said)
        bandwidth = replace(bandwidth, **{direction: traffic})
    return bandwidth
