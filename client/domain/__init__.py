"""One domain, as its caller sees it: libvirt's ``virDomainPtr`` with Python's shapes.

What most programs do with a domain are its own methods (start, suspend, save, xml, …). The rest stands in parts, by
subject: ``guest.memory.set(kib)``, ``guest.vcpus.pin(0, {1, 2})``, ``guest.disks["vda"].stats()``,
``guest.agent.hostname()``. A part's module is imported when it is first asked for.
"""

from .domain import Domain
from .life import start_flags
from .state import REASONS, DomainControlInfo, DomainInfo, state_and_reason

__all__ = [
    "REASONS",
    "Domain",
    "DomainControlInfo",
    "DomainInfo",
    "start_flags",
    "state_and_reason",
]
