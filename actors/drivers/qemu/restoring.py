"""The qemu driver's calls about files that guests were saved to."""

from __future__ import annotations

from ....wire.documents.domain import parse_domain
from ....wire.enums.domain import DomainXMLFlags
from ....wire.enums.domain_tuning import DomainSaveRestoreFlags
from ....wire.params import TypedParam, values_of
from ...call import Call
from ..domain import check_flags
from ..domain_driver import DomainDriver
from .images import read_image
from .saving import image_document, redefine_image
from .surroundings import QemuSurroundings

_STATES = DomainSaveRestoreFlags.RUNNING | DomainSaveRestoreFlags.PAUSED


class Restoring(DomainDriver):
    """A mixin for the driver. Files are read in threads; the call goes on to the domain when its name is known."""

    def surroundings(self) -> QemuSurroundings:
        """What the driver gives its domains."""
        raise NotImplementedError

    def domain_restore(self, call: Call, path: str) -> object:
        return self.domain_restore_flags(call, path, None, 0)

    def domain_restore_params(self, call: Call, params: list[TypedParam], flags: int) -> object:
        values = values_of(params)
        dxml = values.get("dxml")
        return self.domain_restore_flags(call, str(values["file"]), None if dxml is None else str(dxml), flags)

    async def domain_restore_flags(self, call: Call, path: str, dxml: str | None, flags: int) -> object:
        check_flags(call, flags, ~DomainSaveRestoreFlags(0))
        image = await self.runtime.in_thread(read_image, path)
        definition = image.definition()
        if dxml is not None:
            definition = await self.surroundings().fitting(definition, parse_domain(dxml))
        self.check_definition(definition)
        return self.hand_over_to_start(call, definition, "restore", image, flags)

    async def domain_save_image_get_xml_desc(self, call: Call, file: str, flags: int) -> tuple[str]:
        check_flags(call, flags, DomainXMLFlags.SECURE)
        image = await self.runtime.in_thread(read_image, file)
        return (image_document(image, flags),)

    async def domain_save_image_define_xml(self, call: Call, file: str, dxml: str, flags: int) -> None:
        check_flags(call, flags, _STATES)
        image = await self.runtime.in_thread(read_image, file)
        await redefine_image(self.surroundings(), image, dxml, flags)
