"""How it is told that what a running guest gets of its host has changed."""

from __future__ import annotations

from ....wire.params import ParamType, TypedParam
from ....wire.table import ROWS
from .domain_object import DomainObject

_ROW = ROWS["domain_event_callback_tunable"]


class Tunables(DomainObject):
    """The event of limits, shares and places."""

    def tell_tuned(self, *told: TypedParam) -> None:
        """Tell what was set, by libvirt's names of it (VIR_DOMAIN_TUNABLE_…), of the running guest alone."""
        self.publish(_ROW, list(told))

    def tell_pinned(self, thread: str, cpuset: str) -> None:
        """Tell where a thread ("vcpupin0") may run now."""
        self.tell_tuned(TypedParam(f"cputune.{thread}", ParamType.STRING, cpuset))
