"""`--trace`: a tree for each call, aligned, with times."""

from __future__ import annotations

import io
import json

import pytest
from virtactor.client import CallTrace, OperationInvalid, TraceEntry
from virtactor.client.shell import tracing
from virtactor.wire.table import ROWS, DomainRef

from .conftest import Run

REF = DomainRef("web", b"\1" * 16, 3)
ENTRIES = (
    TraceEntry(at=0.000002, took=0.4, depth=0, actor="client 1", what="call domain_create_with_flags"),
    TraceEntry(at=0.00001, took=0.000007, depth=1, actor="router", what="route to domain"),
    TraceEntry(at=0.00005, took=0.39, depth=2, actor="domain web", what="domain_create_with_flags"),
    TraceEntry(at=0.02, took=0.0198, depth=3, actor="process web", what="spawn QEMU"),
    TraceEntry(at=0.39, took=0.0048, depth=3, actor="monitor web", what="QMP cont"),
    TraceEntry(at=0.399, took=0.0000123, depth=1, actor="store", what="save"),
)
TRACE = CallTrace(ROWS["domain_create_with_flags"], (REF, 0), 0.4012, ENTRIES)


def test_depths_are_drawn_as_a_tree_with_aligned_times() -> None:
    assert list(tracing.lines_of(TRACE)) == [
        "domain_create_with_flags of web: 401.20 ms",
        "                                                      at       took",
        "└─ client 1: call domain_create_with_flags        2.0 µs  400.00 ms",
        "   ├─ router: route to domain                    10.0 µs     7.0 µs",
        "   │  └─ domain web: domain_create_with_flags    50.0 µs  390.00 ms",
        "   │     ├─ process web: spawn QEMU             20.00 ms   19.80 ms",
        "   │     └─ monitor web: QMP cont              390.00 ms    4.80 ms",
        "   └─ store: save                              399.00 ms    12.3 µs",
    ]


def test_a_call_that_failed_says_so() -> None:
    failed = CallTrace(ROWS["connect_get_uri"], (), 0.00025, (), OperationInvalid("no\nway"))
    assert list(tracing.lines_of(failed)) == ["connect_get_uri: 250.0 µs  failed: Requested operation is not valid: no"]


def test_a_terminal_without_lines_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stderr", stderr)
    tracing.print_traces([TRACE], as_json=False)
    stderr.flush()
    text = stderr.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert "\n   |  `- domain web: domain_create_with_flags    50.0 us  390.00 ms\n" in text


def test_the_calls_of_a_command_are_traced_in_their_order(run: Run) -> None:
    result = run("--trace", "suspend", "test")
    assert (result.exit_code, result.stdout) == (0, "test: suspended\n")
    titles = [line.partition(":")[0] for line in result.stderr.splitlines() if line[:1].isalpha()]
    assert titles == ["domain_lookup_by_name", "domain_suspend of test"]
    assert "      └─ domain test: domain_suspend " in result.stderr


def test_calls_of_a_command_that_failed_are_traced_after_its_error(run: Run) -> None:
    result = run("start", "test", "--trace")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: internal error: Domain 'test' is already running\n")
    assert "failed: internal error: Domain 'test' is already running\n" in result.stderr


def test_traces_as_json_are_one_document_on_stderr(run: Run) -> None:
    result = run("--json", "--trace", "domstate", "test")
    assert json.loads(result.stdout)["domains"][0]["state"] == "running"
    lookup, asked = json.loads(result.stderr)["calls"]
    assert lookup["procedure"] == "domain_lookup_by_name"
    assert (asked["procedure"], asked["api"], asked["object"], asked["error"]) == (
        "domain_get_state",
        "virDomainGetState",
        "test",
        None,
    )
    assert [(entry["depth"], entry["actor"]) for entry in asked["entries"]][1:] == [(1, "router"), (2, "domain test")]
    assert 0 < asked["entries"][2]["took"] < asked["took"] < 5
