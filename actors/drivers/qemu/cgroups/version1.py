"""Limits in control groups of version 1 (Linux's Documentation/admin-guide/cgroup-v1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .....wire.errors import UnsupportedConfig
from ..command_line.placement import Limit
from .settings import CONTROLLERS, PARENTS, Key, Setting, Settings

SHARES = range(2, 262_145)
_FILES: Mapping[str, Mapping[str, str]] = {
    "shares": {"cpu.shares": "1024"},
    "period": {"cpu.cfs_period_us": "100000"},
    "quota": {"cpu.cfs_quota_us": "-1"},
    "hard_limit": {"memory.limit_in_bytes": "-1"},
    "soft_limit": {"memory.soft_limit_in_bytes": "-1"},
    "swap_hard_limit": {"memory.memsw.limit_in_bytes": "-1"},
    "weight": {"blkio.weight": "500", "blkio.bfq.weight": "100"},
    "device_weight": {"blkio.weight_device": "0", "blkio.bfq.weight_device": "default"},
    "read_iops": {"blkio.throttle.read_iops_device": "0"},
    "write_iops": {"blkio.throttle.write_iops_device": "0"},
    "read_bytes": {"blkio.throttle.read_bps_device": "0"},
    "write_bytes": {"blkio.throttle.write_bps_device": "0"},
    "mems": {"cpuset.mems": PARENTS},
}


def settings(limits: Iterable[Limit]) -> Settings:
    """The files' values for limits. Raises UnsupportedConfig for what version 1 does not know."""
    for limit in limits:
        if limit.what == "shares" and limit.value not in SHARES:
            raise UnsupportedConfig(f"{limit.about}: {limit.value}", hint="2 to 262144 with control groups (version 1)")
        text = str(int(limit.value) * 1024) if CONTROLLERS[limit.what] == "memory" else str(limit.value)
        key = Key(limit.what, limit.group, limit.device)
        yield Setting(key, CONTROLLERS[limit.what], _FILES[limit.what], text, limit.about)
