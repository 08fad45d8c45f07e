"""Definitions: kept, replaced and dropped, and the autostart mark that goes with them."""

from __future__ import annotations

import dataclasses

from ....wire.documents.domain import DomainDefinition
from ....wire.enums.domain import DomainUndefineFlagsValues
from ....wire.errors import OperationInvalid
from ....wire.table import DomainRef
from ...call import Call
from ...lifecycle import DEFINITION_EVENTS, Happening
from .domain_object import DomainObject, check_flags

_UNDEFINE_FLAGS = ~DomainUndefineFlagsValues(0)


class Definitions(DomainObject):
    """Calls about the persistent definition."""

    async def define(self, call: Call, definition: DomainDefinition) -> tuple[DomainRef]:
        """Keep a definition (the driver forwards virDomainDefineXMLFlags here once the names are ours)."""
        definition = dataclasses.replace(await self.complete(definition), id=None)
        await self.save_definition(definition)
        known = self.persistent is not None
        self.persistent = definition
        self.updated = self.active
        self.publish_lifecycle(DEFINITION_EVENTS[Happening.REDEFINED if known else Happening.DEFINED])
        self.tell_summary()
        return (self.wire_ref(),)

    async def domain_undefine_flags(self, call: Call, dom: DomainRef, flags: int) -> None:
        check_flags(call, flags, _UNDEFINE_FLAGS)
        if self.persistent is None:
            raise OperationInvalid("cannot undefine transient domain", object=self.name)
        await self.check_undefine(flags)
        await self.delete_definition()
        self.persistent = None
        self.autostart = False
        self.publish_lifecycle(DEFINITION_EVENTS[Happening.UNDEFINED])
        self.tell_summary()

    async def check_undefine(self, flags: int) -> None:
        """Refuse to undefine what holds something that the flags do not give up. Raises OperationInvalid."""

    async def domain_set_autostart(self, call: Call, dom: DomainRef, autostart: int) -> None:
        if self.persistent is None:
            raise OperationInvalid("cannot set autostart for transient domain", object=self.name)
        if bool(autostart) != self.autostart:
            await self.save_autostart(bool(autostart))
            self.autostart = bool(autostart)
            self.tell_summary()
