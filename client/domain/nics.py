"""A domain's network interfaces: what goes through them, limits, addresses.

An interface is called by its target (``vnet0``) or its MAC address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...wire.enums.domain_tuning import DomainInterfaceAddressesSource as Source
from ...wire.params import ParamValue
from ...wire.table import ROWS
from ...wire.table.structs import GuestInterface
from ..values import impact
from . import parameters
from .identity import Part

_STATS = ROWS["domain_interface_stats"]
_PARAMETERS = ROWS["domain_get_interface_parameters"]
_SET_PARAMETERS = ROWS["domain_set_interface_parameters"]
_ADDRESSES = ROWS["domain_interface_addresses"]

PARAMETERS_MAX = 16


@dataclass(frozen=True, slots=True)
class InterfaceStats:
    """What the guest received and sent: bytes and packets, those with errors, those dropped; -1 is not known."""

    received_bytes: int
    received_packets: int
    receive_errors: int
    receive_drops: int
    sent_bytes: int
    sent_packets: int
    send_errors: int
    send_drops: int


class Nics(Part):
    """``guest.nics``: iterable (those of its present XML), and ``guest.nics["vnet0"]``."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Nic:
        return Nic(self, name)

    def __iter__(self) -> Iterator[Nic]:
        from xml.etree import ElementTree

        for interface in ElementTree.fromstring(self._domain.xml()).iterfind("devices/interface"):
            named = [(interface.find("target"), "dev"), (interface.find("mac"), "address")]
            names = (found.get(key) for found, key in named if found is not None)
            yield Nic(self, next((name for name in names if name), ""))

    def addresses(self, source: Source | int = Source.LEASE, *, deadline: float | None = None) -> list[GuestInterface]:
        """The guest's addresses (virDomainInterfaceAddresses), from DHCP leases, the agent, or the host's ARP table."""
        return self._call(_ADDRESSES, int(source), 0, deadline=deadline)[0]


class Nic(Part):
    """One interface of a domain's."""

    __slots__ = ("name",)

    def __init__(self, nics: Nics, name: str) -> None:
        super().__init__(nics._domain)
        self.name = name

    def __repr__(self) -> str:
        return f"<Nic {self.name} of {self._domain.name}>"

    def stats(self, *, deadline: float | None = None) -> InterfaceStats:
        """What went through it since the guest's start (virDomainInterfaceStats)."""
        return InterfaceStats(*self._call(_STATS, self.name, deadline=deadline))

    def parameters(
        self, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> dict[str, ParamValue]:
        """Its limits (virDomainGetInterfaceParameters).

        ``inbound.average`` and ``.peak`` in KiB/s, ``.burst`` in KiB; alike ``outbound``.
        """
        return self._parameters(_PARAMETERS, self.name, PARAMETERS_MAX, live=live, config=config, deadline=deadline)

    def set_parameters(
        self,
        values: Mapping[str, int],
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Change some of them (virDomainSetInterfaceParameters)."""
        params = parameters.typed(values, parameters.INTERFACE)
        self._call(_SET_PARAMETERS, self.name, params, impact(live, config), deadline=deadline)
