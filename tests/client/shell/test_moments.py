"""Snapshot and checkpoint commands, on a libvirtd's test driver beside virsh."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from virtactor.client import Domain
from virtactor.client.shell.program import program
from virtactor.client.shell.trees import tree_lines

from ...libvirtd import Libvirtd
from ..conftest import libvirts_test_driver
from .conftest import json_of

At = Callable[..., Result]
FOLLOWED = """<domain type='test'><name>followed</name><memory>1024</memory><os><type>hvm</type></os><devices>
<disk type='file'><driver type='qcow2'/><source file='/none.qcow2'/><target dev='vda'/></disk></devices></domain>"""


@pytest.fixture
def guest(libvirtd: Libvirtd) -> Iterator[Domain]:
    """A domain with three snapshots in a row, beside `followed` with three checkpoints.

    Their driver lasts as long as we are connected.
    """
    with libvirts_test_driver(libvirtd) as host:
        guest, followed = host.domains["test"], host.domains.create(FOLLOWED)
        for name in ("one", "two", "three"):
            guest.snapshots.create(f"<domainsnapshot><name>{name}</name></domainsnapshot>")
            followed.checkpoints.create(f"<domaincheckpoint><name>c-{name}</name></domaincheckpoint>")
        yield guest


@pytest.fixture
def at(libvirtd: Libvirtd, guest: Domain) -> At:
    def at(*arguments: str) -> Result:
        result = CliRunner().invoke(program, ["-c", libvirtd.uri("test"), *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return at


@pytest.mark.parametrize(
    "arguments",
    [
        "snapshot-list test",
        "snapshot-list test --parent",
        "snapshot-list test --tree",
        "snapshot-list test --name",
        "snapshot-list test --roots",
        "snapshot-list test --leaves --name",
        "snapshot-list test --topological",
        "snapshot-list test --from one",
        "snapshot-list test --from one --descendants --name",
        "snapshot-list test --current",
        "snapshot-list test --inactive",
        "snapshot-info test one",
        "snapshot-info test --current",
        "snapshot-current test",
        "snapshot-dumpxml test one",
        "snapshot-dumpxml test one --xpath //name",
        "checkpoint-list followed",
        "checkpoint-list followed --parent",
        "checkpoint-list followed --tree",
        "checkpoint-list followed --name --leaves",
        "checkpoint-list followed --from c-one --descendants",
        "checkpoint-info followed c-one",
        "checkpoint-dumpxml followed c-one --no-domain",
    ],
)
def test_what_is_printed_is_what_virsh_prints(at: At, libvirtd: Libvirtd, arguments: str) -> None:
    virsh = ["virsh", "-c", libvirtd.uri("test"), *arguments.split()]
    theirs = subprocess.run(virsh, capture_output=True, text=True, check=True)
    ours = at(*arguments.split())
    assert ours.exit_code == 0, ours.output
    assert ours.stdout == theirs.stdout


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ("snapshot-parent test two", "one"),
        ("snapshot-parent test --current", "two"),
        ("snapshot-current test --name", "three"),
        ("checkpoint-parent followed c-two", "c-one"),
    ],
)
def test_a_lone_name_is_followed_by_an_empty_line_as_all_that_is_shown(at: At, arguments: str, name: str) -> None:
    """virsh leaves it out here."""
    assert at(*arguments.split()).stdout == f"{name}\n\n"


def test_snapshots_are_made_reverted_to_and_deleted(at: At, guest: Domain, tmp_path: Path) -> None:
    (tmp_path / "s.xml").write_text("<domainsnapshot><name>five</name></domainsnapshot>")
    for arguments, said in (
        (("snapshot-create-as", "test", "four", "--description", "words"), "test: snapshot four created\n"),
        (("snapshot-create", "test", str(tmp_path / "s.xml")), "test: snapshot five created\n"),
        (("snapshot-revert", "test", "four"), "test: snapshot four is what the domain is again\n"),
        (("snapshot-delete", "test", "five"), "test: snapshot five deleted\n"),
        (("snapshot-delete", "test", "two", "--children-only"), "test: snapshot two children deleted\n"),
        (("snapshot-delete", "test", "--current"), "test: snapshot two deleted\n"),
    ):
        result = at(*arguments)
        assert (result.exit_code, result.stdout) == (0, said), result.output
    assert guest.snapshots.names() == ["one"]


def test_checkpoints_are_made_and_deleted(at: At) -> None:
    assert at("checkpoint-create-as", "followed", "c-four").stdout == "followed: checkpoint c-four created\n"
    assert at("checkpoint-create", "followed").exit_code == 0
    assert at("checkpoint-delete", "followed", "c-one", "--children").stdout == "followed: checkpoint c-one deleted\n"
    assert at("checkpoint-list", "followed", "--name").stdout == "\n"


def test_json_says_what_the_list_does(at: At) -> None:
    listed = json_of(at("--json", "snapshot-list", "test"))["snapshots"]
    assert [(one["name"], one["parent"], one["state"]) for one in listed] == [
        ("one", None, "running"),
        ("three", "two", "running"),
        ("two", "one", "running"),
    ]
    assert json_of(at("--json", "snapshot-info", "test", "one"))["location"] == "internal"


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        ("snapshot-info test none", 1, "no domain snapshot with matching name 'none'"),
        ("snapshot-info test", 2, "no snapshot is named"),
        ("snapshot-info test one --current", 2, "either --current or a snapshot's name"),
        ("snapshot-parent test one", 1, "snapshot 'one' has no parent"),
        ("snapshot-list test --descendants", 2, "--descendants wants --from"),
        ("snapshot-create test --current", 2, "--current wants --redefine"),
        ("snapshot-create-as test --diskspec vda,twist=1", 1, "'twist=1' in 'vda,twist=1' is none of snapshot="),
        ("checkpoint-info followed none", 1, "no domain checkpoint with matching name 'none'"),
        ("checkpoint-parent followed c-one", 1, "checkpoint 'c-one' has no parent"),
        ("backup-dumpxml test", 1, "not supported by the connection driver"),
        ("backup-begin test", 1, "not supported by the connection driver"),
    ],
)
def test_what_cannot_be_is_told(at: At, arguments: str, status: int, complaint: str) -> None:
    result = at(*arguments.split())
    assert result.exit_code == status
    assert complaint in result.stderr


def test_a_snapshot_is_edited(at: At, guest: Domain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's|<name>one</name>|&<description>edited</description>|' $1\n")
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    assert at("snapshot-edit", "test", "one").stdout == "test: snapshot one changed\n"
    assert "<description>edited</description>" in guest.snapshots["one"].xml()
    editor.write_text("#!/bin/sh\nsed -i '0,/<name>three/s//<name>last/' $1\n")
    refused = at("snapshot-edit", "test", "three")
    assert (refused.exit_code, "--rename or --clone" in refused.stderr) == (1, True)
    assert at("snapshot-edit", "test", "three", "--clone").stdout == "test: snapshot last changed\n"
    assert sorted(guest.snapshots.names()) == ["last", "one", "three", "two"]


def test_trees_join_children_to_their_parents() -> None:
    assert list(tree_lines({"a": None, "b": "a", "c": "b", "d": "a", "e": "gone"})) == [
        "a",
        "  |",
        "  +- b",
        "  |   |",
        "  |   +- c",
        "  |     ",
        "  +- d",
        "    ",
        "e",
        "",
    ]
