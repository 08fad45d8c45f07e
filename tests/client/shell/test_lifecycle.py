"""Commands that change domains: one, several, patterns, all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from virtactor.client import DomainState, Host

from ..conftest import wait_until
from .conftest import Run, definition, json_of


@pytest.fixture
def four(host: Host) -> None:
    """web1 and web2 are off, db is running, old is paused; `test` runs."""
    for name in ("web1", "web2", "db", "old"):
        host.domains.define(definition(name))
    host.domains["db"].start()
    host.domains["old"].start(paused=True)


def states(host: Host) -> dict[str, str]:
    return {domain.name: DomainState(domain.state()[0]).name.lower() for domain in host.domains}


@pytest.mark.parametrize(
    ("commands", "said", "state"),
    [
        (["suspend test"], "test: suspended\n", "paused"),
        (["suspend test", "resume test"], "test: resumed\n", "running"),
        (["destroy test"], "test: destroyed\n", "shutoff"),
        (["destroy --graceful test"], "test: destroyed\n", "shutoff"),
        (["shutdown test"], "test: asked to power off\n", "shutoff"),
        (["reboot test"], "test: asked to restart\n", "running"),
        (["reset test"], "test: reset\n", "running"),
        (["destroy test", "start test"], "test: started\n", "running"),
        (["destroy test", "start --paused test"], "test: started\n", "paused"),
        (["destroy test", "start --domain test --force-boot"], "test: started\n", "running"),
    ],
)
def test_a_command_does_what_its_name_says(run: Run, host: Host, commands: list[str], said: str, state: str) -> None:
    *_, result = [run(*command.split()) for command in commands]
    assert (result.exit_code, result.stdout, result.stderr) == (0, said, "")
    assert states(host) == {"test": state}


@pytest.mark.parametrize("name", ["test", "1", "6695eb01-f6a4-8304-79aa-97f2502e193f"])
def test_a_domain_is_called_by_name_id_or_uuid(run: Run, host: Host, name: str) -> None:
    assert run("suspend", name).stdout == "test: suspended\n"


def test_a_name_of_digits_is_found_when_no_domain_has_that_id(run: Run, host: Host) -> None:
    host.domains.define(definition("99"))
    assert run("domname", "99").stdout == "99\n\n"
    assert run("domstate", "99", "99999999999999").stderr == (
        "error: 99999999999999: Domain not found: no domain with matching name '99999999999999'\n"
    )


def test_quiet_says_nothing_of_a_success(run: Run) -> None:
    assert run("-q", "suspend", "test").stdout == ""


@pytest.mark.usefixtures("four")
class TestFour:
    def test_several_domains_are_started_with_one_command(self, run: Run, host: Host) -> None:
        result = run("start", "web1", "web2")
        assert sorted(result.stdout.splitlines()) == ["web1: started", "web2: started"]
        assert states(host)["web2"] == "running"

    def test_each_failure_is_a_line_that_names_its_domain_and_the_others_go_on(self, run: Run, host: Host) -> None:
        result = run("start", "web1", "db", "nope", "web2")
        assert result.exit_code == 1
        assert sorted(result.stdout.splitlines()) == ["web1: started", "web2: started"]
        assert sorted(result.stderr.splitlines()) == [
            "error: db: internal error: Domain 'db' is already running",
            "error: nope: Domain not found: no domain with matching name 'nope'",
        ]

    def test_a_pattern_chooses_among_those_that_the_command_is_for(self, run: Run, host: Host) -> None:
        assert sorted(run("start", "*").stdout.splitlines()) == ["web1: started", "web2: started"]
        assert sorted(run("suspend", "web[12]", "d?").stdout.splitlines()) == [
            "db: suspended",
            "web1: suspended",
            "web2: suspended",
        ]

    def test_all_is_all_that_the_command_is_for(self, run: Run, host: Host) -> None:
        assert sorted(run("suspend", "--all").stdout.splitlines()) == ["db: suspended", "test: suspended"]
        assert sorted(run("resume", "--all").stdout.splitlines()) == ["db: resumed", "old: resumed", "test: resumed"]
        assert run("resume", "--all").exit_code == 0

    def test_a_domain_asked_for_twice_is_taken_once(self, run: Run) -> None:
        assert run("start", "web1", "web1", "web[1]").stdout == "web1: started\n"

    def test_a_pattern_that_fits_nothing_is_a_failure(self, run: Run) -> None:
        result = run("start", "x*")
        assert (result.exit_code, result.stderr) == (
            1,
            "error: x*: Domain not found: none that this applies to matches 'x*'\n",
        )

    @pytest.mark.parametrize("command", ["destroy", "undefine", "reset"])
    def test_what_cannot_be_undone_wants_names(self, run: Run, host: Host, command: str) -> None:
        before = states(host)
        assert run(command, "web*").stderr == "error: Domain not found: no domain with matching name 'web*'\n"
        assert run(command, "--all").exit_code == 2
        assert states(host) == before

    def test_autostart_is_set_and_taken_back(self, run: Run, host: Host) -> None:
        assert run("autostart", "web*").exit_code == 0
        assert [domain.name for domain in host.domains.list(autostart=True)] == ["web1", "web2"]
        assert run("autostart", "--disable", "web1").stdout == "web1: not started with the daemon any more\n"
        assert [domain.name for domain in host.domains.list(autostart=True)] == ["web2"]

    def test_json_tells_what_was_done_and_what_failed(self, run: Run) -> None:
        result = run("--json", "start", "web1", "db")
        assert result.exit_code == 1
        told = json.loads(result.stdout)
        assert [(one["name"], one["id"]) for one in told["domains"]] == [("web1", 4)]
        assert told["failed"] == [
            {
                "name": "db",
                "kind": "OperationInvalid",
                "code": 1,
                "message": "internal error: Domain 'db' is already running",
                "object": "db",
            }
        ]

    def test_undefine_forgets(self, run: Run, host: Host) -> None:
        assert sorted(run("undefine", "web1", "web2", "--managed-save").stdout.splitlines()) == [
            "web1: undefined",
            "web2: undefined",
        ]
        assert "web1" not in host.domains


def test_modes_may_be_several_and_must_be_known(run: Run) -> None:
    # libvirt's test driver has no modes, and says which bits it was given.
    assert "unsupported flags (0x3)" in run("shutdown", "test", "--mode", "acpi,agent").stderr
    result = run("reboot", "test", "--mode", "kick")
    assert (result.exit_code, result.stderr) == (
        2,
        "error: Invalid value for '--mode': 'kick' is none of acpi, agent, initctl, signal, paravirt "
        "(hint: virtactor reboot --help)\n",
    )


@pytest.mark.parametrize("option", [[], ["--postcopy"]])
def test_a_driver_without_jobs_has_none_to_abort(run: Run, option: list[str]) -> None:
    message = run("domjobabort", "test", *option).stderr
    assert message.startswith("error: this function is not supported by the connection driver: virDomainAbortJob")


@pytest.mark.parametrize("command", ["suspend", "start --all test", "define"])
def test_wrong_usage_is_one_line_and_status_2(run: Run, command: str) -> None:
    result = run(*command.split())
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_files_are_defined_all_at_once(run: Run, host: Host, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.xml" for name in ("one", "two", "three")]
    for path in paths:
        path.write_text(definition(path.stem))
    result = run("define", *map(str, paths), "--validate")
    assert sorted(result.stdout.splitlines()) == ["one: defined", "three: defined", "two: defined"]
    assert "three" in host.domains


def test_a_bad_file_fails_by_its_name_and_the_others_are_defined(run: Run, host: Host, tmp_path: Path) -> None:
    good, broken, missing = (tmp_path / name for name in ("good.xml", "broken.xml", "missing.xml"))
    good.write_text(definition("good"))
    broken.write_text("<domain>\n</x>")
    result = run("define", str(missing), str(broken), str(good))
    assert (result.exit_code, result.stdout) == (1, "good: defined\n")
    first, second = result.stderr.splitlines()
    assert first == f"error: system error: cannot read {missing}: No such file or directory"
    assert second.startswith(f"error: {broken}: ")
    assert "line 2: " in second


def test_a_definition_comes_from_the_standard_input(run: Run, host: Host) -> None:
    assert run("create", "-", "--paused", input=definition("piped")).stdout == "piped: started\n"
    assert states(host)["piped"] == "paused"


def test_a_file_may_be_given_as_an_option(run: Run, tmp_path: Path) -> None:
    (tmp_path / "one.xml").write_text(definition("one"))
    assert run("create", "--file", str(tmp_path / "one.xml")).stdout == "one: started\n"


def test_autodestroy_ends_the_guest_with_the_command(run: Run, host: Host) -> None:
    assert run("create", "-", "--autodestroy", input=definition("brief")).stdout == "brief: started\n"
    wait_until(lambda: "brief" not in host.domains)


def test_json_of_a_definition_names_the_domain(run: Run) -> None:
    told = json_of(run("define", "-", "--json", input=definition("told")))
    assert [(one["name"], one["id"]) for one in told["domains"]] == [("told", None)]
    assert told["failed"] == []
