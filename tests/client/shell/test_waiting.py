"""`wait`: until domains are in a state."""

from __future__ import annotations

from virtactor.client import Host

from ..conftest import in_thread
from .conftest import Run, definition, json_of


def test_a_domain_that_is_there_already_is_told_at_once(run: Run) -> None:
    assert run("wait", "test", "running").stdout == "test: running\n"
    assert run("wait", "test", "shutoff,running").stdout == "test: shut off or running\n"


def test_wait_ends_when_the_domain_comes_there(run: Run, host: Host) -> None:
    done = in_thread(run, "wait", "--all", "paused", "--timeout", "60")
    host.domains["test"].suspend()
    assert done.result(60).stdout == "test: paused\n"


def test_who_does_not_come_in_time_is_a_failure(run: Run, host: Host) -> None:
    host.domains.create(definition("other"))
    host.domains["other"].suspend()
    result = run("wait", "test", "other", "paused", "--timeout", "0.5")
    assert (result.exit_code, result.stdout) == (1, "other: paused\n")
    assert result.stderr == "error: test: operation timed out: domain 'test' was not paused in 0.5 s\n"


def test_wait_as_json(run: Run) -> None:
    told = json_of(run("--json", "wait", "test", "running"))
    assert [one["name"] for one in told["domains"]] == ["test"]
    assert told["failed"] == []


def test_a_state_may_be_virshs_word_and_must_be_one(run: Run) -> None:
    assert run("wait", "test", "shut off,running").exit_code == 0
    result = run("wait", "test", "happy")
    assert result.exit_code == 2
    assert "'happy' is no state; those are running, blocked, paused" in result.stderr
