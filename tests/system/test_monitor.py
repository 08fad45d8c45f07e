"""Monitor commands of a caller's, as QEMU answers them."""

from __future__ import annotations

import json

import pytest
from virtactor.client import Domain, Host, InvalidArgument, NoDomain, OperationDenied, ProcessFailure

from .guests import plain
from .virtactord import Story, Virtactord, state


@pytest.fixture
def domain(host: Host) -> Domain:
    return host.domains.create(plain("a: b"), paused=True)


def test_a_qmp_command_is_answered_as_qemu_answers(domain: Domain) -> None:
    assert domain.monitor_command({"execute": "query-status"}) == {
        "return": {"status": "prelaunch", "singlestep": False, "running": False}
    }
    assert json.loads(domain.monitor_command('{"execute": "query-name", "id": "mine"}')) == {"return": {"name": "a: b"}}
    answer = domain.monitor_command({"execute": "qom-get", "arguments": {"path": "/machine", "property": "type"}})
    assert str(answer["return"]).startswith("pc-i440fx")


def test_a_line_of_the_human_monitor_is_answered_in_text(domain: Domain) -> None:
    assert domain.monitor_command("info status", hmp=True) == "VM status: paused (prelaunch)\r\n"
    assert "unknown command: 'nonsense'" in domain.monitor_command("nonsense", hmp=True)


def test_a_refusal_of_qemus_is_an_answer(domain: Domain) -> None:
    assert domain.monitor_command({"execute": "nonsense"}) == {
        "error": {"class": "CommandNotFound", "desc": "The command nonsense has not been found"}
    }
    assert domain.monitor_command({"execute": "device_del", "arguments": {"id": "none"}}) == {
        "error": {"class": "DeviceNotFound", "desc": "Device 'none' not found"}
    }


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "12", "null", "{}", '{"execute": 7}', '{"execute": "stop", "arguments": []}', "[" * 100_000],
    ids=lambda text: text[:20],
)
def test_text_that_is_no_command_is_refused(domain: Domain, text: str) -> None:
    with pytest.raises(InvalidArgument, match="a monitor command"):
        domain.monitor_command(text)
    assert domain.monitor_command({"execute": "query-name"})["return"] == {"name": "a: b"}


def test_a_read_only_client_gets_no_monitor(shared: Virtactord, domain: Domain) -> None:
    with shared.connect(readonly=True) as reader, pytest.raises(OperationDenied):
        reader.domains["a: b"].monitor_command({"execute": "query-status"})


def test_unknown_flags_are_refused(host: Host, domain: Domain) -> None:
    with pytest.raises(InvalidArgument, match="flags"):
        host.call("domain_monitor_command", domain.ref, "info status", 2)


def test_what_the_monitor_is_used_for_behind_our_back_is_seen(domain: Domain, story: Story) -> None:
    domain.monitor_command({"execute": "cont"})
    assert story.wait_for("a: b", "RESUMED UNPAUSED") == ["RESUMED UNPAUSED"]
    domain.monitor_command({"execute": "stop"})
    assert story.wait_for("a: b", "SUSPENDED PAUSED") == ["SUSPENDED PAUSED"]
    assert state(domain) == "PAUSED UNKNOWN"
    domain.monitor_command({"execute": "quit"})
    with pytest.raises((ProcessFailure, NoDomain)):
        domain.monitor_command({"execute": "query-status"})
    assert story.wait_for("a: b", "STOPPED SHUTDOWN") == ["SHUTDOWN HOST", "STOPPED SHUTDOWN"]
