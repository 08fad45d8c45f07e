"""Host, domains and their methods, against the daemon's own test driver inside this process."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator

import pytest
from virtactor.client import (
    AlreadyExists,
    CallTrace,
    Domain,
    DomainControlInfo,
    DomainEventType,
    DomainInfo,
    DomainState,
    Event,
    Host,
    InvalidArgument,
    NoConnect,
    NoDomain,
    NotSupported,
    OperationDenied,
    OperationInvalid,
    Version,
    XMLError,
    connect,
)
from virtactor.wire.enums.domain import (
    ConnectListAllDomainsFlags,
    DomainControlErrorReason,
    DomainControlState,
    DomainPausedReason,
    DomainRunningReason,
    DomainShutoffReason,
)

from .conftest import PATIENCE, in_thread

TEST_UUID = uuid.UUID("6695eb01-f6a4-8304-79aa-97f2502e193f")


@pytest.fixture
def host() -> Iterator[Host]:
    with connect("test:///default") as host:
        yield host


@pytest.fixture
def guest(host: Host) -> Domain:
    """The domain that the test driver begins with."""
    return host.domains["test"]


def xml(name: str) -> str:
    return f"<domain type='test'><name>{name}</name><memory>65536</memory><os><type>hvm</type></os></domain>"


# The host


def test_a_host_says_what_it_is(host: Host) -> None:
    assert (host.type, host.uri, host.is_readonly, host.is_alive) == ("TEST", "test:///default", False, True)
    assert host.hostname()
    assert host.version() == Version(0, 0, 2)
    assert (str(host.lib_version()), host.lib_version() >= (9, 0, 0)) == ("9.0.0", True)
    assert repr(host) == "<Host test:///default>"


def test_a_closed_host_is_not_alive(host: Host) -> None:
    host.close()
    assert not host.is_alive
    assert repr(host) == "<Host test:///default (not connected)>"


def test_hosts_of_one_process_share_one_daemon_until_the_last_is_closed() -> None:
    with connect("test:///default") as one:
        with connect("test:///default") as other:
            other.domains.define(xml("shared"))
        assert "shared" in one.domains
    with connect("test:///default") as later:
        assert "shared" not in later.domains


def test_a_read_only_host_changes_nothing() -> None:
    with connect("test:///default", readonly=True) as host:
        guest = host.domains["test"]
        assert guest.state()[0] is DomainState.RUNNING
        with pytest.raises(OperationDenied):
            guest.destroy()
        with pytest.raises(OperationDenied):
            guest.xml(secure=True)
        assert guest.is_active()


def test_a_uri_that_no_driver_has_is_refused() -> None:
    with pytest.raises(NoConnect, match="no driver for 'xen:///embed'"):
        connect("xen:///embed")


def test_any_row_can_be_called_by_its_name(host: Host, guest: Domain) -> None:
    assert host.call("domain_get_state", guest.ref, 0) == (1, 0)
    with pytest.raises(InvalidArgument, match="no procedure is named 'domain_fly'"):
        host.call("domain_fly")
    with pytest.raises(InvalidArgument, match="is sent by the daemon"):
        host.call("domain_event_lifecycle")


# Finding and making


def test_domains_are_a_collection(host: Host, guest: Domain) -> None:
    other = host.domains.define(xml("other"))
    assert [domain.name for domain in host.domains] == ["test", "other"]
    assert len(host.domains) == 2
    assert "other" in host.domains
    assert other in host.domains
    assert guest.uuid in host.domains
    assert str(other.uuid) in host.domains
    assert "nobody" not in host.domains
    assert 3.5 not in host.domains


@pytest.mark.parametrize("key", ["test", TEST_UUID, str(TEST_UUID)])
def test_a_domain_is_found_by_name_and_uuid(host: Host, key: str | uuid.UUID) -> None:
    found = host.domains.lookup(key)
    assert (found.name, found.uuid) == ("test", TEST_UUID)


def test_a_running_domain_is_found_by_its_id(host: Host, guest: Domain) -> None:
    assert guest.id is not None
    assert host.domains.lookup(guest.id) == guest


@pytest.mark.parametrize("key", ["nobody", uuid.UUID(int=7), str(uuid.UUID(int=7)), 4711])
def test_what_is_not_there_is_no_domain(host: Host, key: str | uuid.UUID | int) -> None:
    with pytest.raises(NoDomain):
        host.domains.lookup(key)


def test_lists_are_filtered_by_wishes_and_flags(host: Host) -> None:
    host.domains.define(xml("off"))
    host.domains.create(xml("fleeting"), paused=True)

    def names(*flags: int, **wishes: bool) -> set[str]:
        return {domain.name for domain in host.domains.list(*flags, **wishes)}

    assert names() == {"test", "off", "fleeting"}
    assert names(active=True) == {"test", "fleeting"}
    assert names(inactive=True) == names(shutoff=True) == {"off"}
    assert names(active=True, inactive=True) == {"test", "off", "fleeting"}
    assert names(active=True, persistent=True) == names(running=True) == {"test"}
    assert names(ConnectListAllDomainsFlags.TRANSIENT) == names(paused=True) == names(transient=True) == {"fleeting"}
    assert host.domains.count(ConnectListAllDomainsFlags.PERSISTENT) == 2


def test_definitions_that_cannot_be_are_refused(host: Host) -> None:
    with pytest.raises(XMLError) as caught:
        host.domains.define("<domain type='test'>\n<name>")
    assert caught.value.line == 2
    with pytest.raises(AlreadyExists, match="test"):
        host.domains.create(xml("test"))


# One domain


def test_two_values_of_one_domain_are_equal(host: Host, guest: Domain) -> None:
    assert host.domains.lookup(TEST_UUID) == guest
    assert len({guest, host.domains.lookup("test")}) == 1
    assert guest != host.domains.define(xml("other"))
    assert repr(guest) == f"<Domain test {TEST_UUID} id={guest.id}>"


def test_a_domain_goes_through_its_life(host: Host) -> None:
    domain = host.domains.define(xml("life"))
    seen = [(domain.id, *domain.state())]

    def step(act, *args, **more) -> None:
        act(*args, **more)
        seen.append((domain.id is not None, *domain.state()))

    step(domain.start, paused=True)
    step(domain.resume)
    step(domain.suspend)
    step(domain.reset)
    step(domain.resume)
    step(domain.reboot)
    step(domain.destroy)
    assert seen == [
        (None, DomainState.SHUTOFF, DomainShutoffReason.UNKNOWN),
        (True, DomainState.PAUSED, DomainPausedReason.USER),
        (True, DomainState.RUNNING, DomainRunningReason.UNPAUSED),
        (True, DomainState.PAUSED, DomainPausedReason.USER),
        (True, DomainState.PAUSED, DomainPausedReason.USER),
        (True, DomainState.RUNNING, DomainRunningReason.UNPAUSED),
        (True, DomainState.RUNNING, DomainRunningReason.BOOTED),
        (False, DomainState.SHUTOFF, DomainShutoffReason.DESTROYED),
    ]
    domain.undefine()
    with pytest.raises(NoDomain):
        domain.state()


def test_shutdown_is_waited_for(guest: Domain) -> None:
    guest.shutdown()
    assert guest.wait(DomainState.SHUTOFF, PATIENCE) is DomainState.SHUTOFF
    with pytest.raises(OperationInvalid, match="not running"):
        guest.suspend()


def test_what_a_domain_is(guest: Domain) -> None:
    info = guest.info()
    assert info == DomainInfo(DomainState.RUNNING, 8388608, 2097152, 2, info.cpu_time)
    assert guest.control_info() == DomainControlInfo(DomainControlState.OK, DomainControlErrorReason.NONE, 0)
    assert guest.os_type() == "linux"
    assert (guest.is_active(), guest.is_persistent(), guest.is_updated()) == (True, True, False)
    assert "<name>test</name>" in guest.xml()
    assert "id='" in guest.xml()
    assert "id='" not in guest.xml(inactive=True)


def test_autostart_is_set_and_read(guest: Domain) -> None:
    assert guest.autostart() is False
    guest.set_autostart(True)
    assert guest.autostart() is True


def test_the_id_is_as_last_heard(host: Host, guest: Domain) -> None:
    other = host.domains["test"]
    other.destroy()
    assert (other.id, guest.id is None) == (None, False)
    assert guest.refresh() is guest
    assert guest.id is None


def test_what_the_test_driver_lacks_is_said_by_name(guest: Domain) -> None:
    with pytest.raises(NotSupported):
        guest.monitor_command({"execute": "query-status"})
    with pytest.raises(NotSupported):
        guest.open_console()


def test_a_driver_without_jobs_has_none_to_abort(guest: Domain) -> None:
    with pytest.raises(NotSupported):
        guest.abort_job()


def test_autodestroy_ends_with_the_connection(host: Host) -> None:
    with connect("test:///default") as other:
        other.domains.create(xml("brief"), autodestroy=True)
        assert "brief" in host.domains
        brief = host.domains["brief"]
    assert brief.wait(DomainState.SHUTOFF, PATIENCE) is DomainState.SHUTOFF


# Many


def test_guests_are_started_and_destroyed_in_bulk(host: Host) -> None:
    definitions = [xml(f"g{number}") for number in range(100)]
    guests = host.domains.start_all([*definitions, xml("test")], paused=True)
    assert len(guests.domains) == 100
    assert isinstance(guests["test"], AlreadyExists)
    for guest in guests.domains.values():
        guest.resume()
    started = host.domains.wait(guests.domains.values(), DomainState.RUNNING, PATIENCE).raise_for_failures()
    assert set(started) == set(guests.domains)
    waiting = in_thread(host.domains.wait, guests.domains.values(), DomainState.SHUTOFF, PATIENCE)
    host.domains.destroy_all(guests.domains.values()).raise_for_failures()
    assert len(waiting.result(PATIENCE).domains) == 100
    assert [domain.name for domain in host.domains] == ["test"]


def test_the_guests_of_a_result_are_what_events_are_asked_for(host: Host) -> None:
    guests = host.domains.start_all([xml("a"), xml("b")]).raise_for_failures()
    with host.events(domains=guests) as events:
        host.domains["test"].suspend()
        for guest in guests.domains.values():
            guest.suspend()
        found = [events.get(PATIENCE) for _ in range(2)]
    assert [(event.domain.name, event.type) for event in found if isinstance(event, Event)] == [
        ("a", DomainEventType.SUSPENDED),
        ("b", DomainEventType.SUSPENDED),
    ]


def test_16_threads_drive_their_guests_over_one_connection(host: Host) -> None:
    barrier = threading.Barrier(16)

    def drive(number: int) -> list:
        domain = host.domains.define(xml(f"t{number}"))
        barrier.wait(PATIENCE)
        with host.events(domains=domain) as events:
            for _ in range(5):
                domain.start()
                domain.destroy()
            return [event.type for event in (events.get(PATIENCE) for _ in range(10)) if isinstance(event, Event)]

    drivers = [in_thread(drive, number) for number in range(16)]
    assert [driver.result(2 * PATIENCE) for driver in drivers] == [
        [DomainEventType.STARTED, DomainEventType.STOPPED] * 5
    ] * 16


# Traces


def test_a_call_can_be_traced_through_the_daemon(host: Host, guest: Domain) -> None:
    traces: list[CallTrace] = []
    host.call("domain_get_state", guest.ref, 0, trace=traces.append)
    with pytest.raises(NoDomain):
        host.call("domain_lookup_by_name", "nobody", trace=traces.append)
    (good, bad) = traces
    assert (good.row.name, good.args, good.error) == ("domain_get_state", (guest.ref, 0), None)
    assert [entry.depth for entry in good.entries] == [0, 1, 2]
    assert good.entries[2].actor == "domain test"
    assert all(entry.at + entry.took <= good.took for entry in good.entries)
    assert isinstance(bad.error, NoDomain)
    assert [entry.depth for entry in bad.entries][:2] == [0, 1]


def test_all_calls_of_a_host_can_be_traced() -> None:
    traces: list[CallTrace] = []
    with connect("test:///default", on_trace=traces.append) as host:
        host.domains["test"].suspend()
        host.domains.start_all([xml("a")])
        with pytest.raises(NotSupported):
            host.domains["a"].open_console()
    assert [trace.row.name for trace in traces] == [
        "domain_lookup_by_name",
        "domain_suspend",
        "domain_create_xml",
        "domain_lookup_by_name",
        "domain_open_console",
    ]
    assert all(trace.entries for trace in traces)
