"""The host's interfaces as the test driver makes them up. They are up or down by being said to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ....wire.documents.interface import InterfaceDefinition, parse_interface
from ....wire.documents.schemas import INTERFACE
from ....wire.enums.error import ErrorDomain
from ....wire.enums.network import InterfaceDefineFlags
from ....wire.errors import OperationInvalid
from ....wire.table.structs import InterfaceRef
from ...call import Call
from ...runtime import Runtime
from ..domain import check_flags
from ..handle import PartHandle
from ..interface import HostInterface, InterfaceDriver, InterfaceOwner
from ..validation import check_document


class TestInterfaceDriver(InterfaceDriver):
    """Interfaces in memory; ``before`` is what there was when the transaction that is open began."""

    __test__ = False
    xml_flags = 0

    def __init__(self, runtime: Runtime, initial: Sequence[InterfaceDefinition]) -> None:
        super().__init__(runtime)
        found = [HostInterface(definition, active=True) for definition in initial]
        self.interfaces = {interface.name: interface for interface in found}
        self.before: dict[str, HostInterface] | None = None

    async def interface_define_xml(self, call: Call, xml: str, flags: int) -> tuple[InterfaceRef]:
        check_flags(call, flags, InterfaceDefineFlags.VALIDATE)
        if flags & InterfaceDefineFlags.VALIDATE:
            await check_document(self.runtime, xml, INTERFACE)
        made = HostInterface(parse_interface(xml, strict=False))
        known = self.interfaces.get(made.name)
        self.interfaces[made.name] = replace(made, active=known is not None and known.active)
        return (made.wire_ref(),)

    def interface_undefine(self, call: Call, iface: InterfaceRef) -> None:
        del self.interfaces[self.find(iface.name).name]

    def interface_create(self, call: Call, iface: InterfaceRef, flags: int) -> None:
        check_flags(call, flags, 0)
        self._switch(iface, active=True)

    def interface_destroy(self, call: Call, iface: InterfaceRef, flags: int) -> None:
        check_flags(call, flags, 0)
        self._switch(iface, active=False)

    def _switch(self, iface: InterfaceRef, *, active: bool) -> None:
        interface = self.find(iface.name)
        if interface.active == active:
            raise OperationInvalid(object=interface.name)
        self.interfaces[interface.name] = replace(interface, active=active)

    # -- transactions --------------------------------------------------------------------------------------------------

    def interface_change_begin(self, call: Call, flags: int) -> None:
        check_flags(call, flags, 0)
        if self.before is not None:
            raise OperationInvalid("there is another transaction running.")
        # libvirt's copies are down: what a rollback brings back has to be started again.
        self.before = {name: replace(interface, active=False) for name, interface in self.interfaces.items()}

    def interface_change_commit(self, call: Call, flags: int) -> None:
        check_flags(call, flags, 0)
        if self.before is None:
            raise OperationInvalid("no transaction running, nothing to be committed.")
        self.before = None

    def interface_change_rollback(self, call: Call, flags: int) -> None:
        check_flags(call, flags, 0)
        if self.before is None:
            raise OperationInvalid("no transaction running, nothing to rollback.")
        self.interfaces, self.before = self.before, None


def open_interfaces(runtime: Runtime, initial: Sequence[InterfaceDefinition]) -> PartHandle:
    """Start the interface part of a test driver; the initial interfaces are up."""
    directory = InterfaceOwner()
    directory.owner = TestInterfaceDriver.start(runtime, initial)
    return PartHandle(directory.owner, directory, ErrorDomain.TEST)
