"""What a domain is asked about itself: state, figures, definition."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from ....wire.documents.domain import format_domain, without_live
from ....wire.enums.domain import DomainControlState, DomainXMLFlags
from ....wire.table import DomainRef
from ...call import Call
from .domain_object import DomainObject

# As plain numbers: Python's flags take a microsecond for each look at them.
_SECURE, _INACTIVE = int(DomainXMLFlags.SECURE), int(DomainXMLFlags.INACTIVE)


class Queries(DomainObject):
    """Questions that the state at hand answers."""

    def domain_get_state(self, call: Call, dom: DomainRef, flags: int) -> tuple[int, int]:
        self.check_flags(call, flags, 0)
        return int(self.state), int(self.reason)

    def domain_get_info(self, call: Call, dom: DomainRef) -> tuple[int, int, int, int, int]:
        definition = self.definition
        memory = self.current_memory() if self.active else (definition.current_memory or definition.memory)
        vcpus = definition.current_vcpus or definition.vcpus or 1
        return int(self.state), definition.memory, memory, vcpus, self.cpu_time()

    def current_memory(self) -> int:
        """What the running guest's balloon leaves it, in KiB."""
        return self.definition.current_memory or self.definition.memory

    def domain_get_control_info(self, call: Call, dom: DomainRef, flags: int) -> tuple[int, int, int]:
        self.check_flags(call, flags, 0)
        self.require_active()
        held = self.holder()
        if held is None:
            return int(DomainControlState.OK), 0, 0
        return int(DomainControlState.JOB), 0, int(held[1] * 1000)

    def domain_get_xml_desc(
        self, call: Call, dom: DomainRef, flags: int
    ) -> tuple[str] | Coroutine[Any, Any, tuple[str]]:
        self.check_flags(call, flags, _SECURE | _INACTIVE)
        definition = self.definition
        if flags & _INACTIVE:
            definition = self.persistent or without_live(definition)
        return (format_domain(definition, secure=bool(flags & _SECURE)),)

    def domain_get_autostart(self, call: Call, dom: DomainRef) -> tuple[int]:
        return (int(self.autostart),)

    def domain_get_os_type(self, call: Call, dom: DomainRef) -> tuple[str]:
        return (self.definition.os.type,)

    def domain_is_active(self, call: Call, dom: DomainRef) -> tuple[int]:
        return (int(self.active),)

    def domain_is_persistent(self, call: Call, dom: DomainRef) -> tuple[int]:
        return (int(self.persistent is not None),)

    def domain_is_updated(self, call: Call, dom: DomainRef) -> tuple[int]:
        return (int(self.updated),)
