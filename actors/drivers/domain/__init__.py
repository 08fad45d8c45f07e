"""What the domains of every driver have in common: definitions, state, events, and the calls that follow from them.

A driver's own domain class says how its hypervisor does things, in the coroutines of domain_object's section «what a
driver provides»; everything a caller sees (which states allow a call, what is answered, which events are told) is
here, a mixin per kind of call, so that drivers cannot differ in it.
"""

from .definitions import Definitions
from .domain_object import DomainObject, check_flags, internal_call, uuid_bytes
from .life import Life
from .messages import DestroyWithSession, Gone, SessionClosed, Surroundings
from .queries import Queries


class Domain(Definitions, Life, Queries):
    """A domain of any driver."""


__all__ = [
    "Definitions",
    "DestroyWithSession",
    "Domain",
    "DomainObject",
    "Gone",
    "Life",
    "Queries",
    "SessionClosed",
    "Surroundings",
    "check_flags",
    "internal_call",
    "uuid_bytes",
]
