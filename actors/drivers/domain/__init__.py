"""What the domains of every driver have in common: definitions, state, events, and the calls that follow from them.

A driver's own domain class says how its hypervisor does things, in the coroutines of domain_object's section «what a
driver provides» and those of the mixins; everything a caller sees (which states allow a call, what is answered, which
events are told) is here, a mixin per kind of call, so that drivers cannot differ in it.
"""

from .definitions import Definitions
from .devices import DeviceChanges
from .disks import Disks
from .domain_object import DomainObject, internal_call, uuid_bytes
from .figures import Figures
from .flags import check_flags
from .interfaces import Interfaces
from .iothreads import IOThreads
from .jobs import Jobs
from .legacy import Legacy
from .life import Life
from .memory import Memory
from .messages import FollowSession, Gone, Rename, SessionClosed, Surroundings, TellFigures
from .metadata import Metadata
from .queries import Queries
from .saving import Saving
from .tuning import Tuning
from .vcpus import Vcpus


class BasicDomain(
    Legacy, Definitions, Life, Saving, Queries, Metadata, Memory, Vcpus, IOThreads, Tuning, Disks, Interfaces, Figures
):
    """What a domain of any driver does, libvirt's test driver among them."""


class Domain(BasicDomain, DeviceChanges, Jobs):
    """A domain of a driver that has guests."""


__all__ = [
    "BasicDomain",
    "Definitions",
    "DeviceChanges",
    "Disks",
    "Domain",
    "DomainObject",
    "Figures",
    "FollowSession",
    "Gone",
    "IOThreads",
    "Interfaces",
    "Jobs",
    "Legacy",
    "Life",
    "Memory",
    "Metadata",
    "Queries",
    "Rename",
    "Saving",
    "SessionClosed",
    "Surroundings",
    "TellFigures",
    "Tuning",
    "Vcpus",
    "check_flags",
    "internal_call",
    "uuid_bytes",
]
