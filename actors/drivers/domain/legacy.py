"""Calls of libvirt's first years that newer ones with flags do as well."""

from __future__ import annotations

from ....wire.table import DomainRef
from ...call import Call
from .definitions import Definitions
from .life import Life


class Legacy(Definitions, Life):
    """Old numbers for what is done elsewhere."""

    async def domain_create(self, call: Call, dom: DomainRef) -> None:
        await self.domain_create_with_flags(call, dom, 0)

    async def domain_create_with_files(self, call: Call, dom: DomainRef, flags: int) -> tuple[DomainRef]:
        return await self.domain_create_with_flags(call, dom, flags)

    async def domain_destroy(self, call: Call, dom: DomainRef) -> None:
        await self.domain_destroy_flags(call, dom, 0)

    async def domain_shutdown(self, call: Call, dom: DomainRef) -> None:
        await self.domain_shutdown_flags(call, dom, 0)

    async def domain_undefine(self, call: Call, dom: DomainRef) -> None:
        await self.domain_undefine_flags(call, dom, 0)

    async def domain_save(self, call: Call, dom: DomainRef, to: str) -> None:
        await self.domain_save_flags(call, dom, to, None, 0)

    async def domain_core_dump(self, call: Call, dom: DomainRef, to: str, flags: int) -> None:
        await self.domain_core_dump_with_format(call, dom, to, 0, flags)
