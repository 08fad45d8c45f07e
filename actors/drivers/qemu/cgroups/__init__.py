"""Limits by Linux's control groups: a group for each guest, below its partition, and in it one for each of its threads
that has limits of its own.

Linux has two versions of them, and a host may have some controllers in the one and some in the other (`hierarchies`).
`version1` and `version2` say into which files a limit goes and how it is written there; `guest_groups` makes the groups
and writes. What this host's groups do not do is refused by its name in the definition.
"""

from .guest_groups import GuestGroups, ProcessorTime
from .hierarchies import Hierarchy, Source, hierarchies
from .settings import USUAL_SHARES, USUAL_WEIGHT

__all__ = ["USUAL_SHARES", "USUAL_WEIGHT", "GuestGroups", "Hierarchy", "ProcessorTime", "Source", "hierarchies"]
