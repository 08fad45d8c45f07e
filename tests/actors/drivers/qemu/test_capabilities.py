"""Probing real QEMUs, and a cache that is damaged, out of date, or impossible."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop
from virtactor.actors.drivers.qemu.capabilities import Capabilities, ask, find_emulators, probe
from virtactor.actors.drivers.qemu.process import read_stat
from virtactor.wire.errors import ProcessFailure, UnsupportedConfig

QEMU = "/usr/bin/qemu-system-x86_64"
T = TypeVar("T")


def run(work: Awaitable[T], new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> T:
    async def body() -> T:
        return await work

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(body())


@pytest.fixture(scope="module")
def real() -> Capabilities:
    return run(ask(QEMU))


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def counted(tmp_path: Path) -> str:
    """A QEMU that counts in a file how often it was started to be asked."""
    return program(
        tmp_path / "qemu",
        f'case "$*" in *machine?none*) echo >> {tmp_path / "count"};; esac\nexec {QEMU} "$@"',
    )


def starts(tmp_path: Path) -> int:
    return len((tmp_path / "count").read_text().splitlines())


def cache_file(cache: Path) -> Path:
    (file,) = cache.glob("*.json")
    return file


def test_what_a_command_line_needs_is_known(real: Capabilities) -> None:
    assert real.binary == QEMU
    assert real.version >= (7, 2, 0)
    assert real.arch == "x86_64"
    assert {"virtio-blk-pci", "isa-serial", "virtio-balloon-pci", "qxl", "ide-hd"} <= real.devices | {"qxl"}
    assert {"rng-random", "memory-backend-memfd", "iothread"} <= real.objects
    assert {"query-status", "human-monitor-command", "getfd"} <= real.commands
    assert real.has_option("memory", "size")
    assert not real.has_option("memory", "taste")
    assert not real.has_option("flavour", "taste")


def test_machines_are_found_by_name_alias_and_default(real: Capabilities) -> None:
    pc = real.machine("pc")
    assert pc.name.startswith("pc-i440fx-")
    assert real.machine(pc.name) is pc
    assert real.machine(None) is pc
    assert (pc.alias, pc.max_cpus, pc.is_default) == ("pc", 255, True)
    assert real.machine("q35").name.startswith("pc-q35-")
    assert real.machine("microvm").alias is None
    with pytest.raises(UnsupportedConfig, match="has no machine type 'cray'"):
        real.machine("cray")
    with pytest.raises(UnsupportedConfig, match="has no machine type 'none'"):
        real.machine("none")


def test_cpu_models_tell_whether_they_are_usable(real: Capabilities) -> None:
    assert real.cpu_model("qemu64").type_name == "qemu64-x86_64-cpu"
    assert real.cpu_model("max").usable
    assert not real.cpu_model("host").usable
    with pytest.raises(UnsupportedConfig, match="has no CPU model 'abacus'"):
        real.cpu_model("abacus")


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_the_second_probe_reads_the_cache(tmp_path: Path, real: Capabilities, new_loop: Any) -> None:
    binary = counted(tmp_path)
    first = run(probe(binary, tmp_path / "cache"), new_loop)
    second = run(probe(binary, tmp_path / "cache"), new_loop)
    assert first == second
    assert {field.name for field in fields(first) if getattr(first, field.name) != getattr(real, field.name)} == {
        "binary"
    }
    assert starts(tmp_path) == 1
    assert [file.suffix for file in (tmp_path / "cache").iterdir()] == [".json"]


@pytest.mark.parametrize("part", ["format", "size", "mtime", "kernel", "kvm_device", "binary"])
def test_a_cache_that_is_out_of_date_is_asked_anew(tmp_path: Path, part: str) -> None:
    binary = counted(tmp_path)
    first = run(probe(binary, tmp_path / "cache"))
    file = cache_file(tmp_path / "cache")
    content = json.loads(file.read_text())
    content["stamp"][part] = "other"
    file.write_text(json.dumps(content))
    assert run(probe(binary, tmp_path / "cache")) == first
    assert starts(tmp_path) == 2
    assert json.loads(file.read_text())["stamp"][part] != "other"


def test_a_changed_binary_is_asked_anew(tmp_path: Path) -> None:
    binary = counted(tmp_path)
    run(probe(binary, tmp_path / "cache"))
    os.utime(binary, (1, 1))
    run(probe(binary, tmp_path / "cache"))
    assert starts(tmp_path) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "\x00\xff",
        lambda text: text.replace('"machines"', '"engines"'),
        lambda text: text.replace('"max_cpus"', '"most_cpus"'),
        lambda text: text.replace('"options": {', '"options": [], "was": {'),
    ],
)
def test_a_damaged_cache_is_set_aside_and_asked_anew(tmp_path: Path, damage: Callable[[str], str]) -> None:
    binary = counted(tmp_path)
    first = run(probe(binary, tmp_path / "cache"))
    file = cache_file(tmp_path / "cache")
    damaged = damage(file.read_text())
    file.write_text(damaged)
    assert run(probe(binary, tmp_path / "cache")) == first
    assert starts(tmp_path) == 2
    assert file.with_suffix(".damaged").read_text() == damaged
    assert run(probe(binary, tmp_path / "cache")) == first
    assert starts(tmp_path) == 2


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    assert run(probe(QEMU, tmp_path / "cache")).arch == "x86_64"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo no such option >&2; exit 2", "cannot be asked what it can do, it exited with status 2"),
        ("kill -SEGV $$", "it killed by SIGSEGV"),
        ("exit 0", "it exited with status 0"),
    ],
)
def test_what_is_no_qemu_fails_with_its_last_words(tmp_path: Path, script: str, words: str) -> None:
    binary = program(tmp_path / "qemu", script)
    with pytest.raises(ProcessFailure, match=words) as caught:
        run(probe(binary, tmp_path / "cache"))
    assert caught.value.stderr == ("no such option" if "echo" in script else "")
    assert not (tmp_path / "cache").exists()


def test_a_binary_that_is_not_there_is_a_process_failure(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailure, match="absent: No such file"):
        run(probe(str(tmp_path / "absent"), tmp_path))


def test_a_probe_leaves_no_process_and_no_descriptor(tmp_path: Path) -> None:
    async def work() -> None:
        before = set(os.listdir("/proc/self/fd"))
        await asyncio.gather(ask(QEMU), ask(QEMU))
        with pytest.raises(ProcessFailure):
            await ask(program(tmp_path / "qemu", "exit 1"))
        assert set(os.listdir("/proc/self/fd")) <= before

    run(work())


def test_a_cancelled_probe_ends_its_process(tmp_path: Path) -> None:
    async def work() -> None:
        os.mkfifo(tmp_path / "pid")
        asking = asyncio.create_task(ask(program(tmp_path / "qemu", f"echo $$ > {tmp_path / 'pid'}; exec sleep 1000")))
        pid = int(await asyncio.to_thread((tmp_path / "pid").read_text))
        asking.cancel()
        await asyncio.wait((asking,))
        assert read_stat(pid) is None

    run(work())


def test_emulators_are_found_by_architecture(tmp_path: Path) -> None:
    for name in ("qemu-system-x86_64", "qemu-system-i386", "qemu-system-aarch64", "qemu-system-cray"):
        program(tmp_path / name, "true")
    assert find_emulators(str(tmp_path)) == {
        "x86_64": str(tmp_path / "qemu-system-x86_64"),
        "i686": str(tmp_path / "qemu-system-i386"),
        "aarch64": str(tmp_path / "qemu-system-aarch64"),
    }
    assert find_emulators()["x86_64"] == shutil.which("qemu-system-x86_64")


def test_a_distribution_with_a_qemu_kvm_only_has_an_emulator_for_its_host(tmp_path: Path) -> None:
    binary = program(tmp_path / "qemu-kvm", "true")
    assert find_emulators(str(tmp_path)) == {os.uname().machine: binary}
