"""The tiny guest is run by real QEMUs, and by programs that behave as a QEMU on a bad host does."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu.accelerator import ROM_SIZE, kvm_works, rom_image, runs_guests

QEMU = "/usr/bin/qemu-system-x86_64"


@pytest.fixture
def pretend(tmp_path: Path):
    """Make a program that is run in place of QEMU; it leaves its pid behind."""

    def make(script: str) -> str:
        program = tmp_path / "qemu"
        program.write_text(f"#!/bin/sh\necho $$ > {tmp_path / 'pid'}\n{script}\n")
        program.chmod(0o755)
        return str(program)

    return make


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_the_guest_gets_into_long_mode_by_tcg(machine: str) -> None:
    assert asyncio.run(runs_guests(QEMU, "tcg", "-machine", machine, patience=30))


def test_a_32_bit_guest_gets_into_protected_mode_by_tcg() -> None:
    assert asyncio.run(runs_guests("/usr/bin/qemu-system-i386", "tcg", "-machine", "pc", arch="i686", patience=30))
    assert not asyncio.run(runs_guests("/usr/bin/qemu-system-i386", "tcg", "-machine", "pc", patience=30))


def test_a_processor_without_long_mode_is_found_out() -> None:
    assert not asyncio.run(runs_guests(QEMU, "tcg", "-machine", "pc", "-cpu", "qemu32", patience=30))


@pytest.mark.parametrize("script", ["kill -ABRT $$", "exit 1", "exit 0"])
def test_a_qemu_that_ends_in_another_way_does_not_run_guests(pretend, script: str) -> None:
    assert not asyncio.run(runs_guests(pretend(script), "kvm"))


def test_a_guest_that_spins_is_ended_when_patience_is(pretend, tmp_path: Path) -> None:
    assert not asyncio.run(runs_guests(pretend("exec sleep 1000"), "kvm", patience=0.2))
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_a_qemu_that_cannot_be_executed_does_not_run_guests(tmp_path: Path) -> None:
    assert not asyncio.run(runs_guests(str(tmp_path / "absent"), "kvm"))


def test_kvm_is_not_tried_where_its_device_cannot_be_opened(pretend, tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    assert not asyncio.run(kvm_works(pretend("exit 33"), device=str(device)))
    assert not (tmp_path / "pid").exists()
    device.touch()
    assert asyncio.run(kvm_works(pretend("exit 33"), device=str(device)))
    assert not asyncio.run(kvm_works(pretend("exit 33"), "aarch64", "virt", device=str(device)))


def test_no_descriptor_and_no_process_is_left_behind(pretend) -> None:
    async def work() -> None:
        before = set(os.listdir("/proc/self/fd"))
        await runs_guests(pretend("exit 33"), "kvm")
        assert set(os.listdir("/proc/self/fd")) <= before

    asyncio.run(work())


@pytest.mark.skipif(shutil.which("objdump") is None, reason="objdump is not installed")
def test_the_listing_is_what_the_bytes_are(tmp_path: Path) -> None:
    for arch in ("x86_64", "i686"):
        assert len(rom_image(arch)) == ROM_SIZE

    def mnemonics(arch: str, bits: str, start: int, stop: int) -> list[str]:
        (tmp_path / "rom").write_bytes(rom_image(arch))
        argv = ["objdump", "-D", "-b", "binary", "-m", bits, "-M", "intel", "--no-show-raw-insn"]
        argv += [f"--start-address={start}", f"--stop-address={stop}", str(tmp_path / "rom")]
        listing = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
        lines = (line.split("\t", 1)[1] for line in listing if "\t" in line)
        return [" ".join(line.split("#")[0].split()) for line in lines]

    def names(arch: str, stop: int) -> str:
        return " ".join(line.split()[0] for line in mnemonics(arch, "i8086", 0xFF00, stop))

    assert names("x86_64", 0xFF56) == "cli mov mov mov lgdtd mov mov mov mov mov rdmsr or wrmsr mov or mov jmp"
    assert names("i686", 0xFF18) == "cli lgdtd mov or mov jmp"
    assert mnemonics("x86_64", "i386:x86-64", 0xFF56, 0xFF75) == [
        "mov ecx,0x1312d00",
        "dec ecx",
        "jne 0xff5b",
        "movabs rax,0x1000000000",
        "shr rax,0x20",
        "mov dx,0xf4",
        "out dx,al",
        "hlt",
        "jmp 0xff72",
    ]
    assert mnemonics("i686", "i386", 0xFF18, 0xFF30) == [
        "mov ecx,0x1312d00",
        "dec ecx",
        "jne 0xff1d",
        "mov eax,0x100000",
        "shr eax,0x10",
        "mov dx,0xf4",
        "out dx,al",
        "hlt",
        "jmp 0xff2d",
    ]
