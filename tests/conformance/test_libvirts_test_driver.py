"""Our test driver beside libvirt's: the same calls, the same errors, events and states.

data/libvirt_test_driver.json has what libvirt 9.0 answers; data/ask_libvirt.py asked it.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from virtactor.wire.errors import VirtError

from ..raw_client import RawClient, domain_xml
from .conftest import KINDS, Driver

LIBVIRT: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "libvirt_test_driver.json").read_text()
)
FLAGS = {"domain_suspend": (), "domain_resume": ()}

pytestmark = pytest.mark.parametrize("driver", ["test"], indirect=True)


def ask(client: RawClient, procedure: str, *args: Any) -> dict[str, Any]:
    """A call's outcome, as the facts have it."""
    client.events_of()
    answer: dict[str, Any] = {"error": 0}
    try:
        client.call(procedure, *args)
    except VirtError as error:
        answer["error"] = error.code
    answer["events"] = [[event.event, event.detail] for event in client.events_of()]
    answer["state"] = list(client.state("guest")) if "guest" in client.names() else None
    return answer


@pytest.fixture
def subscribed(driver: Driver, client: RawClient) -> RawClient:
    assert driver.kind is KINDS["test"]
    client.subscribe()
    return client


@pytest.mark.parametrize("name", [name for name in LIBVIRT if name.startswith("domain_")])
def test_a_call_on_a_domain(name: str, subscribed: RawClient) -> None:
    procedure, situation = name.split(" ")
    element, _, action = situation.partition("=")
    extra = f"<{element}>{action}</{element}>" if action else ""
    ref = subscribed.define("guest", extra=extra)
    if situation != "SHUTOFF":
        subscribed.call("domain_create_with_flags", ref, 0)
    if situation == "PAUSED":
        subscribed.call("domain_suspend", ref)
    assert ask(subscribed, procedure, ref, *FLAGS.get(procedure, (0,))) == LIBVIRT[name]


def test_definitions(subscribed: RawClient) -> None:
    answers: dict[str, Any] = {}

    def define(name: str, xml: str, call: str = "domain_define_xml_flags") -> None:
        answers[name] = ask(subscribed, call, xml, 0)

    define("define", domain_xml("guest"))
    known = str(uuid.UUID(bytes=subscribed.lookup("guest").uuid))
    same = domain_xml("guest", uuid=known)
    define("define again", same)
    define("define with another uuid", domain_xml("guest"))
    define("define with another name", domain_xml("other", uuid=known))
    define("define what is no XML", "<domain")
    define("create what is defined", same, "domain_create_xml")
    define("create what runs", same, "domain_create_xml")
    assert answers == {name: LIBVIRT[name] for name in answers}


def test_transient_domains(subscribed: RawClient) -> None:
    answers = {"create": ask(subscribed, "domain_create_xml", domain_xml("guest"), 0)}
    ref = subscribed.lookup("guest")
    answers["destroy transient"] = ask(subscribed, "domain_destroy_flags", ref, 0)
    answers["destroy gone"] = ask(subscribed, "domain_destroy_flags", ref, 0)
    assert answers == {name: LIBVIRT[name] for name in answers}


def test_the_domain_that_it_begins_with_is_libvirts(driver: Driver) -> None:
    with driver.client() as client:
        ref = client.lookup("test")
        assert str(uuid.UUID(bytes=ref.uuid)) == "6695eb01-f6a4-8304-79aa-97f2502e193f"
        assert client.call("domain_get_info", ref)[:4] == (1, 8388608, 2097152, 2)
        assert client.state("test") == (1, 0)
        assert client.call("domain_is_persistent", ref) == 1
