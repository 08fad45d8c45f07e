"""What limits are in files of either version."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtactor.actors.drivers.qemu.cgroups import version1, version2
from virtactor.actors.drivers.qemu.cgroups.settings import CONTROLLERS
from virtactor.actors.drivers.qemu.command_line.placement import Limit
from virtactor.wire.errors import UnsupportedConfig

LIMITS = st.builds(
    Limit,
    st.sampled_from([what for what in CONTROLLERS if what not in ("shares", "swap_hard_limit")]),
    st.integers(10, 1000),
    st.just("about"),
    st.sampled_from(["", "vcpu0", "emulator"]),
    st.sampled_from(["", "/dev/x"]),
)


def texts(version: object, *limits: Limit) -> dict[str, str]:
    """What stands in which file at last."""
    return {f"{each.key.group}/{next(iter(each.files))}": each.text for each in version.settings(limits)}  # type: ignore[attr-defined]


@given(st.lists(LIMITS))
def test_every_limit_has_a_value_in_both_versions(limits: list[Limit]) -> None:
    for version in (version1, version2):
        settings = list(version.settings(limits))
        assert {setting.controller for setting in settings} == {CONTROLLERS[limit.what] for limit in limits}
        assert all(setting.text and all(setting.files.values()) for setting in settings)


def test_periods_and_quotas_stand_in_one_file_of_version_2() -> None:
    limits = (Limit("period", 5000, "a"), Limit("quota", 3000, "a"), Limit("quota", -1, "b", "vcpu0"))
    assert texts(version2, *limits) == {"/cpu.max": "3000 5000", "vcpu0/cpu.max": "max 100000"}
    assert texts(version2, Limit("period", 7000, "a", "emulator")) == {"emulator/cpu.max": "max 7000"}
    assert texts(version1, *limits) == {
        "/cpu.cfs_period_us": "5000",
        "/cpu.cfs_quota_us": "3000",
        "vcpu0/cpu.cfs_quota_us": "-1",
    }


def test_version_2_limits_swap_alone() -> None:
    both = (Limit("hard_limit", 1000, "hard"), Limit("swap_hard_limit", 1500, "swap"))
    assert texts(version2, *both) == {"/memory.max": "1024000", "/memory.swap.max": "512000"}
    assert texts(version1, *both) == {"/memory.limit_in_bytes": "1024000", "/memory.memsw.limit_in_bytes": "1536000"}
    with pytest.raises(UnsupportedConfig, match="swap without a hard_limit"):
        texts(version2, both[1])


@pytest.mark.parametrize(("version", "shares"), [(version1, 1), (version2, 10001), (version2, 262144)])
def test_shares_have_a_range_in_each_version(version: object, shares: int) -> None:
    with pytest.raises(UnsupportedConfig, match=f"cputune shares: {shares}"):
        texts(version, Limit("shares", shares, "cputune shares"))
