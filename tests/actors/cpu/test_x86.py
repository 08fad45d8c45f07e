"""The table of x86 models, beside what the installed QEMU and libvirt say."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from virtactor.actors.cpu.names import is_feature, of_qemu
from virtactor.actors.cpu.x86 import x86_models
from virtactor.actors.drivers.qemu.capabilities import ask, find_emulators
from virtactor.actors.drivers.qemu.cpu_models import qemu_cpus

from ...libvirts_own import ask as ask_libvirt
from ...libvirts_own import there

TABLE_OF = (7, 2)


def test_the_table_says_what_qemu_says(tmp_path: Path) -> None:
    binary = find_emulators().get("x86_64", "")
    if not binary or asyncio.run(ask(binary)).version[:2] != TABLE_OF:
        pytest.skip("the table is of QEMU 7.2")
    told = {model.name: model for model in asyncio.run(qemu_cpus(binary, "x86_64", "tcg", tmp_path)).models}
    table = {model.name: model for model in x86_models()}
    shared = told.keys() & table.keys()
    assert len(shared) > 50
    assert {name for name in shared if told[name] != table[name]} == set()
    assert set(table) - shared == {
        *("pentiumpro", "cpu64-rhel5", "cpu64-rhel6", "Icelake-Client", "Icelake-Client-noTSX"),
    }


@pytest.mark.skipif(not there(), reason="no libvirt-python (Debian: python3-libvirt)")
def test_the_table_lists_the_models_that_libvirt_lists() -> None:
    assert [model.name for model in x86_models()] == ask_libvirt("answer = host.getCPUModelNames('x86_64')")


def test_qemus_switches_that_are_no_features_are_left_out() -> None:
    assert not any(map(is_feature, ("vmx-ept", "kvmclock", "kvm-pv-eoi", "hv-time", "lmce")))
    assert [of_qemu(name) for name in ("lahf-lm", "pclmulqdq", "sse4.1", "tsc-deadline")] == [
        *("lahf_lm", "pclmuldq", "sse4.1", "tsc-deadline"),
    ]
