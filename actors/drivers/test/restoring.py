"""The test driver's calls about files that domains were saved to."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from ....wire.documents.domain import complete, format_domain, parse_domain, without_live
from ....wire.enums.domain import DomainXMLFlags
from ....wire.enums.domain_tuning import DomainSaveRestoreFlags
from ....wire.enums.error import ErrorDomain, ErrorNumber
from ....wire.errors import OperationInvalid, UnsupportedConfig
from ...call import FORWARDED, Call
from ..domain import check_flags, uuid_bytes
from ..domain_driver import DomainDriver
from .saved import read_saved, write_saved

_STATES = DomainSaveRestoreFlags.RUNNING | DomainSaveRestoreFlags.PAUSED


class Restoring(DomainDriver):
    """A mixin for the driver. Files are read in threads; the call goes on to the domain when its name is known."""

    def domain_restore(self, call: Call, path: str) -> object:
        return self.domain_restore_flags(call, path, None, 0)

    def domain_restore_flags(self, call: Call, path: str, dxml: str | None, flags: int) -> object:
        check_flags(call, flags, 0)
        if dxml is not None:
            raise UnsupportedConfig("xml modification unsupported", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        self.spawn(self._answered(call, self._restore(call, path)), name="restore")
        return FORWARDED

    async def _restore(self, call: Call, path: str) -> None:
        _, definition = await self.runtime.in_thread(read_saved, path)
        self.check_definition(definition)
        entry = self.directory.claim(definition.name, uuid_bytes(definition))
        if entry is not None and entry.summary.id >= 0:
            raise OperationInvalid(
                f"domain '{entry.name}' is already active", domain=ErrorDomain.DOMAIN, object=entry.name
            )
        self.hand_over(call, definition, "restore")

    async def _answered(self, call: Call, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            call.fail(self.gone())
            raise
        except Exception as error:
            call.fail(error)

    async def domain_save_image_get_xml_desc(self, call: Call, file: str, flags: int) -> tuple[str]:
        check_flags(call, flags, DomainXMLFlags.SECURE)
        _, definition = await self.runtime.in_thread(read_saved, file)
        definition = complete(without_live(definition), bus_of_sd="scsi")
        return (format_domain(definition, secure=bool(flags & DomainXMLFlags.SECURE)),)

    async def domain_save_image_define_xml(self, call: Call, file: str, dxml: str, flags: int) -> None:
        check_flags(call, flags, _STATES)
        saved, _ = await self.runtime.in_thread(read_saved, file)
        changed = parse_domain(dxml, strict=False)
        xml = format_domain(replace(changed, id=None), secure=True)
        if xml != saved:
            await self.runtime.in_thread(write_saved, file, changed.name, xml)
