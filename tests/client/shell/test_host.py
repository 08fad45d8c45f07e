"""Commands about the host: they print what virsh prints, of the same made-up host."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import URI, Run, json_of

CPUS = """<cpu><arch>x86_64</arch><model>Haswell</model></cpu>
<cpu><arch>x86_64</arch><model>Penryn</model></cpu>"""
# Commands whose whole output is virsh's.
SAME = [
    "nodeinfo",
    "nodecpumap",
    "nodecpumap --pretty",
    "nodecpustats",
    "nodecpustats 1",
    "nodecpustats --cpu 0",
    "freecell",
    "freecell 1",
    "freecell --all",
    "freepages --all",
    "freepages --all --pagesize 4",
    "freepages 1 2M",
    "maxvcpus",
    "maxvcpus --type kvm",
    "sysinfo",
    "cpu-models i686",
    "cpu-models aarch64",
    "cpu-baseline FILE",
    "cpu-baseline --features FILE",
]
# Commands that the test driver has nothing for.
REFUSED = [
    "allocpages 2M 1",
    "node-memory-tune",
    "node-memory-tune --shm-pages-to-scan 3",
    "nodememstats",
    "domcapabilities",
    "nodesevinfo",
    "nodesuspend mem 60",
    "cpu-compare FILE",
    "hypervisor-cpu-compare FILE",
    "hypervisor-cpu-baseline FILE",
    "hypervisor-cpu-baseline --model Haswell",
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cpus.xml"
    path.write_text(CPUS)
    return path


def words(command: str, file: Path) -> list[str]:
    return [str(file) if word == "FILE" else word for word in command.split()]


@pytest.mark.skipif(shutil.which("virsh") is None, reason="compares with virsh")
@pytest.mark.parametrize("command", SAME)
def test_it_prints_what_virsh_prints(run: Run, file: Path, command: str) -> None:
    virsh = subprocess.run(["virsh", "-c", URI, *words(command, file)], capture_output=True, text=True, check=True)
    assert run(*words(command, file)).stdout == virsh.stdout


@pytest.mark.parametrize("command", REFUSED)
def test_what_the_driver_has_not_is_refused(run: Run, file: Path, command: str) -> None:
    result = run(*words(command, file))
    assert result.exit_code == 1
    assert "this function is not supported by the connection driver: vir" in result.stderr


def test_shares_of_a_processor_that_stands_still_are_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtactor.client.shell.commands.node.SECOND", 0)
    assert run("nodecpustats", "--percent").stdout.splitlines()[:2] == [
        "usage:            0.0%",
        "user:             0.0%",
    ]


def test_facts_as_json(run: Run) -> None:
    assert json_of(run("nodeinfo", "--json"))["memory"] == 3145728
    assert json_of(run("nodecpumap", "--json")) == {"present": 8, "online": [0, 2, 4]}
    assert json_of(run("freecell", "--all", "--json")) == {"cells": {"0": 2048, "1": 4096}, "total": 6144}


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("freecell --all 1", "mutually exclusive"),
        ("freepages 0", "missing pagesize"),
        ("freepages", "missing cellno"),
        ("allocpages 4", "--pagecount"),
        ("hypervisor-cpu-baseline", "either a file or a --model"),
        ("nodesuspend nowhere 60", "nowhere"),
    ],
)
def test_a_command_that_is_not_said_in_full_is_not_run(run: Run, command: str, complaint: str) -> None:
    result = run(*command.split())
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_a_file_that_describes_no_processor_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("<foo/>")
    assert "does not contain any <cpu>" in run("cpu-baseline", str(tmp_path / "other")).stderr
    assert "Failed to open file" in run("cpu-baseline", str(tmp_path / "none")).stderr


def test_domcapabilities_tells_nothing_that_is_not_there(run: Run) -> None:
    assert run("domcapabilities", "--virttype", "kvm", "--machine", "q35").exit_code == 1
