"""What every driver of domains answers: to each call in each state, with which error and which events."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from virtactor.wire.enums.domain import ConnectListAllDomainsFlags as List
from virtactor.wire.enums.domain import DomainCreateFlags, DomainState, DomainXMLFlags
from virtactor.wire.enums.domain_events import DomainEventType as Type
from virtactor.wire.errors import (
    AlreadyExists,
    InvalidArgument,
    NoDomain,
    NotSupported,
    OperationInvalid,
    XMLError,
)
from virtactor.wire.table import DomainRef

from ..raw_client import RawClient
from .conftest import Driver

OFF, RUNNING, PAUSED = DomainState.SHUTOFF, DomainState.RUNNING, DomainState.PAUSED
MISSING = DomainRef("ghost", b"\x11" * 16, -1)
Story = list[tuple[int, int]]

DEFINED, UPDATED, UNDEFINED = (Type.DEFINED, 0), (Type.DEFINED, 1), (Type.UNDEFINED, 0)
STARTED, SUSPENDED, RESUMED = (Type.STARTED, 0), (Type.SUSPENDED, 0), (Type.RESUMED, 0)
SHUT_DOWN, DESTROYED = (Type.STOPPED, 0), (Type.STOPPED, 1)


@pytest.fixture
def define(driver: Driver, client: RawClient) -> Callable[..., DomainRef]:
    return lambda name="guest", **more: client.call("domain_define_xml_flags", driver.xml(name, **more), 0)


@pytest.fixture
def create(driver: Driver, client: RawClient) -> Callable[..., DomainRef]:
    return lambda name="guest", flags=DomainCreateFlags.PAUSED, **more: client.call(
        "domain_create_xml", driver.xml(name, **more), flags
    )


@pytest.fixture
def story(client: RawClient) -> Callable[[], Story]:
    """The events since it was last asked, as pairs of type and detail."""
    client.subscribe()
    return lambda: [(event.event, event.detail) for event in client.events_of()]


def state_of(client: RawClient, ref: DomainRef) -> tuple[int, int]:
    return client.call("domain_get_state", ref, 0)


# -- calls by state ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What a call leads to: a state and events, or an error that changes nothing."""

    state: DomainState | None = None
    events: tuple[tuple[int, int], ...] = ()
    error: str = ""


def refused(error: str) -> Outcome:
    return Outcome(error=error)


NOT_RUNNING = refused("Requested operation is not valid: domain is not running")
ALREADY_RUNNING = refused("Requested operation is not valid: domain is already running")
NO_JOB = refused("Requested operation is not valid: no job is active on the domain")
POWERED_OFF = Outcome(OFF, (SHUT_DOWN,))

OPERATIONS: dict[str, tuple[Any, ...]] = {
    "domain_create_with_flags": (0,),
    "domain_suspend": (),
    "domain_resume": (),
    "domain_shutdown_flags": (0,),
    "domain_reboot": (0,),
    "domain_reset": (0,),
    "domain_destroy_flags": (0,),
    "domain_abort_job": (),
    "domain_get_control_info": (0,),
}
MATRIX: dict[tuple[DomainState, str], Outcome] = {
    (OFF, "domain_create_with_flags"): Outcome(RUNNING, (STARTED,)),
    (OFF, "domain_suspend"): NOT_RUNNING,
    (OFF, "domain_resume"): NOT_RUNNING,
    (OFF, "domain_shutdown_flags"): NOT_RUNNING,
    (OFF, "domain_reboot"): NOT_RUNNING,
    (OFF, "domain_reset"): NOT_RUNNING,
    (OFF, "domain_destroy_flags"): NOT_RUNNING,
    (OFF, "domain_abort_job"): NO_JOB,
    (OFF, "domain_get_control_info"): NOT_RUNNING,
    (RUNNING, "domain_create_with_flags"): ALREADY_RUNNING,
    (RUNNING, "domain_suspend"): Outcome(PAUSED, (SUSPENDED,)),
    (RUNNING, "domain_resume"): ALREADY_RUNNING,
    (RUNNING, "domain_shutdown_flags"): POWERED_OFF,
    (RUNNING, "domain_reboot"): Outcome(RUNNING),
    (RUNNING, "domain_reset"): Outcome(RUNNING),
    (RUNNING, "domain_destroy_flags"): Outcome(OFF, (DESTROYED,)),
    (RUNNING, "domain_abort_job"): NO_JOB,
    (RUNNING, "domain_get_control_info"): Outcome(RUNNING),
    (PAUSED, "domain_create_with_flags"): ALREADY_RUNNING,
    (PAUSED, "domain_suspend"): Outcome(PAUSED),
    (PAUSED, "domain_resume"): Outcome(RUNNING, (RESUMED,)),
    (PAUSED, "domain_shutdown_flags"): POWERED_OFF,
    (PAUSED, "domain_reboot"): Outcome(PAUSED),
    (PAUSED, "domain_reset"): Outcome(PAUSED),
    (PAUSED, "domain_destroy_flags"): Outcome(OFF, (DESTROYED,)),
    (PAUSED, "domain_abort_job"): NO_JOB,
    (PAUSED, "domain_get_control_info"): Outcome(PAUSED),
}
# libvirt's test driver says some of it otherwise, calls it an internal error, and has no jobs; so does ours.
NO_ABORT = refused("this function is not supported by the connection driver: virDomainAbortJob")
OF_TEST: dict[tuple[DomainState, str], Outcome] = {
    (OFF, "domain_suspend"): refused("internal error: domain 'guest' not running"),
    (OFF, "domain_resume"): refused("internal error: domain 'guest' not paused"),
    (OFF, "domain_shutdown_flags"): refused("internal error: domain 'guest' not running"),
    (RUNNING, "domain_create_with_flags"): refused("internal error: Domain 'guest' is already running"),
    (RUNNING, "domain_resume"): refused("internal error: domain 'guest' not paused"),
    (PAUSED, "domain_create_with_flags"): refused("internal error: Domain 'guest' is already running"),
    (PAUSED, "domain_suspend"): refused("internal error: domain 'guest' not running"),
    (PAUSED, "domain_reboot"): Outcome(RUNNING),
    **{(state, "domain_abort_job"): NO_ABORT for state in (OFF, RUNNING, PAUSED)},
}
CODES = {"Requested operation is not valid": 55, "internal error": 1}


def bring_to(client: RawClient, ref: DomainRef, state: DomainState) -> None:
    if state is not OFF:
        client.call("domain_create_with_flags", ref, DomainCreateFlags.PAUSED if state is PAUSED else 0)


@pytest.mark.parametrize(("state", "operation"), MATRIX, ids=lambda value: getattr(value, "name", value))
def test_a_call_in_a_state(
    state: DomainState,
    operation: str,
    driver: Driver,
    client: RawClient,
    define: Callable[..., DomainRef],
    story: Callable[[], Story],
) -> None:
    ref = define()
    bring_to(client, ref, state)
    story()
    before = state_of(client, ref)
    assert before[0] == state
    outcome = MATRIX[state, operation]
    if driver.kind.type == "test":
        outcome = OF_TEST.get((state, operation), outcome)
    if outcome is POWERED_OFF and not driver.kind.powers_off:
        outcome = Outcome(state)  # The call asks the guest, and there is nobody in it.
    if outcome is NO_ABORT:
        with pytest.raises(NotSupported, match=outcome.error):
            client.call(operation, ref, *OPERATIONS[operation])
    elif outcome.error:
        with pytest.raises(OperationInvalid) as raised:
            client.call(operation, ref, *OPERATIONS[operation])
        assert str(raised.value) == outcome.error
        assert raised.value.code == CODES[outcome.error.partition(":")[0]]
        assert raised.value.object == "guest"
        assert state_of(client, ref) == before
    else:
        client.call(operation, ref, *OPERATIONS[operation])
        assert state_of(client, ref)[0] == outcome.state
    assert story() == list(outcome.events)


def test_the_matrix_has_every_operation_in_every_state() -> None:
    assert MATRIX.keys() == {(state, operation) for state in (OFF, RUNNING, PAUSED) for operation in OPERATIONS}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_call_works_on_a_domain_that_is_gone(
    operation: str, client: RawClient, define: Callable[..., DomainRef]
) -> None:
    ref = define()
    client.call("domain_undefine_flags", ref, 0)
    for gone in (ref, MISSING):
        with pytest.raises(NoDomain) as raised:
            client.call(operation, gone, *OPERATIONS[operation])
        assert str(raised.value) == (
            f"Domain not found: no domain with matching uuid '{uuid.UUID(bytes=gone.uuid)}' ({gone.name})"
        )


# -- definitions -------------------------------------------------------------------------------------------------------


def test_a_definition_is_listed_found_shown_and_forgotten(
    driver: Driver, client: RawClient, define: Callable[..., DomainRef], story: Callable[[], Story]
) -> None:
    ref = define()
    assert story() == [DEFINED]
    assert (ref.name, ref.id, len(ref.uuid)) == ("guest", -1, 16)
    assert client.names() == {"guest", *driver.kind.begins_with}
    assert client.lookup("guest") == client.call("domain_lookup_by_uuid", ref.uuid) == ref
    assert state_of(client, ref)[0] == OFF
    xml = client.call("domain_get_xml_desc", ref, 0)
    assert f"<uuid>{uuid.UUID(bytes=ref.uuid)}</uuid>" in xml
    assert "<name>guest</name>" in xml
    assert re.match(rf"<domain type=['\"]{driver.kind.type}['\"]>", xml)
    client.call("domain_undefine_flags", ref, 0)
    assert story() == [UNDEFINED]
    assert client.names() == driver.kind.begins_with
    for look_up, argument in (("domain_lookup_by_name", "guest"), ("domain_lookup_by_uuid", ref.uuid)):
        with pytest.raises(NoDomain):
            client.call(look_up, argument)


def test_what_dumpxml_shows_can_be_defined_again_and_changes_nothing(
    client: RawClient, define: Callable[..., DomainRef]
) -> None:
    ref = define()
    xml = client.call("domain_get_xml_desc", ref, 0)
    assert client.call("domain_define_xml_flags", xml, 0) == ref
    assert client.call("domain_get_xml_desc", ref, 0) == xml


def test_a_redefinition_replaces_the_definition_and_is_told(
    driver: Driver, client: RawClient, define: Callable[..., DomainRef], story: Callable[[], Story]
) -> None:
    ref = define()
    again = define(uuid=str(uuid.UUID(bytes=ref.uuid)), extra="<title>second</title>")
    assert again == ref
    assert "<title>second</title>" in client.call("domain_get_xml_desc", ref, 0)
    assert story() == [DEFINED, UPDATED]
    assert client.names() == {"guest", *driver.kind.begins_with}


def test_names_and_uuids_belong_to_one_domain(
    driver: Driver, client: RawClient, define: Callable[..., DomainRef], story: Callable[[], Story]
) -> None:
    ref = define()
    known = uuid.UUID(bytes=ref.uuid)
    story()
    for call in ("domain_define_xml_flags", "domain_create_xml"):
        for xml, complaint in (
            (driver.xml("guest"), f"domain 'guest' already exists with uuid {known}"),
            (driver.xml("guest", uuid=str(uuid.uuid4())), f"domain 'guest' already exists with uuid {known}"),
            (driver.xml("other", uuid=str(known)), f"domain 'guest' is already defined with uuid {known}"),
        ):
            with pytest.raises(AlreadyExists) as raised:
                client.call(call, xml, 0)
            assert str(raised.value) == f"operation failed: {complaint}"
            assert raised.value.code == 9
    assert story() == []
    assert client.names() == {"guest", *driver.kind.begins_with}


@pytest.mark.parametrize(
    ("xml", "kind"),
    [
        ("", XMLError),
        ("<domain", XMLError),
        ("<network/>", XMLError),
        ("<domain type='what'><name>x</name><memory>8192</memory><os><type>hvm</type></os></domain>", XMLError),
    ],
)
def test_a_document_that_is_no_definition_is_refused(
    xml: str, kind: type[Exception], driver: Driver, client: RawClient, story: Callable[[], Story]
) -> None:
    for call in ("domain_define_xml_flags", "domain_create_xml"):
        with pytest.raises(kind):
            client.call(call, xml, 0)
    assert story() == []
    assert client.names() == driver.kind.begins_with


def test_unknown_flags_are_refused_and_start_nothing(
    driver: Driver, client: RawClient, define: Callable[..., DomainRef], story: Callable[[], Story]
) -> None:
    ref = define()
    story()
    unknown = 1 << 30
    for call, arguments in (
        ("domain_create_with_flags", (ref, unknown)),
        ("domain_create_xml", (driver.xml("other"), unknown)),
        ("domain_define_xml_flags", (driver.xml("other"), unknown)),
        ("domain_undefine_flags", (ref, unknown)),
        ("domain_get_xml_desc", (ref, unknown)),
        ("domain_get_state", (ref, unknown)),
        ("connect_list_all_domains", (1, unknown)),
    ):
        with pytest.raises(InvalidArgument, match=r"unsupported flags \(0x40000000\)"):
            client.call(call, *arguments)
    assert story() == []
    assert client.names() == {"guest", *driver.kind.begins_with}


# -- running -----------------------------------------------------------------------------------------------------------


def test_a_domain_has_an_id_while_it_runs_and_a_new_one_each_time(
    client: RawClient, define: Callable[..., DomainRef]
) -> None:
    ref = define()
    ids = []
    for _ in range(3):
        started = client.call("domain_create_with_flags", ref, DomainCreateFlags.PAUSED)
        assert started.id > 0
        assert client.call("domain_lookup_by_id", started.id) == started == client.lookup("guest")
        assert re.search(rf"<domain [^>]*\bid=['\"]{started.id}['\"]", client.call("domain_get_xml_desc", ref, 0))
        ids.append(started.id)
        client.call("domain_destroy_flags", ref, 0)
        assert client.lookup("guest").id == -1
        with pytest.raises(NoDomain, match=f"no domain with matching id {started.id}"):
            client.call("domain_lookup_by_id", started.id)
    assert sorted(set(ids)) == ids


def test_a_paused_start_tells_of_both(
    client: RawClient, define: Callable[..., DomainRef], story: Callable[[], Story]
) -> None:
    ref = define()
    client.call("domain_create_with_flags", ref, DomainCreateFlags.PAUSED)
    assert state_of(client, ref) == (PAUSED, 1)
    client.call("domain_resume", ref)
    assert state_of(client, ref) == (RUNNING, 5)
    client.call("domain_destroy_flags", ref, 0)
    assert state_of(client, ref) == (OFF, 2)
    assert story() == [DEFINED, STARTED, SUSPENDED, RESUMED, DESTROYED]


def test_a_transient_domain_is_gone_when_it_stops(
    driver: Driver, client: RawClient, create: Callable[..., DomainRef], story: Callable[[], Story]
) -> None:
    ref = create()
    assert client.call("domain_is_persistent", ref) == 0
    assert client.call("domain_is_active", ref) == 1
    if driver.kind.type != "test":  # libvirt's test driver allows both.
        with pytest.raises(OperationInvalid, match="cannot undefine transient domain"):
            client.call("domain_undefine_flags", ref, 0)
        with pytest.raises(OperationInvalid, match="cannot set autostart for transient domain"):
            client.call("domain_set_autostart", ref, 1)
    client.call("domain_destroy_flags", ref, 0)
    assert story() == [STARTED, SUSPENDED, DESTROYED]
    assert client.names() == driver.kind.begins_with
    with pytest.raises(NoDomain):
        state_of(client, ref)


def test_a_running_domain_cannot_be_created_again(
    driver: Driver, client: RawClient, create: Callable[..., DomainRef]
) -> None:
    ref = create()
    with pytest.raises(OperationInvalid, match="domain 'guest' is already active"):
        create(uuid=str(uuid.UUID(bytes=ref.uuid)))
    assert client.lookup("guest") == ref


def test_a_persistent_domain_can_be_created_from_another_definition_for_once(
    client: RawClient, define: Callable[..., DomainRef], create: Callable[..., DomainRef]
) -> None:
    ref = define(extra="<title>first</title>")
    create(uuid=str(uuid.UUID(bytes=ref.uuid)), extra="<title>second</title>")
    assert "<title>second</title>" in client.call("domain_get_xml_desc", ref, 0)
    assert "<title>first</title>" in client.call("domain_get_xml_desc", ref, DomainXMLFlags.INACTIVE)
    client.call("domain_destroy_flags", ref, 0)
    assert "<title>first</title>" in client.call("domain_get_xml_desc", ref, 0)


def test_a_transient_domain_becomes_persistent_by_a_definition_and_transient_without(
    client: RawClient, define: Callable[..., DomainRef], create: Callable[..., DomainRef], story: Callable[[], Story]
) -> None:
    ref = create()
    define(uuid=str(uuid.UUID(bytes=ref.uuid)))
    assert client.call("domain_is_persistent", ref) == 1
    client.call("domain_undefine_flags", ref, 0)
    assert client.call("domain_is_persistent", ref) == 0
    assert state_of(client, ref)[0] == PAUSED
    client.call("domain_destroy_flags", ref, 0)
    assert story() == [STARTED, SUSPENDED, DEFINED, UNDEFINED, DESTROYED]
    with pytest.raises(NoDomain):
        client.lookup("guest")


def test_a_redefinition_of_a_running_domain_is_for_its_next_start(
    driver: Driver, client: RawClient, define: Callable[..., DomainRef]
) -> None:
    ref = define(extra="<title>first</title>")
    client.call("domain_create_with_flags", ref, DomainCreateFlags.PAUSED)
    assert client.call("domain_is_updated", ref) == 0
    define(uuid=str(uuid.UUID(bytes=ref.uuid)), extra="<title>second</title>")
    assert client.call("domain_is_updated", ref) == (driver.kind.type != "test")  # libvirt's test driver never is.
    assert "<title>first</title>" in client.call("domain_get_xml_desc", ref, 0)
    inactive = client.call("domain_get_xml_desc", ref, DomainXMLFlags.INACTIVE)
    assert "<title>second</title>" in inactive
    assert " id=" not in inactive.splitlines()[0]
    client.call("domain_destroy_flags", ref, 0)
    assert client.call("domain_is_updated", ref) == 0
    assert "<title>second</title>" in client.call("domain_get_xml_desc", ref, 0)


def test_what_is_known_of_a_domain(driver: Driver, client: RawClient, define: Callable[..., DomainRef]) -> None:
    ref = define()
    assert client.call("domain_get_info", ref)[:4] == (OFF, 8192, 8192, 1)
    assert client.call("domain_get_os_type", ref) == ("linux" if driver.kind.type == "test" else "hvm")
    assert client.call("domain_is_active", ref) == 0
    client.call("domain_create_with_flags", ref, DomainCreateFlags.PAUSED)
    assert client.call("domain_get_info", ref)[:4] == (PAUSED, 8192, 8192, 1)
    assert client.call("domain_is_active", ref) == 1
    assert client.call("domain_get_control_info", ref, 0) == (0, 0, 0)


# -- marks and lists ---------------------------------------------------------------------------------------------------


def test_the_autostart_mark_belongs_to_the_definition(client: RawClient, define: Callable[..., DomainRef]) -> None:
    ref = define()
    assert client.call("domain_get_autostart", ref) == 0
    for wanted in (1, 1, 0, 77):
        client.call("domain_set_autostart", ref, wanted)
        assert client.call("domain_get_autostart", ref) == bool(wanted)
    client.call("domain_undefine_flags", ref, 0)
    assert client.call("domain_get_autostart", define()) == 0


def test_lists_are_filtered_by_what_is_the_case(
    driver: Driver, client: RawClient, define: Callable[..., DomainRef], create: Callable[..., DomainRef]
) -> None:
    off, marked, running = define("off"), define("marked"), define("running")
    paused, transient = define("paused"), create("transient")
    client.call("domain_set_autostart", marked, 1)
    client.call("domain_create_with_flags", running, 0)
    client.call("domain_create_with_flags", paused, DomainCreateFlags.PAUSED)
    mine = {ref.name for ref in (off, marked, running, paused, transient)}
    expected: dict[int, set[str]] = {
        List.ACTIVE: {"running", "paused", "transient"},
        List.INACTIVE: {"off", "marked"},
        List.ACTIVE | List.INACTIVE: mine,
        List.PERSISTENT: mine - {"transient"},
        List.TRANSIENT: {"transient"},
        List.RUNNING: {"running"},
        List.PAUSED: {"paused", "transient"},
        List.SHUTOFF: {"off", "marked"},
        List.RUNNING | List.SHUTOFF: {"running", "off", "marked"},
        List.OTHER: set(),
        List.AUTOSTART: {"marked"},
        List.NO_AUTOSTART: mine - {"marked"},
        List.PAUSED | List.PERSISTENT: {"paused"},
        List.INACTIVE | List.AUTOSTART: {"marked"},
        List.HAS_SNAPSHOT: set(),
        List.NO_SNAPSHOT | List.NO_MANAGEDSAVE | List.NO_CHECKPOINT: mine,
    }
    for flags, names in expected.items():
        assert client.names(flags) - driver.kind.begins_with == names, List(flags)
        found, count = client.call("connect_list_all_domains", 1, flags)
        assert count == len(found)
        assert client.call("connect_list_all_domains", 0, flags) == ([], count)


def test_events_name_the_domain_and_its_id(
    client: RawClient, define: Callable[..., DomainRef], story: Callable[[], Story]
) -> None:
    ref = define("observed")
    client.call("domain_create_with_flags", ref, DomainCreateFlags.PAUSED)
    client.call("domain_destroy_flags", ref, 0)
    assert [event.name for event in client.events_of()] == ["observed"] * 4


def test_two_clients_see_the_same(
    driver: Driver, client: RawClient, define: Callable[..., DomainRef], story: Callable[[], Story]
) -> None:
    with driver.client() as other:
        other.subscribe()
        ref = define()
        client.call("domain_create_with_flags", ref, DomainCreateFlags.PAUSED)
        assert other.lookup("guest").id == client.lookup("guest").id
        other.call("domain_destroy_flags", ref, 0)
        assert story() == [(event.event, event.detail) for event in other.events_of()]


def test_a_hundred_pipelined_definitions_all_take_effect(driver: Driver, client: RawClient) -> None:
    serials = [client.send("domain_define_xml_flags", driver.xml(f"guest{number}"), 0) for number in range(100)]
    answers = client.answers(serials)
    assert {answers[serial].name for serial in serials} == {f"guest{number}" for number in range(100)}
    assert client.names() == {*(f"guest{number}" for number in range(100)), *driver.kind.begins_with}


def test_racing_definitions_of_one_name_make_one_domain(driver: Driver, client: RawClient) -> None:
    with driver.client() as other:
        mine = [client.send("domain_define_xml_flags", driver.xml("guest"), 0) for _ in range(10)]
        theirs = [other.send("domain_define_xml_flags", driver.xml("guest"), 0) for _ in range(10)]
        answers = [*client.answers(mine).values(), *other.answers(theirs).values()]
        assert sum(isinstance(answer, DomainRef) for answer in answers) == 1
        assert all(isinstance(answer, DomainRef | AlreadyExists) for answer in answers)


def test_a_start_that_is_destroyed_at_once_leaves_it_off(client: RawClient, define: Callable[..., DomainRef]) -> None:
    ref = define()
    for _ in range(5):
        start = client.send("domain_create_with_flags", ref, DomainCreateFlags.PAUSED)
        destroy = client.send("domain_destroy_flags", ref, 0)
        answers = client.answers([start, destroy])
        assert answers[destroy] is None
        assert state_of(client, ref)[0] == OFF
        assert client.lookup("guest").id == -1
