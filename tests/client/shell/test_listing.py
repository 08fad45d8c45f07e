"""`list`: virsh's shapes to the byte, filters, order, JSON."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from virtactor.client import Host

from .conftest import URI, Run, definition, json_of

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"


@pytest.mark.skipif(shutil.which("virsh") is None, reason="compares with virsh")
@pytest.mark.parametrize(
    "arguments",
    [
        "list",
        "list --all",
        "list --inactive",
        "list --all --title",
        "list --name",
        "list --uuid",
        "list --id",
        "list --name --uuid",
        "list --name --id --uuid --all",
        "list --state-paused",
        "list --state-running --persistent --no-autostart",
        "list --transient",
        "-q list --all",
        "-q list --name",
        "-q list --inactive",
        "domid test",
        "domname 1",
        f"domname {UUID}",
        "domuuid test",
        "domuuid 1",
        "domstate test",
        "domcontrol test",
        "-q domstate 1",
        "hostname",
        "uri",
    ],
)
def test_what_is_printed_is_what_virsh_prints(run: Run, arguments: str) -> None:
    virsh = subprocess.run(["virsh", "-c", URI, *arguments.split()], capture_output=True, text=True, check=True)
    ours = run(*arguments.split())
    assert ours.exit_code == 0
    if "domuuid" not in arguments or UUID in virsh.stdout:
        assert ours.stdout == virsh.stdout


@pytest.fixture
def several(host: Host) -> None:
    """Two inactive ones, a paused and a transient one, beside the running `test`."""
    for name, title in (("b", "Second"), ("A", ""), ("c", "")):
        host.domains.define(definition(name, title))
    host.domains["c"].start(paused=True)
    host.domains.create(definition("zz"))
    host.domains["A"].set_autostart(True)


@pytest.mark.usefixtures("several")
class TestSeveral:
    def test_active_ones_come_first_by_id_then_the_others_by_name(self, run: Run) -> None:
        assert run("list", "--all").stdout == (
            " Id   Name   State\n"
            "-----------------------\n"
            " 1    test   running\n"
            " 2    c      paused\n"
            " 3    zz     running\n"
            " -    A      shut off\n"
            " -    b      shut off\n"
            "\n"
        )

    def test_titles_stand_in_a_column_of_their_own(self, run: Run) -> None:
        assert run("list", "--inactive", "--title").stdout == (
            " Id   Name   State      Title\n"
            "--------------------------------\n"
            " -    A      shut off   \n"
            " -    b      shut off   Second\n"
            "\n"
        )

    @pytest.mark.parametrize(
        ("filters", "names"),
        [
            ("", "test c zz"),
            ("--all", "test c zz A b"),
            ("--inactive", "A b"),
            ("--state-running", "test zz"),
            ("--state-paused", "c"),
            ("--state-shutoff", "A b"),
            ("--state-paused --state-shutoff", "c A b"),
            ("--state-other", ""),
            ("--transient", "zz"),
            ("--persistent", "test c"),
            ("--all --autostart", "A"),
            ("--all --no-autostart --persistent", "test c b"),
            ("--with-snapshot --all", ""),
            ("--without-managed-save --inactive", "A b"),
        ],
    )
    def test_filters_narrow_the_list(self, run: Run, filters: str, names: str) -> None:
        assert run("list", "--name", *filters.split()).stdout.split() == names.split()

    def test_ids_alone_are_of_active_ones_only(self, run: Run) -> None:
        assert run("list", "--all", "--id").stdout == "1\n2\n3\n\n"

    def test_json_has_what_the_table_has_and_more(self, run: Run) -> None:
        listed = json_of(run("--json", "list", "--all"))["domains"]
        assert [(one["id"], one["name"], one["state"], one["reason"]) for one in listed] == [
            (1, "test", "running", "unknown"),
            (2, "c", "paused", "user"),
            (3, "zz", "running", "booted"),
            (None, "A", "shut off", "unknown"),
            (None, "b", "shut off", "unknown"),
        ]
        assert listed[0]["uuid"] == UUID

    def test_json_with_titles_has_a_key_more(self, run: Run) -> None:
        listed = json_of(run("list", "--json", "--inactive", "--title"))["domains"]
        assert [(one["name"], one["title"]) for one in listed] == [("A", ""), ("b", "Second")]

    def test_names_do_not_change_json(self, run: Run) -> None:
        assert run("--json", "list", "--name").stdout == run("--json", "list").stdout


def test_a_table_of_names_only_is_a_contradiction(run: Run) -> None:
    result = run("list", "--table", "--name")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --table shows all")


def test_wide_characters_keep_the_columns_straight(run: Run, host: Host) -> None:
    host.domains.create(definition("日本"))
    assert run("list").stdout.splitlines()[2:4] == [" 1    test   running", " 2    日本   running"]
