"""What the interface parts of drivers have in common: look-ups, lists and documents of the host's interfaces.

One actor owns all interfaces of a host, and each call about one of them comes to it: they are changed together, by
transactions that cover them all, and nothing that is done with one takes long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pykka

from ...wire.documents.interface import InterfaceDefinition, format_interface
from ...wire.enums.error import ErrorNumber
from ...wire.enums.network import ConnectListAllInterfacesFlags as ListFlags
from ...wire.enums.network import InterfaceXMLFlags
from ...wire.errors import InvalidArgument, NoInterface
from ...wire.table.structs import InterfaceRef
from ..call import Call
from ..objects import CallTarget
from ..runtime import Runtime
from .domain import check_flags


class InterfaceOwner:
    """Where calls about an interface go: to the actor that owns them all, which says whether there is such a one."""

    def __init__(self) -> None:
        self.owner: pykka.ActorRef[Any] | None = None

    def ref_of(self, reference: InterfaceRef) -> pykka.ActorRef[Any]:
        if self.owner is None:
            raise self.gone(reference)
        return self.owner

    def gone(self, reference: InterfaceRef) -> NoInterface:
        return missing("name", reference.name)


@dataclass(frozen=True, slots=True)
class HostInterface:
    """An interface: how it is configured, and whether it is up."""

    definition: InterfaceDefinition
    active: bool = False

    @property
    def name(self) -> str:
        assert self.definition.name is not None
        return self.definition.name

    def wire_ref(self) -> InterfaceRef:
        return InterfaceRef(self.name, self.definition.mac or "")

    def passes(self, flags: int) -> bool:
        """Whether it is among those that a list asks for by virConnectListAllInterfacesFlags."""
        return not flags or bool(flags & (ListFlags.ACTIVE if self.active else ListFlags.INACTIVE))


class InterfaceDriver(CallTarget):
    """The interface part of a driver; subclasses say what can be done with interfaces."""

    label = "interface driver"
    xml_flags: int = InterfaceXMLFlags.INACTIVE

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.interfaces: dict[str, HostInterface] = {}

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Call):
            return self.answer(message)
        return super().on_receive(message)

    def find(self, name: str) -> HostInterface:
        """The interface of that name. Raises NoInterface."""
        if (found := self.interfaces.get(name)) is None:
            raise missing("name", name)
        return found

    def select(self, flags: int) -> list[HostInterface]:
        return [interface for interface in self.interfaces.values() if interface.passes(flags)]

    # -- calls ---------------------------------------------------------------------------------------------------------

    def connect_num_of_interfaces(self, call: Call) -> tuple[int]:
        return (len(self.select(ListFlags.ACTIVE)),)

    def connect_num_of_defined_interfaces(self, call: Call) -> tuple[int]:
        return (len(self.select(ListFlags.INACTIVE)),)

    def connect_list_interfaces(self, call: Call, maxnames: int) -> tuple[list[str]]:
        return self._names(maxnames, ListFlags.ACTIVE)

    def connect_list_defined_interfaces(self, call: Call, maxnames: int) -> tuple[list[str]]:
        return self._names(maxnames, ListFlags.INACTIVE)

    def _names(self, maxnames: int, flags: int) -> tuple[list[str]]:
        if maxnames < 0:
            raise InvalidArgument(f"maxnames is {maxnames}, expected 0 or more")
        return ([interface.name for interface in self.select(flags)][:maxnames],)

    def connect_list_all_interfaces(self, call: Call, need_results: int, flags: int) -> tuple[list[InterfaceRef], int]:
        check_flags(call, flags, ListFlags.ACTIVE | ListFlags.INACTIVE)
        found = self.select(flags)
        return [interface.wire_ref() for interface in found] if need_results else [], len(found)

    def interface_lookup_by_name(self, call: Call, name: str) -> tuple[InterfaceRef]:
        return (self.find(name).wire_ref(),)

    def interface_lookup_by_mac_string(self, call: Call, mac: str) -> tuple[InterfaceRef]:
        wanted = mac.lower()
        found = [each for each in self.interfaces.values() if (each.definition.mac or "").lower() == wanted]
        if not found:
            raise missing("mac", mac)
        if len(found) > 1:
            raise NoInterface(code=ErrorNumber.MULTIPLE_INTERFACES)
        return (found[0].wire_ref(),)

    def interface_get_xml_desc(self, call: Call, iface: InterfaceRef, flags: int) -> tuple[str]:
        check_flags(call, flags, self.xml_flags)
        return (format_interface(self.find(iface.name).definition),)

    def interface_is_active(self, call: Call, iface: InterfaceRef) -> tuple[int]:
        return (int(self.find(iface.name).active),)


def missing(what: str, value: str) -> NoInterface:
    return NoInterface(f"no interface with matching {what} '{value}'")
