"""A domain's memory: sizes, statistics, limits, where it lies on the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...wire.enums.domain_tuning import DomainMemoryFlags, DomainMemoryModFlags, DomainMemoryStatTags
from ...wire.params import ParamValue
from ...wire.table import ROWS
from ..values import bits, impact, member_or_number
from . import parameters
from .identity import Part

_SET = ROWS["domain_set_memory_flags"]
_MAXIMUM = ROWS["domain_get_max_memory"]
_STATS = ROWS["domain_memory_stats"]
_SET_STATS_PERIOD = ROWS["domain_set_memory_stats_period"]
_PEEK = ROWS["domain_memory_peek"]
_PARAMETERS = ROWS["domain_get_memory_parameters"]
_SET_PARAMETERS = ROWS["domain_set_memory_parameters"]
_NUMA = ROWS["domain_get_numa_parameters"]
_SET_NUMA = ROWS["domain_set_numa_parameters"]
_START_DIRTY_RATE = ROWS["domain_start_dirty_rate_calc"]

PARAMETERS_MAX = 16
STATS_MAX = 64


@dataclass(frozen=True, slots=True)
class NumaTuning:
    """Where a domain's memory lies on the host: ``nodeset`` as libvirt writes it, ``mode`` of DomainNumatuneMemMode."""

    mode: int
    nodeset: str


class Memory(Part):
    """``guest.memory``. Sizes are in KiB."""

    __slots__ = ()

    def set(self, size: int, *, live: bool = False, config: bool = False, deadline: float | None = None) -> None:
        """Give the guest ``size`` KiB, by its balloon while it runs (virDomainSetMemoryFlags)."""
        self._call(_SET, size, impact(live, config), deadline=deadline)

    def set_maximum(
        self, size: int, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> None:
        """Let the guest have at most ``size`` KiB (virDomainSetMemoryFlags with MAXIMUM)."""
        self._call(_SET, size, impact(live, config) | DomainMemoryModFlags.MAXIMUM, deadline=deadline)

    def maximum(self, *, deadline: float | None = None) -> int:
        """How many KiB the guest may have at most (virDomainGetMaxMemory)."""
        return self._call(_MAXIMUM, deadline=deadline)[0]

    def stats(self, *, deadline: float | None = None) -> dict[DomainMemoryStatTags | int, int]:
        """What the guest's balloon and the host say of its memory (virDomainMemoryStats).

        In KiB, but for counts (faults, huge pages) and LAST_UPDATE, which is in seconds since 1970.
        """
        (stats,) = self._call(_STATS, STATS_MAX, 0, deadline=deadline)
        return {member_or_number(DomainMemoryStatTags, stat.tag): stat.val for stat in stats}

    def set_stats_period(
        self, seconds: int, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> None:
        """Let the balloon gather statistics that often, 0 for never (virDomainSetMemoryStatsPeriod)."""
        self._call(_SET_STATS_PERIOD, seconds, impact(live, config), deadline=deadline)

    def peek(self, offset: int, size: int, *, physical: bool = False, deadline: float | None = None) -> bytes:
        """``size`` bytes of the guest's memory, by virtual or physical address (virDomainMemoryPeek)."""
        flags = bits({DomainMemoryFlags.VIRTUAL: not physical, DomainMemoryFlags.PHYSICAL: physical})
        return self._call(_PEEK, offset, size, flags, deadline=deadline)[0]

    def parameters(
        self, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> dict[str, ParamValue]:
        """The limits that it is held to, in KiB: ``hard_limit``, ``soft_limit``, … (virDomainGetMemoryParameters).

        A limit of 9007199254740991 KiB is none.
        """
        return self._parameters(_PARAMETERS, PARAMETERS_MAX, live=live, config=config, deadline=deadline)

    def set_parameters(
        self,
        values: Mapping[str, int],
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Change some of these limits (virDomainSetMemoryParameters)."""
        params = parameters.typed(values, parameters.MEMORY)
        self._call(_SET_PARAMETERS, params, impact(live, config), deadline=deadline)

    def numa(self, *, live: bool = False, config: bool = False, deadline: float | None = None) -> NumaTuning:
        """From which of the host's nodes its memory comes (virDomainGetNumaParameters)."""
        values = self._parameters(_NUMA, PARAMETERS_MAX, live=live, config=config, deadline=deadline)
        return NumaTuning(int(values.get("numa_mode", 0)), str(values.get("numa_nodeset", "")))

    def set_numa(
        self,
        *,
        mode: int | None = None,
        nodeset: str | None = None,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Change that (virDomainSetNumaParameters); ``mode`` is of DomainNumatuneMemMode."""
        given = {"numa_nodeset": nodeset, "numa_mode": mode}
        params = parameters.typed({name: value for name, value in given.items() if value is not None}, parameters.NUMA)
        self._call(_SET_NUMA, params, impact(live, config), deadline=deadline)

    def start_dirty_rate(self, seconds: int = 1, mode: int = 0, *, deadline: float | None = None) -> None:
        """Begin to measure how fast the guest writes to its memory (virDomainStartDirtyRateCalc).

        For 1 to 60 ``seconds``; the result is in ``host.domains.stats``. ``mode`` is of DomainDirtyRateCalcFlags.
        """
        self._call(_START_DIRTY_RATE, seconds, int(mode), deadline=deadline)
