"""What applications and people note on a domain: title, description, and elements of applications' own."""

from __future__ import annotations

from ....wire.documents.domain import DomainDefinition
from ....wire.enums.error import ErrorDomain
from ....wire.errors import NoDomainMetadata
from ....wire.table import ROWS, DomainRef
from ...call import Call
from ..notes import check_note, check_type, check_uri, note_of, with_note
from .domain_object import DomainObject
from .flags import IMPACTS, check_one_impact

_ROW = ROWS["domain_event_callback_metadata_change"]
_AREA = ErrorDomain.DOMAIN


class Metadata(DomainObject):
    """Calls about notes."""

    def domain_get_metadata(self, call: Call, dom: DomainRef, type: int, uri: str | None, flags: int) -> tuple[str]:
        check_one_impact(flags)
        check_uri(call, type, uri, _AREA)
        self.check_flags(call, flags, IMPACTS)
        check_type(type, _AREA)
        found = note_of(self.definition_for(flags), type, uri)
        if found is None:
            raise NoDomainMetadata("Requested metadata element is not present", domain=_AREA)
        return (found,)

    async def domain_set_metadata(
        self, call: Call, dom: DomainRef, type: int, metadata: str | None, key: str | None, uri: str | None, flags: int
    ) -> None:
        check_note(call, type, metadata, key, uri, _AREA)
        self.check_flags(call, flags, IMPACTS)
        check_type(type, _AREA)

        def noted(definition: DomainDefinition) -> DomainDefinition:
            return with_note(definition, type, metadata, key, uri)

        await self.change_documents(flags, noted)
        self.publish(_ROW, type, uri)
