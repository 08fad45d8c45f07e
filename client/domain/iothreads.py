"""The threads that serve a domain's disks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ...wire.table import ROWS
from ..values import impact
from . import parameters
from .cpusets import from_bits, to_bits
from .identity import Part

_INFO = ROWS["domain_get_iothread_info"]
_PIN = ROWS["domain_pin_iothread"]
_ADD = ROWS["domain_add_iothread"]
_DELETE = ROWS["domain_del_iothread"]
_SET = ROWS["domain_set_iothread_params"]


@dataclass(frozen=True, slots=True)
class IOThread:
    """One thread, and the host's processors that it may run on."""

    id: int
    affinity: frozenset[int]


class IOThreads(Part):
    """``guest.iothreads``."""

    __slots__ = ()

    def list(self, *, live: bool = False, config: bool = False, deadline: float | None = None) -> list[IOThread]:
        """All of them (virDomainGetIOThreadInfo)."""
        infos, _ = self._call(_INFO, impact(live, config), deadline=deadline)
        return [IOThread(info.iothread_id, from_bits(info.cpumap)) for info in infos]

    def add(self, id: int, *, live: bool = False, config: bool = False, deadline: float | None = None) -> None:
        """Make one (virDomainAddIOThread)."""
        self._call(_ADD, id, impact(live, config), deadline=deadline)

    def delete(self, id: int, *, live: bool = False, config: bool = False, deadline: float | None = None) -> None:
        """End one that no disk uses (virDomainDelIOThread)."""
        self._call(_DELETE, id, impact(live, config), deadline=deadline)

    def pin(
        self,
        id: int,
        cpus: Collection[int],
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Let one run on these of the host's processors only (virDomainPinIOThread)."""
        self._call(_PIN, id, to_bits(cpus), impact(live, config), deadline=deadline)

    def set(
        self,
        id: int,
        values: Mapping[str, int],
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Change how one polls (``poll_max_ns``, …) and its pool of threads (virDomainSetIOThreadParams)."""
        params = parameters.typed(values, parameters.IOTHREAD)
        self._call(_SET, id, params, impact(live, config), deadline=deadline)
