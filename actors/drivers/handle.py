"""What the rest of the daemon knows of a driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pykka

from ...wire.enums.error import ErrorDomain
from ...wire.table import Part


class Finder(Protocol):
    """What the router asks of a part's directory."""

    def ref_of(self, reference: Any) -> pykka.ActorRef[Any]:
        """The actor of the object that a call names, or of its owner. Raises the error of a missing one."""
        ...

    def gone(self, reference: Any) -> Exception:
        """The error for an object that ended while a call was on its way to it."""
        ...


# Where errors come from that no driver raised: the public functions of libvirt's library, an area per part.
LIBRARY_ERRORS: Mapping[Part, ErrorDomain] = {
    Part.DOMAIN: ErrorDomain.DOMAIN,
    Part.NETWORK: ErrorDomain.NETWORK,
    Part.STORAGE: ErrorDomain.STORAGE,
    Part.INTERFACE: ErrorDomain.INTERFACE,
    Part.NODE_DEVICE: ErrorDomain.NODEDEV,
    Part.SECRET: ErrorDomain.SECRET,
    Part.NWFILTER: ErrorDomain.NWFILTER,
}


@dataclass(frozen=True, slots=True, eq=False)
class PartHandle:
    """One part of a driver: the actor that answers what is about no single object, and the directory of its objects.

    ``errors`` is the area that its errors come from where they do not say one themselves.
    """

    ref: pykka.ActorRef[Any]
    directory: Finder
    errors: ErrorDomain = ErrorDomain.NONE


@dataclass(frozen=True, slots=True, eq=False)
class DriverHandle:
    """One instance of a driver: its parts, and the log of the events of all of them.

    ``features`` are what it has beyond what every driver has (wire.enums.connect.Feature), such as migration.
    """

    name: str
    parts: Mapping[Part, PartHandle]
    events: pykka.ActorRef[Any]
    features: frozenset[int] = frozenset()

    @property
    def ref(self) -> pykka.ActorRef[Any]:
        """The driver of domains."""
        return self.parts[Part.DOMAIN].ref
