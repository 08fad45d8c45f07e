"""The host's processor: who made it, what it can do, how fast it is, which of it are online, what they did."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property

from ...wire.errors import InvalidArgument
from ..cpu.names import VENDORS, features_of_flags
from .files import HostFiles, listed, number

NANOSECONDS = 1_000_000_000
_SYSTEM = "sys/devices/system/cpu"
# The columns of /proc/stat behind the processor's name.
_COLUMNS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq")


@dataclass(frozen=True, slots=True)
class Times:
    """What a processor's time was spent on since the start, in ns."""

    kernel: int
    user: int
    idle: int
    iowait: int


class Processor:
    """One look at the processors. Files are read when they are asked for."""

    def __init__(self, files: HostFiles) -> None:
        self._files = files

    @cached_property
    def _cpuinfo(self) -> dict[str, str]:
        """The first processor of /proc/cpuinfo."""
        first = self._files.text("proc/cpuinfo").split("\n\n", 1)[0]
        pairs = (line.partition(":") for line in first.splitlines())
        return {name.strip(): value.strip() for name, _, value in pairs}

    @property
    def arch(self) -> str:
        """The architecture, as libvirt calls it."""
        return os.uname().machine

    @property
    def vendor(self) -> str | None:
        """The maker's name in libvirt's documents (``Intel``), None for one that it has no name for."""
        return VENDORS.get(self._cpuinfo.get("vendor_id", ""))

    @property
    def features(self) -> frozenset[str]:
        """What the processor can do, by libvirt's names; nothing but on x86."""
        return features_of_flags(
            self._cpuinfo.get("flags", "").split(), self.vendor, self._cpuinfo.get("bugs", "").split()
        )

    @property
    def family(self) -> int | None:
        return number(self._cpuinfo.get("cpu family", ""))

    @property
    def model(self) -> int | None:
        return number(self._cpuinfo.get("model", ""))

    @property
    def stepping(self) -> int | None:
        return number(self._cpuinfo.get("stepping", ""))

    @property
    def microcode(self) -> int | None:
        return number(self._cpuinfo.get("microcode", ""))

    @property
    def physical_address_bits(self) -> int | None:
        found = re.match(r"(\d+) bits physical", self._cpuinfo.get("address sizes", ""))
        return int(found[1]) if found else None

    def megahertz(self) -> int:
        """The clock of the first processor, 0 where nothing tells."""
        told = self._cpuinfo.get("cpu MHz") or self._cpuinfo.get("clock", "").removesuffix("MHz")
        if told:
            return int(float(told))
        kilohertz = self._files.number(f"{_SYSTEM}/cpu0/cpufreq/cpuinfo_max_freq")
        return (kilohertz or 0) // 1000

    def online(self) -> list[int]:
        """The numbers of the processors that work."""
        return listed(self._files.text(f"{_SYSTEM}/online")) or list(range(os.cpu_count() or 1))

    def present(self) -> list[int]:
        """The numbers of all processors, those that are offline too."""
        return listed(self._files.text(f"{_SYSTEM}/present")) or self.online()

    def times(self, cpu: int | None) -> Times:
        """What a processor, or all together (None), did since the start. Raises InvalidArgument for a missing one."""
        name = "cpu" if cpu is None else f"cpu{cpu}"
        for line in self._files.text("proc/stat").splitlines():
            first, *rest = line.split()
            if first == name:
                spent = dict(zip(_COLUMNS, map(_nanoseconds, rest), strict=False))
                return Times(
                    kernel=spent.get("system", 0) + spent.get("irq", 0) + spent.get("softirq", 0),
                    user=spent.get("user", 0) + spent.get("nice", 0),
                    idle=spent.get("idle", 0),
                    iowait=spent.get("iowait", 0),
                )
        raise InvalidArgument(f"processor {cpu} is not there or offline")


def _nanoseconds(ticks: str) -> int:
    return int(ticks) * NANOSECONDS // os.sysconf("SC_CLK_TCK")
