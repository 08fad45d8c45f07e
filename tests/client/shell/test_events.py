"""`event`: printed as they happen."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess

import pytest
from virtactor.client import Host

from ..conftest import in_thread
from .conftest import URI, Run, json_of


def happen(host: Host, run: Run, *arguments: str) -> list[str]:
    """The lines that an `event` prints while `test` is suspended and resumed, again and again until it has ended."""
    done = in_thread(run, "event", *arguments)
    guest = host.domains["test"]
    while not done.done():
        guest.suspend()
        guest.resume()
    result = done.result()
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()


@pytest.mark.skipif(shutil.which("virsh") is None, reason="compares with virsh")
def test_types_are_virshs_and_those_that_are_younger(run: Run) -> None:
    virsh = subprocess.run(["virsh", "-c", URI, "event", "--list"], capture_output=True, text=True, check=True).stdout
    ours = run("event", "--list").stdout.split()
    assert ours == [*virsh.split(), "nic-mac-change"]
    assert json_of(run("event", "--list", "--json")) == {"events": ours}


def test_one_event_is_enough(run: Run, host: Host) -> None:
    first, count = happen(host, run)
    assert first in (
        "event 'lifecycle' for domain 'test': Suspended Paused",
        "event 'lifecycle' for domain 'test': Resumed Unpaused",
    )
    assert count == "events received: 1"


def test_a_loop_goes_on_until_its_time_is_up(run: Run, host: Host) -> None:
    *lines, count = happen(host, run, "--loop", "--timeout", "1", "--event", "lifecycle", "--domain", "test")
    assert count == f"events received: {len(lines)}"
    kinds = [line.rpartition(": ")[2] for line in lines]
    pairs = {("Suspended Paused", "Resumed Unpaused"), ("Resumed Unpaused", "Suspended Paused")}
    assert set(itertools.pairwise(kinds)) == pairs


def test_a_timestamp_stands_before_each(run: Run, host: Host) -> None:
    first, _ = happen(host, run, "--timestamp", "--all")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+00:00: event 'lifecycle' .*", first)


def test_json_is_a_line_for_each(run: Run, host: Host) -> None:
    (line,) = happen(host, run, "--json")
    told = json.loads(line)
    assert (told["event"], told["name"], told["id"]) == ("lifecycle", "test", 1)
    assert (told["type"], told["detail"]) in (("suspended", "paused"), ("resumed", "unpaused"))
    assert sorted(told) == ["detail", "event", "id", "name", "sequence", "type", "uuid", "when"]


def test_nothing_happened_is_a_failure(run: Run) -> None:
    result = run("event", "--timeout", "0.05")
    assert (result.exit_code, result.stdout) == (1, "events received: 0\n")
    assert result.stderr == "error: operation timed out: nothing happened in 0.05 s\n"


def test_events_of_a_domain_that_is_not_there_are_a_failure(run: Run) -> None:
    assert run("event", "--domain", "nope").exit_code == 1
