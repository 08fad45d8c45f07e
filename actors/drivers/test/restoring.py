"""The test driver's calls about files that domains were saved to."""

from __future__ import annotations

from dataclasses import replace

from ....wire.documents.domain import complete, format_domain, parse_domain, without_live
from ....wire.enums.domain import DomainXMLFlags
from ....wire.enums.domain_tuning import DomainSaveRestoreFlags
from ....wire.enums.error import ErrorNumber
from ....wire.errors import UnsupportedConfig
from ...call import Call
from ..domain import check_flags
from ..domain_driver import DomainDriver
from .saved import read_saved, write_saved

_STATES = DomainSaveRestoreFlags.RUNNING | DomainSaveRestoreFlags.PAUSED


class Restoring(DomainDriver):
    """A mixin for the driver. Files are read in threads; the call goes on to the domain when its name is known."""

    def domain_restore(self, call: Call, path: str) -> object:
        return self.domain_restore_flags(call, path, None, 0)

    async def domain_restore_flags(self, call: Call, path: str, dxml: str | None, flags: int) -> object:
        check_flags(call, flags, 0)
        if dxml is not None:
            raise UnsupportedConfig("xml modification unsupported", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        _, definition = await self.runtime.in_thread(read_saved, path)
        self.check_definition(definition)
        return self.hand_over_to_start(call, definition, "restore")

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
