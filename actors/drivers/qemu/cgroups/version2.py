"""Limits in control groups of version 2 (Linux's Documentation/admin-guide/cgroup-v2.rst).

As libvirt does, shares are written to cpu.weight as they are: other numbers are allowed there than in version 1, and
the usual weight is 100. Of swap the kernel limits the amount alone, where a definition limits it together with memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .....wire.errors import UnsupportedConfig
from ..command_line.placement import DEFAULT_PERIOD, Limit
from .settings import CONTROLLERS, PARENTS, Key, Setting, Settings

SHARES = range(1, 10_001)
_FILES: Mapping[str, Mapping[str, str]] = {
    "shares": {"cpu.weight": "100"},
    "bandwidth": {"cpu.max": f"max {DEFAULT_PERIOD}"},
    "hard_limit": {"memory.max": "max"},
    "soft_limit": {"memory.high": "max"},
    "swap_hard_limit": {"memory.swap.max": "max"},
    "weight": {"io.weight": "100", "io.bfq.weight": "100"},
    "device_weight": {"io.weight": "default", "io.bfq.weight": "default"},
    "read_iops": {"io.max": "riops=max"},
    "write_iops": {"io.max": "wiops=max"},
    "read_bytes": {"io.max": "rbps=max"},
    "write_bytes": {"io.max": "wbps=max"},
    "mems": {"cpuset.mems": PARENTS},
}
_THROTTLES = ("read_iops", "write_iops", "read_bytes", "write_bytes")
_BANDWIDTH = ("period", "quota")


def settings(limits: Iterable[Limit]) -> Settings:
    """The files' values for limits. Raises UnsupportedConfig for what version 2 does not know."""
    limits = list(limits)
    hard = next((int(limit.value) for limit in limits if limit.what == "hard_limit"), None)
    yield from _bandwidths([limit for limit in limits if limit.what in _BANDWIDTH])
    for limit in limits:
        if limit.what not in _BANDWIDTH:
            key = Key(limit.what, limit.group, limit.device)
            yield Setting(key, CONTROLLERS[limit.what], _FILES[limit.what], _text(limit, hard), limit.about)


def _text(limit: Limit, hard: int | None) -> str:
    match limit.what:
        case "shares" if limit.value not in SHARES:
            raise UnsupportedConfig(f"{limit.about}: {limit.value}", hint="1 to 10000 with control groups (version 2)")
        case "swap_hard_limit":
            if hard is None:
                raise UnsupportedConfig(
                    f"{limit.about} without a hard_limit",
                    hint="control groups (version 2) count swap apart from memory",
                )
            return str((int(limit.value) - hard) * 1024)
        case "hard_limit" | "soft_limit":
            return str(int(limit.value) * 1024)
        case what if what in _THROTTLES:
            # A limit of 0 is none.
            word = next(iter(_FILES[what].values())).partition("=")[0]
            return f"{word}={limit.value or 'max'}"
    return str(limit.value)


def _bandwidths(limits: list[Limit]) -> Settings:
    """Quotas and periods, which stand in one file."""
    for group in dict.fromkeys(limit.group for limit in limits):
        told = {limit.what: limit for limit in limits if limit.group == group}
        period = told["period"].value if "period" in told else DEFAULT_PERIOD
        quota = told["quota"].value if "quota" in told else -1
        about = next(iter(told.values())).about
        text = f"{'max' if int(quota) < 0 else quota} {period}"
        yield Setting(Key("bandwidth", group, ""), "cpu", _FILES["bandwidth"], text, about)
