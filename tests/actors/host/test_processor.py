"""Processors of machines made of files: what they can do, which are online, and what they did."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from virtactor.actors.cpu.names import features_of_flags
from virtactor.actors.host.files import HostFiles
from virtactor.actors.host.processor import NANOSECONDS, Processor, Times
from virtactor.wire.errors import InvalidArgument

from .machines import tree, two_sockets

TICK = NANOSECONDS // os.sysconf("SC_CLK_TCK")


def test_the_first_processor_stands_for_all(tmp_path: Path) -> None:
    processor = Processor(HostFiles(two_sockets(tmp_path)))
    assert (processor.vendor, processor.family, processor.model, processor.stepping) == ("Intel", 6, 63, 2)
    assert processor.features == {"fpu", "avx2", "bmi2", "fma", "movbe", "pcid", "invpcid"}
    assert processor.megahertz() == 2596
    assert processor.physical_address_bits == 46


def test_a_clock_that_only_the_frequency_driver_tells(tmp_path: Path) -> None:
    files = tree(tmp_path, {"sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "1800000"})
    assert Processor(HostFiles(files)).megahertz() == 1800
    assert Processor(HostFiles(tmp_path / "nothing")).megahertz() == 0


def test_processors_that_are_offline_are_present(tmp_path: Path) -> None:
    cpu = "sys/devices/system/cpu"
    processor = Processor(HostFiles(tree(tmp_path, {f"{cpu}/online": "0-1,3", f"{cpu}/present": "0-3"})))
    assert processor.online() == [0, 1, 3]
    assert processor.present() == [0, 1, 2, 3]


def test_times_are_in_nanoseconds(tmp_path: Path) -> None:
    text = "cpu  10 1 5 100 7 2 3 0 0 0\ncpu0 1 0 1 1 1 0 0 0 0 0\nintr 5"
    processor = Processor(HostFiles(tree(tmp_path, {"proc/stat": text})))
    assert processor.times(None) == Times(kernel=10 * TICK, user=11 * TICK, idle=100 * TICK, iowait=7 * TICK)
    assert processor.times(0).user == TICK
    with pytest.raises(InvalidArgument, match="processor 7"):
        processor.times(7)


@pytest.mark.parametrize(
    ("flags", "vendor", "features"),
    [
        ("sse4_1 pclmulqdq tsc_deadline_timer", "Intel", "sse4.1 pclmuldq tsc-deadline"),
        ("avx512_vbmi2 avx512_vpopcntdq avx512_bf16 sha_ni", "AMD", "avx512vbmi2 avx512-vpopcntdq avx512-bf16 sha-ni"),
        ("xsave lahf_lm cr8_legacy nonstop_tsc", "AMD", "xsave osxsave lahf_lm cr8legacy invtsc"),
        ("ibrs stibp ssbd ibrs_enhanced", "Intel", "spec-ctrl stibp ssbd ibrs-all"),
        ("ibrs stibp ssbd ibrs_enhanced ibpb", "AMD", "ibrs amd-stibp amd-ssbd ibpb"),
    ],
)
def test_linux_flags_are_libvirts_features(flags: str, vendor: str, features: str) -> None:
    assert features_of_flags(flags.split(), vendor) == set(features.split())


def test_a_processor_without_a_bug_may_say_so() -> None:
    found = features_of_flags(["arch_capabilities"], "Intel", ["mds", "taa", "itlb_multihit"])
    assert found == {"arch-capabilities", "rdctl-no", "skip-l1dfl-vmentry"}
    assert features_of_flags(["fpu"], "Intel", []) == {"fpu"}
