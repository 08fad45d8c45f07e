"""A domain's document on demand: with the processor that `host-model` stands for on this host."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from ....wire.documents.domain import format_domain, without_live
from ....wire.enums.domain import DomainXMLFlags
from ....wire.table import DomainRef
from ...call import Call
from .guest import Guest
from .host_models import with_named_model

XML_FLAGS = int(~DomainXMLFlags(0))
_UPDATE_CPU = int(DomainXMLFlags.UPDATE_CPU)


class GuestDocuments(Guest):
    """How a qemu domain is shown."""

    async def _shown_with_processor(self, flags: int) -> tuple[str]:
        """The document with what a start would make of its processor. Raises VirtError where that cannot be told."""
        definition = self.definition
        if flags & DomainXMLFlags.INACTIVE:
            definition = self.persistent or without_live(definition)
        capabilities = await self.around.capabilities(definition)
        cpus = await self.around.cpus(definition, capabilities)
        if cpus is not None:
            definition = with_named_model(definition, cpus)
        return (format_domain(definition, secure=bool(flags & DomainXMLFlags.SECURE)),)

    def domain_get_xml_desc(
        self, call: Call, dom: DomainRef, flags: int
    ) -> tuple[str] | Coroutine[Any, Any, tuple[str]]:
        self.check_flags(call, flags, XML_FLAGS)
        if flags & _UPDATE_CPU and (flags & DomainXMLFlags.INACTIVE or not self.active):
            return self._shown_with_processor(flags)
        # A live document says it anyway, and is what another host has to know.
        return super().domain_get_xml_desc(call, dom, flags)
