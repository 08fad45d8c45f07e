"""Events as libvirt's clients ask for them: by id, by callback, of one object or all; and what they are then told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from virtactor.actors.drivers.handle import DriverHandle
from virtactor.actors.events import EventLog, Publish
from virtactor.actors.router import DriverKind
from virtactor.wire.enums.error import ErrorDomain, ErrorNumber
from virtactor.wire.errors import InvalidArgument, NotSupported, VirtError
from virtactor.wire.framing import PacketType
from virtactor.wire.lanes import LANES, XDR, Lane
from virtactor.wire.table import ROWS, DomainRef, Kind, Part
from virtactor.wire.table.events import EVENTS, EventKind, whole_fields
from virtactor.wire.table.structs import NetworkRef

from ...raw_client import RawClient, message_of
from ...wire.strategies import plainest
from ..served import Served, slow_kind

both_lanes = pytest.mark.parametrize("lane", LANES.values(), ids=LANES)
LIFECYCLE, CALLBACK_LIFECYCLE = "domain_event_lifecycle", "domain_event_callback_lifecycle"
OTHER = DomainRef("other", b"\x77" * 16, -1)


@pytest.fixture
def whole(served: Served) -> Served:
    """A daemon with a driver of all parts, as ``whole:///``; it is called qemu, as monitors' events need."""

    def open_whole(uri: Any) -> DriverHandle:
        domains = slow_kind(served.daemon.runtime).open(uri)
        return DriverHandle(
            "qemu", {**dict.fromkeys(Part, domains.parts[Part.DOMAIN]), **domains.parts}, domains.events
        )

    def add() -> None:
        router: Any = served.daemon.router._actor_weakref()
        router._kinds["whole"] = DriverKind(lambda uri: uri.path, open_whole, lasting=False)
        # The router looks a driver's kind up by its name.
        router._kinds.setdefault("qemu", router._kinds["whole"])

    served.run(add)
    return served


def publish(served: Served, row: str, *fields: Any) -> None:
    """As a driver does."""

    def tell() -> None:
        for actor in tuple(served.daemon.runtime.actors):
            if isinstance(actor, EventLog):
                actor.actor_ref.tell(Publish(ROWS[row], fields))

    served.run(tell)


def told(client: RawClient) -> list[tuple[str, tuple[Any, ...]]]:
    """The messages that came up to now."""
    client.call("connect_get_uri")
    found = [message_of(packet) for packet in client.messages]
    client.messages.clear()
    return found


def published_fields(kind: EventKind) -> tuple[Any, ...]:
    """Some fields as a driver publishes them."""
    count = len(kind.published.args) - (0 if kind.legacy is not None else 1)
    return tuple(plainest(field.type) for field in kind.published.args[-count:])


def register(client: RawClient, kind: EventKind, about: Any = None) -> int:
    if kind.family == "qemu monitor":
        return client.call("connect_domain_monitor_event_register", about, None, 0)
    if kind.family == "domain":
        return client.call("connect_domain_event_callback_register_any", kind.id, about)
    return client.call(f"connect_{kind.family.replace(' ', '_')}_event_register_any", kind.id, about)


def deregister(client: RawClient, kind: EventKind, callback_id: int) -> None:
    name = {"qemu monitor": "domain_monitor_event", "domain": "domain_event_callback"}.get(
        kind.family, kind.family.replace(" ", "_") + "_event"
    )
    client.call(f"connect_{name}_deregister" + ("" if kind.family == "qemu monitor" else "_any"), callback_id)


@contextmanager
def refused(code: ErrorNumber, message: str) -> Iterator[None]:
    with pytest.raises(VirtError) as raised:
        yield
    assert (raised.value.code, str(raised.value)) == (code, message)


# -- the table ---------------------------------------------------------------------------------------------------------


def test_every_message_about_an_event_has_its_place() -> None:
    messages = {row for row in ROWS.values() if row.kind is Kind.MESSAGE and "_event" in row.name}
    placed = {row for kind in EVENTS.values() for row in (kind.legacy, kind.row) if row is not None}
    assert {row.name for row in messages - placed} == {"connect_event_connection_closed", "qemu_event"} - {"qemu_event"}
    assert placed <= messages


def test_procedures_of_what_is_published_are_told_apart_by_their_numbers_alone() -> None:
    numbers = [kind.published.number for kind in EVENTS.values()]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("kind", EVENTS.values(), ids=lambda kind: f"{kind.family} {kind.id}")
def test_what_is_published_fits_every_message_of_its_event(kind: EventKind) -> None:
    fields = published_fields(kind)
    for lane in LANES.values():
        codec = lane.codec(kind.row)
        whole = kind.fields(5, fields)
        assert codec.decode_args(codec.encode_args(whole, None))[0] == whole
        assert whole[0] == 5
        codec = lane.codec(kind.published)
        codec.decode_args(codec.encode_args(whole_fields(kind.published, fields), None))


# -- both generations --------------------------------------------------------------------------------------------------


@both_lanes
def test_the_oldest_registration_gets_lifecycle_events_without_a_callback_id(lane: Lane, served: Served) -> None:
    with served.opened(lane=lane) as client:
        dom = client.lookup("test")
        assert client.call("connect_domain_event_register") == 0
        client.call("domain_suspend", dom)
        assert told(client) == [(LIFECYCLE, (dom, 3, 0))]
        assert client.call("connect_domain_event_deregister") == 0
        client.call("domain_resume", dom)
        assert told(client) == []
        with refused(ErrorNumber.INTERNAL_ERROR, "internal error: domain event 0 not registered"):
            client.call("connect_domain_event_deregister")


@pytest.mark.parametrize(
    "kind", [kind for kind in EVENTS.values() if kind.legacy is not None], ids=lambda kind: f"{kind.id}"
)
def test_a_registration_by_id_gets_that_event_alone_and_until_it_is_taken_back(kind: EventKind, whole: Served) -> None:
    assert kind.legacy is not None
    fields = published_fields(kind)
    with whole.opened("whole:///", lane=XDR) as client:
        assert client.call("connect_domain_event_register_any", kind.id) is None
        for other in EVENTS.values():
            publish(whole, other.published.name, *published_fields(other))
        assert told(client) == [(kind.legacy.name, fields)]
        client.call("connect_domain_event_deregister_any", kind.id)
        publish(whole, kind.published.name, *fields)
        assert told(client) == []


@both_lanes
@pytest.mark.parametrize("kind", EVENTS.values(), ids=lambda kind: f"{kind.family} {kind.id}")
def test_a_callback_gets_its_id_with_its_event(kind: EventKind, lane: Lane, whole: Served) -> None:
    fields = published_fields(kind)
    with whole.opened("whole:///", lane=lane) as client:
        register(client, EVENTS["domain", 0])
        callback_id = register(client, kind, None if kind.id or kind.family != "domain" else fields[0])
        publish(whole, kind.published.name, *fields)
        messages = [message for message in told(client) if message[1][0] == callback_id]
        assert messages == [(kind.row.name, kind.fields(callback_id, fields))]
        deregister(client, kind, callback_id)
        publish(whole, kind.published.name, *fields)
        assert all(message[1][0] != callback_id for message in told(client))
        with pytest.raises(VirtError, match=f"{kind.family} event callback {callback_id} not registered"):
            deregister(client, kind, callback_id)


def test_both_generations_of_one_client_are_told_side_by_side(served: Served) -> None:
    with served.opened(lane=XDR) as client:
        dom = client.lookup("test")
        client.call("connect_domain_event_register")
        one = client.call("connect_domain_event_callback_register_any", 0, dom)
        two = client.call("connect_domain_event_callback_register_any", 0, OTHER)
        assert one != two
        client.call("domain_suspend", dom)
        assert told(client) == [(LIFECYCLE, (dom, 3, 0)), (CALLBACK_LIFECYCLE, (one, dom, 3, 0))]


def test_a_registration_begins_with_its_answer(served: Served) -> None:
    with served.opened(lane=XDR) as client:
        dom = client.lookup("test")
        client.call("domain_suspend", dom)
        callback = client.call("connect_domain_event_callback_register_any", 0, None)
        client.call("domain_resume", dom)
        assert told(client) == [(CALLBACK_LIFECYCLE, (callback, dom, 4, 0))]


def test_libvirts_registrations_and_our_subscription_do_not_disturb_each_other(served: Served) -> None:
    with served.opened() as client:
        dom = client.lookup("test")
        client.call("domain_suspend", dom)
        client.call("domain_resume", dom)
        epoch, sequence, _ = client.subscribe()
        callback = client.call("connect_domain_event_callback_register_any", 0, None)
        client.call("domain_suspend", dom)
        assert [name for name, _ in told(client)] == ["event", CALLBACK_LIFECYCLE]
        # Resuming from the beginning brings the old events to the subscription alone.
        client.subscribe(epoch=epoch, after=0)
        assert [name for name, _ in told(client)] == ["event"] * (sequence + 1)
        client.call("events_unsubscribe")
        client.call("domain_resume", dom)
        assert told(client) == [(CALLBACK_LIFECYCLE, (callback, dom, 4, 0))]


# -- filters -----------------------------------------------------------------------------------------------------------


def test_a_callback_for_one_network_hears_of_no_other(whole: Served) -> None:
    mine, other = NetworkRef("mine", b"\1" * 16), NetworkRef("other", b"\2" * 16)
    with whole.opened("whole:///", lane=XDR) as client:
        callback = client.call("connect_network_event_register_any", 0, mine)
        publish(whole, "network_event_lifecycle", other, 2, 0)
        publish(whole, "network_event_lifecycle", NetworkRef("renamed", mine.uuid), 3, 0)
        assert told(client) == [("network_event_lifecycle", (callback, NetworkRef("renamed", mine.uuid), 3, 0))]


@pytest.mark.parametrize(
    ("pattern", "flags", "wanted"),
    [
        (None, 0, ["RESET", "RTC_CHANGE", "reset"]),
        ("RESET", 0, ["RESET"]),
        ("RESE", 0, []),
        ("reset", 2, ["RESET", "reset"]),
        ("R.*E", 1, ["RESET", "RTC_CHANGE"]),
        ("_change$", 3, ["RTC_CHANGE"]),
    ],
)
def test_monitor_events_are_chosen_by_name(pattern: str | None, flags: int, wanted: list[str], whole: Served) -> None:
    with whole.opened("whole:///", lane=XDR) as client:
        callback = client.call("connect_domain_monitor_event_register", None, pattern, flags)
        client.call("connect_domain_monitor_event_register", OTHER, None, 0)
        dom = DomainRef("guest", b"\3" * 16, 1)
        for name in ("RESET", "RTC_CHANGE", "reset"):
            publish(whole, "domain_monitor_event", dom, name, 1, 2, None)
        assert told(client) == [("domain_monitor_event", (callback, dom, name, 1, 2, None)) for name in wanted]


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_ids_that_no_event_has_are_refused_as_libvirt_does(whole: Served) -> None:
    unsupported = "internal error: unsupported {}event ID {}"
    with whole.opened("whole:///", lane=XDR) as client:
        for number in (-1, 16, 99):
            for name in ("register_any", "deregister_any"):
                with refused(ErrorNumber.INTERNAL_ERROR, unsupported.format("", number)):
                    client.call(f"connect_domain_event_{name}", number)
        with refused(ErrorNumber.INTERNAL_ERROR, unsupported.format("", 99)):
            client.call("connect_domain_event_callback_register_any", 99, None)
        for family in ("network", "storage pool", "node device", "secret"):
            with refused(ErrorNumber.INTERNAL_ERROR, unsupported.format(f"{family} ", 9)):
                client.call(f"connect_{family.replace(' ', '_')}_event_register_any", 9, None)


def test_a_refusal_comes_from_the_area_that_libvirt_names(served: Served) -> None:
    with served.opened(lane=XDR) as client:
        with pytest.raises(VirtError) as raised:
            client.call("connect_domain_event_callback_deregister_any", 7)
        assert raised.value.domain == ErrorDomain.RPC


def test_what_is_registered_already_is_refused(served: Served) -> None:
    with served.opened(lane=XDR) as client:
        dom = client.lookup("test")
        client.call("connect_domain_event_callback_register_any", 0, dom)
        client.call("connect_domain_event_register")
        for name, args in (
            ("connect_domain_event_register", ()),
            ("connect_domain_event_register_any", (0,)),
            ("connect_domain_event_callback_register_any", (0, None)),
            ("connect_domain_event_callback_register_any", (0, dom)),
        ):
            with pytest.raises(InvalidArgument, match="event callback already tracked"):
                client.call(name, *args)
        client.call("domain_suspend", dom)
        assert len(told(client)) == 2


@pytest.mark.parametrize(("pattern", "flags"), [("(", 1), ("RESET", 4)])
def test_a_pattern_that_is_none_is_refused(pattern: str, flags: int, whole: Served) -> None:
    with whole.opened("whole:///", lane=XDR) as client, pytest.raises(InvalidArgument):
        client.call("connect_domain_monitor_event_register", None, pattern, flags)


def test_events_of_what_a_driver_has_not_are_not_supported(served: Served) -> None:
    with served.opened("slow:///", lane=XDR) as client:
        with pytest.raises(NotSupported, match="virConnectSecretEventRegisterAny"):
            client.call("connect_secret_event_register_any", 0, None)
        with pytest.raises(NotSupported):
            client.call("connect_domain_monitor_event_register", None, None, 0)


def test_a_callback_of_another_family_is_none_of_this_one(whole: Served) -> None:
    with whole.opened("whole:///", lane=XDR) as client:
        callback = client.call("connect_network_event_register_any", 0, None)
        with pytest.raises(VirtError, match=f"domain event callback {callback} not registered"):
            client.call("connect_domain_event_callback_deregister_any", callback)


# -- clients that do not read, or go -----------------------------------------------------------------------------------


def stop_reading(served: Served, client: RawClient) -> int:
    """Have the daemon's buffer for the first client full; how many answers it then owes."""
    dom, count = client.lookup("test"), 0
    (connection,) = [actor for actor in served.actors() if actor.label == "client 1"]
    while served.run(lambda: connection._writable and connection._reading):
        for _ in range(50):
            client.send("domain_get_xml_desc", dom, 0)
        count += 50
    return count


@pytest.mark.parametrize("published", [30, 400])
def test_a_client_that_stopped_reading_is_told_later_what_the_log_still_has(
    published: int, serve: Callable[..., Served], caplog: pytest.LogCaptureFixture
) -> None:
    window = 100
    served = serve(config={"limits": {"events": window}})
    with served.opened(lane=XDR) as client, served.opened() as other:
        dom = client.lookup("test")
        callback = client.call("connect_domain_event_callback_register_any", 0, None)
        owed = stop_reading(served, client)
        for _ in range(published // 2):
            other.answers([other.send("domain_suspend", dom), other.send("domain_resume", dom)])
        seen: list[Any] = []
        while owed or len(seen) < min(published, window):
            packet = client.receive()
            if packet.type == PacketType.MESSAGE:
                seen.append(message_of(packet))
            else:
                owed -= 1
        assert seen == [(CALLBACK_LIFECYCLE, (callback, dom, event, 0)) for event in (3, 4)] * (len(seen) // 2)
        assert ("read too slowly, some events are lost to it" in caplog.text) == (published > window)
        client.call("domain_suspend", dom)
        assert told(client) == [(CALLBACK_LIFECYCLE, (callback, dom, 3, 0))]


def test_a_client_that_goes_is_forgotten_by_the_log(served: Served) -> None:
    with served.opened() as other:
        with served.opened(lane=XDR) as client:
            client.call("connect_domain_event_register")
            (log,) = served.actors(EventLog)
            assert len(served.run(lambda: dict(log._listening))) == 1
            client.call("connect_close")
            assert client.at_end()
        other.call("connect_get_uri")
        assert served.run(lambda: dict(log._listening)) == {}
