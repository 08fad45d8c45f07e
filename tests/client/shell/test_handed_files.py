"""`--pass-fds`, `--fd-group` and `dom-fd-associate`: files that are open in the shell's process go to the daemon."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from virtactor.client import Domain, DomainState, Host
from virtactor.client.shell.program import program

from ...system.guests import plain
from ...system.virtactord import Virtactord, clear
from .conftest import Run, definition, json_of

DISK = "<disk type='file'><source file='/nowhere' fdgroup='image'/><target dev='vda' bus='virtio'/></disk>"
SETS = '{"execute": "query-fdsets"}'
PASSED = (
    "<commandline xmlns='http://libvirt.org/schemas/domain/qemu/1.0'>"
    "<arg value='-add-fd'/><arg value='set=7,fd=3,opaque=mine'/></commandline>"
)


@pytest.fixture
def file() -> Iterator[int]:
    number = os.memfd_create("image")
    os.truncate(number, 1 << 20)
    yield number
    os.close(number)


@pytest.fixture
def qemus(shared: Virtactord) -> Iterator[Host]:
    with shared.connect() as host:
        yield host
        clear(host)


@pytest.fixture
def shell(shared: Virtactord, qemus: Host) -> Run:
    """Runs a command in this process at a daemon with QEMUs."""

    def run(*arguments: str, input: str | None = None):
        return CliRunner().invoke(program, ["-c", f"qemu:///system?root={shared.root}", *arguments], input=input)

    return run


def sets_of(domain: Domain) -> list[list[str]]:
    """What QEMU's files are called that it was started with or handed, by their set."""
    return [
        [fd["opaque"] for fd in each["fds"]] for each in domain.monitor_command({"execute": "query-fdsets"})["return"]
    ]


def test_a_disk_has_a_file_of_the_shells_own(shell: Run, qemus: Host, file: int) -> None:
    domain = qemus.domains.define(plain("web", DISK))
    refused = shell("start", "web", "--paused")
    assert "file descriptor group 'image' was not associated with the domain" in refused.stderr
    started = shell("start", "web", "--paused", "--fd-group", f"image={file}")
    assert (started.exit_code, started.stdout) == (0, "web: started\n")
    assert sets_of(domain) == [["image"]]


def test_a_guests_process_has_files_of_the_shells_own(shell: Run, qemus: Host, file: int, tmp_path: Path) -> None:
    xml = tmp_path / "web.xml"
    xml.write_text(plain("made", "", PASSED))
    created = shell("create", str(xml), "--paused", "--pass-fds", str(file))
    assert (created.exit_code, created.stdout) == (0, "made: started\n")
    assert sets_of(qemus.domains["made"]) == [["mine"]]
    defined = qemus.domains.define(plain("kept", "", PASSED))
    started = json_of(shell("start", "kept", "--paused", "--json", "--pass-fds", str(file)))
    assert [each["name"] for each in started["domains"]] == ["kept"]
    assert sets_of(defined) == [["mine"]]


def test_a_monitor_command_takes_a_file_along(shell: Run, qemus: Host, file: int) -> None:
    domain = qemus.domains.create(plain("told"), paused=True)
    add = '{"execute": "add-fd", "arguments": {"fdset-id": 5, "opaque": "ours"}}'
    assert '"fdset-id": 5' in shell("qemu-monitor-command", "told", add, "--pass-fds", str(file)).stdout
    assert sets_of(domain) == [["ours"]]
    refused = shell("qemu-monitor-command", "told", add, "--pass-fds", f"{file},{file}")
    assert "at most 1 fd can be passed to qemu along with a command" in refused.stderr


def test_files_are_associated_for_as_long_as_the_command_lasts(shell: Run, qemus: Host, file: int) -> None:
    qemus.domains.define(plain("lent", DISK))
    told = shell("dom-fd-associate", "lent", "image", str(file), "--seclabel-writable", "--seclabel-restore")
    assert (told.exit_code, told.stdout) == (0, "lent: files associated until this command ends\n")


def test_libvirts_test_driver_takes_files_too(run: Run, host: Host, file: int, tmp_path: Path) -> None:
    host.domains["test"].destroy()
    assert run("start", "test", "--pass-fds", str(file)).stdout == "test: started\n"
    xml = tmp_path / "web.xml"
    xml.write_text(definition("web"))
    assert run("create", str(xml), "--pass-fds", str(file)).stdout == "web: started\n"
    assert host.domains["web"].state()[0] is DomainState.RUNNING


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("start", "test", "--pass-fds", "one"), "'one' is no list of descriptors"),
        (("start", "test", "--pass-fds", "1,,2"), "'1,,2' is no list of descriptors"),
        (("start", "test", "--fd-group", "5"), "'5' is no NAME=N[,M...]"),
        (("start", "test", "other", "--pass-fds", "5"), "--pass-fds wants one domain"),
        (("start", "test", "other", "--fd-group", "a=5"), "--fd-group wants one domain"),
        (("create", "/a", "/b", "--pass-fds", "5"), "--pass-fds wants one file"),
    ],
)
def test_what_are_no_files_is_wrong_usage(run: Run, arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_number_of_no_open_file_is_refused(run: Run, host: Host) -> None:
    host.domains["test"].destroy()
    result = run("start", "test", "--pass-fds", "99999")
    assert result.exit_code == 1
    assert "99999 is not an open file" in result.stderr
