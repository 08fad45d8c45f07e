"""A domain's processors: how many there are, on which of the host's they run, what they used."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ...wire.enums.domain_tuning import DomainVcpuFlags, VcpuState
from ...wire.params import ParamValue, TypedParam
from ...wire.table import ROWS
from ..values import bits, impact, member_or_number
from .cpusets import bytes_for, from_bits, host_cpu_count, split_bits, to_bits, to_text
from .identity import Part

_COUNT = ROWS["domain_get_vcpus_flags"]
_SET_COUNT = ROWS["domain_set_vcpus_flags"]
_MAXIMUM = ROWS["domain_get_max_vcpus"]
_INFO = ROWS["domain_get_vcpus"]
_PIN = ROWS["domain_pin_vcpu_flags"]
_PINS = ROWS["domain_get_vcpu_pin_info"]
_PIN_EMULATOR = ROWS["domain_pin_emulator"]
_EMULATOR_PIN = ROWS["domain_get_emulator_pin_info"]
_SET_ENABLED = ROWS["domain_set_vcpu"]
_STATS = ROWS["domain_get_cpu_stats"]

# How many of the host's processors one call may ask for.
STATS_CHUNK = 128


@dataclass(frozen=True, slots=True)
class Vcpu:
    """One processor: ``cpu_time`` in nanoseconds, ``cpu`` the host's that it runs on (-1: none), ``affinity`` those
    that it may run on."""

    number: int
    state: VcpuState | int
    cpu_time: int
    cpu: int
    affinity: frozenset[int]


class Vcpus(Part):
    """``guest.vcpus``."""

    __slots__ = ()

    def count(
        self,
        *,
        live: bool = False,
        config: bool = False,
        maximum: bool = False,
        guest: bool = False,
        deadline: float | None = None,
    ) -> int:
        """How many there are, could be (``maximum``), or are on in the agent's eyes (virDomainGetVcpusFlags)."""
        more = bits({DomainVcpuFlags.MAXIMUM: maximum, DomainVcpuFlags.GUEST: guest})
        return self._call(_COUNT, impact(live, config) | more, deadline=deadline)[0]

    def set_count(
        self,
        count: int,
        *,
        live: bool = False,
        config: bool = False,
        maximum: bool = False,
        guest: bool = False,
        hotpluggable: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Plug or unplug some, or change how many there could be (virDomainSetVcpusFlags)."""
        more = {
            DomainVcpuFlags.MAXIMUM: maximum,
            DomainVcpuFlags.GUEST: guest,
            DomainVcpuFlags.HOTPLUGGABLE: hotpluggable,
        }
        self._call(_SET_COUNT, count, impact(live, config) | bits(more), deadline=deadline)

    def maximum(self, *, deadline: float | None = None) -> int:
        """How many a running guest could have (virDomainGetMaxVcpus)."""
        return self._call(_MAXIMUM, deadline=deadline)[0]

    def set_enabled(
        self,
        vcpus: Collection[int] | str,
        enabled: bool,
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Plug or unplug those with these numbers (virDomainSetVcpu)."""
        text = vcpus if isinstance(vcpus, str) else to_text(vcpus)
        self._call(_SET_ENABLED, text, int(enabled), impact(live, config), deadline=deadline)

    def info(self, *, deadline: float | None = None) -> list[Vcpu]:
        """Each of a running guest's processors (virDomainGetVcpus)."""
        width = bytes_for(host_cpu_count(self, deadline))
        count = self._domain.info(deadline=deadline).vcpus
        infos, cpumaps = self._call(_INFO, count, width, deadline=deadline)
        affinities = split_bits(cpumaps, width)
        return [
            Vcpu(info.number, member_or_number(VcpuState, info.state), info.cpu_time, info.cpu, affinity)
            for info, affinity in zip(infos, affinities, strict=False)
        ]

    def pin(
        self,
        vcpu: int,
        cpus: Collection[int],
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Let one run on these of the host's processors only (virDomainPinVcpuFlags)."""
        self._call(_PIN, vcpu, to_bits(cpus), impact(live, config), deadline=deadline)

    def pins(self, *, live: bool = False, config: bool = False, deadline: float | None = None) -> list[frozenset[int]]:
        """On which of the host's processors each may run (virDomainGetVcpuPinInfo)."""
        width = bytes_for(host_cpu_count(self, deadline))
        count = self.count(maximum=True, live=live, config=config, deadline=deadline)
        cpumaps, found = self._call(_PINS, count, width, impact(live, config), deadline=deadline)
        return split_bits(cpumaps, width)[:found]

    def pin_emulator(
        self, cpus: Collection[int], *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> None:
        """Let what is no processor of the guest's run on these of the host's only (virDomainPinEmulator)."""
        self._call(_PIN_EMULATOR, to_bits(cpus), impact(live, config), deadline=deadline)

    def emulator_pin(
        self, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> frozenset[int]:
        """On which that may run (virDomainGetEmulatorPinInfo)."""
        width = bytes_for(host_cpu_count(self, deadline))
        cpumaps, found = self._call(_EMULATOR_PIN, width, impact(live, config), deadline=deadline)
        return from_bits(cpumaps) if found else frozenset()

    def total_stats(self, *, deadline: float | None = None) -> dict[str, ParamValue]:
        """What all of them used together, in nanoseconds (virDomainGetCPUStats)."""
        _, count = self._call(_STATS, 0, -1, 1, 0, deadline=deadline)
        params, _ = self._call(_STATS, count, -1, 1, 0, deadline=deadline)
        return {param.field: param.value for param in params}

    def stats(
        self, start: int = 0, count: int | None = None, *, deadline: float | None = None
    ) -> list[dict[str, ParamValue]]:
        """What it used of each of the host's processors from ``start`` on, in nanoseconds (virDomainGetCPUStats)."""
        _, present = self._call(_STATS, 0, 0, 0, 0, deadline=deadline)
        _, each = self._call(_STATS, 0, 0, 1, 0, deadline=deadline)
        end = present if count is None else min(present, start + count)
        found: list[dict[str, ParamValue]] = []
        for at in range(start, end, STATS_CHUNK):
            params, width = self._call(_STATS, each, at, min(STATS_CHUNK, end - at), 0, deadline=deadline)
            found += _by_cpu(params, width)
        return found


def _by_cpu(params: list[TypedParam], width: int) -> list[dict[str, ParamValue]]:
    """Parameters of several processors, ``width`` of each; a processor that is off may have none of them."""
    rows = [params[at : at + width] for at in range(0, len(params), width)] if width else []
    return [{param.field: param.value for param in row if param.field} for row in rows]
