"""Definitions: kept, replaced and dropped, the name, and the marks that go with them."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import get_args

from ....wire.documents.domain import DomainDefinition
from ....wire.documents.domain.definition import CrashAction, LifecycleAction
from ....wire.enums.domain import DomainUndefineFlagsValues
from ....wire.enums.error import ErrorDomain
from ....wire.errors import InvalidArgument, OperationInvalid, UnsupportedConfig, XMLError
from ....wire.table import DomainRef
from ...call import Call
from ...lifecycle import DEFINITION_EVENTS, Happening
from ...runtime import send
from .flags import IMPACTS, refusal
from .messages import Rename
from .saving import Saving

_UNDEFINE_FLAGS = ~DomainUndefineFlagsValues(0)
# What a definition says of each end of the guest, by virDomainLifecycle, with the actions that it may name.
_ENDS = ("on_poweroff", "on_reboot", "on_crash")
_ACTIONS: tuple[CrashAction, ...] = get_args(CrashAction)


class Definitions(Saving):
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
        self.check_flags(call, flags, _UNDEFINE_FLAGS)
        self.require_persistent("undefine")
        if self.has_managed_save and not flags & DomainUndefineFlagsValues.MANAGED_SAVE:
            raise OperationInvalid("Refusing to undefine while domain managed save image exists", object=self.name)
        await self.check_undefine(flags)
        await self.forget_managed()
        await self.delete_definition()
        self.persistent = None
        self.autostart = False
        self.publish_lifecycle(DEFINITION_EVENTS[Happening.UNDEFINED])
        self.tell_summary()

    async def check_undefine(self, flags: int) -> None:
        """Refuse to undefine what holds something that the flags do not give up. Raises OperationInvalid."""

    async def domain_set_autostart(self, call: Call, dom: DomainRef, autostart: int) -> None:
        self.require_persistent("set autostart for")
        if bool(autostart) != self.autostart:
            await self.save_autostart(bool(autostart))
            self.autostart = bool(autostart)
            self.tell_summary()

    # -- name ----------------------------------------------------------------------------------------------------------

    async def domain_rename(self, call: Call, dom: DomainRef, new_name: str | None, flags: int) -> tuple[int]:
        if not new_name:
            raise refusal(f"string new_name in {call.row.api} must not be empty")
        self.check_flags(call, flags, 0)
        if self.active:
            raise OperationInvalid("cannot rename active domain", object=self.name)
        self.require_persistent("rename")
        if "/" in new_name:
            raise XMLError(f"name {new_name} cannot contain '/'")
        await self.check_rename()
        await self._change_name(new_name)
        return (0,)

    async def check_rename(self) -> None:
        """Refuse to rename what holds something under its name. Raises OperationInvalid."""
        if self.has_managed_save:
            raise OperationInvalid("domain with a managed saved state can't be renamed", object=self.name)

    async def _change_name(self, new: str) -> None:
        assert self.persistent is not None
        old = self.name
        await self._claim(new)
        definition = dataclasses.replace(self.persistent, name=new)
        self.name = new
        try:
            await self.move_definition(definition, old)
        except BaseException:
            self.name = old
            await asyncio.shield(self._claim(old))
            raise
        self.name = old
        self.publish_lifecycle(DEFINITION_EVENTS[Happening.RENAMED_FROM])
        self.name, self.persistent = new, definition
        self.publish_lifecycle(DEFINITION_EVENTS[Happening.RENAMED_TO])

    async def _claim(self, name: str) -> None:
        """Have the driver call this domain so. It answers at once, so that waiting for it holds up nobody."""
        done = asyncio.get_running_loop().create_future()
        send(self.around.driver, Rename(self.uuid, name, done))
        await done

    # -- ends of the guest ---------------------------------------------------------------------------------------------

    async def domain_set_lifecycle_action(self, call: Call, dom: DomainRef, type: int, action: int, flags: int) -> None:
        if type >= len(_ENDS):
            raise InvalidArgument(f"invalid lifecycle type '{type}'", domain=ErrorDomain.DOMAIN)
        if action >= len(_ACTIONS):
            raise InvalidArgument(f"invalid lifecycle action '{action}'", domain=ErrorDomain.DOMAIN)
        self.check_flags(call, flags, IMPACTS)
        end, name = _ENDS[type], _ACTION_NAMES[action]
        if end != "on_crash" and name not in get_args(LifecycleAction):
            raise UnsupportedConfig(
                f"Lifecycle event '{end.removeprefix('on_')}' doesn't support '{name}' action",
                domain=ErrorDomain.DOMAIN,
            )

        def change(definition: DomainDefinition) -> DomainDefinition:
            changed = dataclasses.replace(definition, **{end: name})
            self.check_ends(changed)
            return changed

        await self.change_documents(flags, change)

    def check_ends(self, definition: DomainDefinition) -> None:
        """Refuse what this driver does not do at the ends of a guest (``on_reboot``, …). Raises UnsupportedConfig."""


# By virDomainLifecycleAction.
_ACTION_NAMES = ("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart")
