"""Saving the guest to a file, or where its next start finds it, and writing its memory for debuggers."""

from __future__ import annotations

from ....wire.documents.domain import format_domain
from ....wire.enums.domain_tuning import DomainCoreDumpFlags, DomainSaveRestoreFlags
from ....wire.errors import NotSupported, OperationInvalid
from ....wire.params import ParamType, TypedParam, values_of
from ....wire.table import DomainRef
from ...call import Call
from ...lifecycle import Happening
from .domain_object import DomainObject
from .flags import refusal
from .typed_params import check_names

_SAVE_FLAGS = ~DomainSaveRestoreFlags(0)
_RUN_STATES = DomainSaveRestoreFlags.RUNNING | DomainSaveRestoreFlags.PAUSED


class Saving(DomainObject):
    """Calls that write a guest to a file."""

    async def domain_save_flags(self, call: Call, dom: DomainRef, to: str, dxml: str | None, flags: int) -> None:
        self.check_flags(call, flags, _SAVE_FLAGS)
        _check_run_states(flags)
        xml = await self.document_to_save(dxml)
        self.require_active()
        await self.save_guest(call, to, xml or format_domain(self.definition, secure=True), flags)
        self.happen(Happening.SAVED)
        await self.live_state_saved()

    async def domain_save_params(self, call: Call, dom: DomainRef, params: list[TypedParam], flags: int) -> None:
        check_names(params, {"file": ParamType.STRING, "dxml": ParamType.STRING})
        values = values_of(params)
        if "file" not in values:
            raise NotSupported(call.row.api)
        dxml = values.get("dxml")
        await self.domain_save_flags(call, dom, str(values["file"]), None if dxml is None else str(dxml), flags)

    async def document_to_save(self, dxml: str | None) -> str | None:
        """The document that a saved guest is to have instead of its own, checked. Raises UnsupportedConfig."""
        return dxml

    # -- managed -------------------------------------------------------------------------------------------------------

    async def domain_managed_save(self, call: Call, dom: DomainRef, flags: int) -> None:
        self.check_flags(call, flags, _SAVE_FLAGS)
        _check_run_states(flags)
        self.require_active()
        if self.persistent is None:
            raise OperationInvalid("cannot do managed save for transient domain", object=self.name)
        await self.keep_managed(call, flags)
        self.has_managed_save = True
        self.happen(Happening.SAVED)
        await self.live_state_saved()

    def domain_has_managed_save_image(self, call: Call, dom: DomainRef, flags: int) -> tuple[int]:
        self.check_flags(call, flags, 0)
        return (int(self.has_managed_save),)

    async def domain_managed_save_remove(self, call: Call, dom: DomainRef, flags: int) -> None:
        self.check_flags(call, flags, 0)
        await self.forget_managed()

    async def forget_managed(self) -> None:
        """Remove the saved guest, if there is one."""
        if self.has_managed_save:
            await self.drop_managed()
            self.has_managed_save = False
            self.tell_summary()

    # -- dumps ---------------------------------------------------------------------------------------------------------

    async def domain_core_dump_with_format(
        self, call: Call, dom: DomainRef, to: str, dumpformat: int, flags: int
    ) -> None:
        _check_dump(flags)
        self.check_flags(call, flags, ~DomainCoreDumpFlags(0))
        self.require_active()
        await self.dump_guest(call, to, dumpformat, flags)
        if flags & DomainCoreDumpFlags.CRASH:
            await self.kill(call, graceful=False)
            self.happen(Happening.DUMPED)


def _check_run_states(flags: int) -> None:
    if flags & _RUN_STATES == _RUN_STATES:
        raise refusal("Flags 'VIR_DOMAIN_SAVE_RUNNING' and 'VIR_DOMAIN_SAVE_PAUSED' are mutually exclusive")


def _check_dump(flags: int) -> None:
    names = (("CRASH", "LIVE"), ("CRASH", "RESET"), ("LIVE", "RESET"))
    for one, other in names:
        both = DomainCoreDumpFlags[one] | DomainCoreDumpFlags[other]
        if flags & both == both:
            raise refusal(f"Flags 'VIR_DUMP_{one}' and 'VIR_DUMP_{other}' are mutually exclusive")
