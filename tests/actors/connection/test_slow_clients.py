"""Clients that do not read, do not answer, or have more under way than they should: nothing is lost, nobody waits."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from virtactor.actors.connection import link
from virtactor.wire.enums.domain import DomainState
from virtactor.wire.enums.domain_events import DomainEventType
from virtactor.wire.framing import PacketType, Status
from virtactor.wire.pack import codec, encode
from virtactor.wire.table import KEEPALIVE_PROGRAM, ROWS

from ...raw_client import RawClient, event_of
from ..served import NEVER, Served, wait_until

PING, PONG = 1, 2
XML = ROWS["domain_get_xml_desc"]
LIFECYCLE = ROWS["domain_event_lifecycle"]


def is_read_from(served: Served, number: int) -> bool:
    (connection,) = [actor for actor in served.actors() if actor.label == f"client {number}"]
    return served.run(lambda: connection._reading)


def send_until_not_read_from(served: Served, client: RawClient, name: str, *args: object) -> list[int]:
    """Send calls and read no answer, until the daemon reads no more; the serials."""
    serials = []
    while is_read_from(served, 1):
        serials += [client.send(name, *args) for _ in range(50)]
    return serials


def test_a_client_that_does_not_read_is_not_read_from_and_gets_everything_later(served: Served) -> None:
    with served.opened() as client, served.opened() as other:
        dom = client.lookup("test")
        serials = send_until_not_read_from(served, client, "domain_get_xml_desc", dom, 0)
        (connection,) = [actor for actor in served.actors() if actor.label == "client 1"]
        # What waits for it is bounded: the transport's own limit, and the answers to one read.
        assert served.run(lambda: connection._transport.get_write_buffer_size()) < 4 << 20
        assert other.state("test")[0] == DomainState.RUNNING
        answers = client.answers(serials)
        assert list(answers) == serials
        assert len(set(answers.values())) == 1
        wait_until(lambda: is_read_from(served, 1))
        assert client.state("test")[0] == DomainState.RUNNING


def test_a_client_that_does_not_read_and_goes_is_forgotten(served: Served) -> None:
    with served.opened() as other:
        with served.opened() as client:
            while len(served.actors()) == 2:
                (connection,) = [actor for actor in served.actors() if actor.label == "client 2"]
                if not served.run(lambda connection=connection: connection._reading):
                    break
                client.send("domain_get_xml_desc", other.lookup("test"), 0)
        wait_until(lambda: len(served.actors()) == 1)
        assert other.state("test")[0] == DomainState.RUNNING


def test_a_client_with_too_many_calls_waiting_is_not_read_from_until_they_are_fewer(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "WAITING_MAX", 20)
    served = serve(config={"limits": {"calls_per_client": 2}})
    with served.opened("slow:///") as client:
        dom = client.define("guest")
        serials = send_until_not_read_from(served, client, "domain_get_info", dom)
        serials += [client.send("connect_get_uri") for _ in range(10)]
        served.let_go("guest")
        assert list(client.answers(serials)) == serials


# -- keepalive ---------------------------------------------------------------------------------------------------------


def test_a_ping_is_answered_with_three_hundred_calls_under_way(served: Served) -> None:
    with served.opened("slow:///") as client:
        dom = client.define("guest")
        serials = [client.send("domain_get_info", dom) for _ in range(300)]
        client.keepalive(PING)
        pong = client.receive()
        assert (pong.program, pong.version, pong.procedure, pong.type, pong.serial, pong.status, pong.payload) == (
            KEEPALIVE_PROGRAM,
            1,
            PONG,
            PacketType.MESSAGE,
            0,
            Status.OK,
            b"",
        )
        served.let_go("guest")
        assert len(client.answers(serials)) == 300


def test_a_peer_that_answered_once_and_then_no_more_is_disconnected(serve: Callable[..., Served]) -> None:
    served = serve(config={"keepalive": {"interval": 0.02, "count": 3}})
    with served.opened() as client:
        client.keepalive(PING)
        assert client.receive().procedure == PONG
        assert [client.receive().procedure for _ in range(3)] == [PING, PING, PING]
        assert client.at_end()
    wait_until(lambda: not served.actors())


def test_a_peer_that_answers_stays(serve: Callable[..., Served]) -> None:
    served = serve(config={"keepalive": {"interval": NEVER, "count": 2}})
    with served.opened() as client:
        client.keepalive(PING)
        assert client.receive().procedure == PONG
        for _ in range(5):
            served.pass_intervals(3)
            assert [client.receive().procedure for _ in range(2)] == [PING, PING]
            client.keepalive(PONG)
            wait_until(served.has_heard)
        assert client.call("connect_get_type") == "TEST"


def test_a_peer_that_never_pinged_is_never_pinged(serve: Callable[..., Served]) -> None:
    served = serve(config={"keepalive": {"interval": 0.01, "count": 1}})
    with served.opened() as quiet, served.opened() as other:
        other.keepalive(PING)
        assert [other.receive().procedure for _ in range(2)] == [PONG, PING]
        assert other.at_end()
        assert quiet.call("connect_get_type") == "TEST"
        assert not quiet.messages
        (connection,) = served.actors()
        assert connection._keepalive._timer is None


def test_a_peer_that_the_daemon_does_not_read_from_is_not_taken_for_dead(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "WAITING_MAX", 5)
    served = serve(config={"limits": {"calls_per_client": 1}, "keepalive": {"interval": NEVER, "count": 2}})
    with served.opened("slow:///") as client:
        dom = client.define("guest")
        client.keepalive(PING)
        serials = [client.send("domain_get_info", dom) for _ in range(8)]
        wait_until(lambda: not is_read_from(served, 1))
        served.pass_intervals(11)
        pings = 0
        while pings < 10:  # It hears of the daemon, and what it says cannot be heard.
            packet = client.receive()
            pings += (packet.program, packet.procedure) == (KEEPALIVE_PROGRAM, PING)
            client.keepalive(PONG)
        served.let_go("guest")
        assert list(client.answers(serials)) == serials


# -- events ------------------------------------------------------------------------------------------------------------


def test_events_come_with_their_number_and_time(served: Served) -> None:
    with served.opened() as client, served.opened() as other:
        epoch, sequence, missed = client.subscribe()
        assert not missed
        dom = other.lookup("test")
        other.call("domain_suspend", dom)
        packet = client.receive()
        (number, when, procedure, payload), _ = codec(ROWS["event"]).decode_args(packet.payload)
        assert (number, procedure) == (sequence + 1, LIFECYCLE.number)
        assert when == pytest.approx(time.time(), abs=60)
        assert codec(LIFECYCLE).decode_args(payload)[0] == (dom, DomainEventType.SUSPENDED, 0)
        client.call("events_unsubscribe")
        other.call("domain_resume", dom)
        assert client.events_of() == []
        assert client.subscribe(epoch=epoch, after=sequence + 1)[1:] == (sequence + 2, False)
        assert [event.event for event in client.events_of()] == [DomainEventType.RESUMED]


def test_only_subscribed_procedures_come(served: Served) -> None:
    with served.opened() as client, served.opened() as other:
        client.subscribe([12345])
        other.call("domain_suspend", other.lookup("test"))
        assert client.events_of() == []
        client.subscribe([12345, LIFECYCLE.number])
        other.call("domain_resume", other.lookup("test"))
        assert [event.event for event in client.events_of()] == [DomainEventType.RESUMED]


def events_until(client: RawClient, sequence: int) -> tuple[list[int], list[int]]:
    """The numbers of the events that come up to ``sequence``, and those after which some are reported missed."""
    seen: list[int] = []
    missed: list[int] = []
    while not seen or seen[-1] < sequence:
        packet = client.messages.popleft() if client.messages else client.receive()
        if packet.type == PacketType.REPLY:
            continue
        if packet.procedure == ROWS["events_missed"].number:
            missed += codec(ROWS["events_missed"]).decode_args(packet.payload)[0]
        else:
            seen.append(event_of(packet).sequence)
    return seen, missed


def stop_reading(served: Served, client: RawClient) -> None:
    """Have the daemon's buffer for this client full, and its own as well."""
    dom = client.lookup("test")
    send_until_not_read_from(served, client, "domain_get_xml_desc", dom, 0)


def toggle(client: RawClient, times: int) -> None:
    dom = client.lookup("test")
    for _ in range(times // 2):
        client.answers([client.send("domain_suspend", dom), client.send("domain_resume", dom)])


@pytest.mark.parametrize("published", [30, 400])
def test_a_subscriber_that_stopped_reading_gets_what_the_log_still_has(
    published: int, serve: Callable[..., Served]
) -> None:
    window = 100
    served = serve(config={"limits": {"events": window}})
    with served.opened() as client, served.opened() as other:
        _, sequence, _ = client.subscribe()
        stop_reading(served, client)
        toggle(other, published)
        last = sequence + published
        seen, missed = events_until(client, last)
        if published <= window:
            assert (seen, missed) == (list(range(sequence + 1, last + 1)), [])
        else:
            assert seen == list(range(last - window + 1, last + 1))
            assert missed == [sequence]
        toggle(other, 2)
        assert events_until(client, last + 2) == ([last + 1, last + 2], [])


def test_a_subscriber_that_stops_at_once_gets_nothing_from_before_its_subscription(served: Served) -> None:
    with served.opened() as other, served.opened() as client:
        toggle(other, 50)
        _, sequence, _ = client.subscribe()
        dom = client.lookup("test")
        (connection,) = [actor for actor in served.actors() if actor.label == "client 2"]
        while served.run(lambda: connection._reading):
            for _ in range(50):
                client.send("domain_get_xml_desc", dom, 0)
        toggle(other, 2)
        assert events_until(client, sequence + 2) == ([sequence + 1, sequence + 2], [])


def test_a_malformed_subscription_is_a_malformed_call(served: Served) -> None:
    with served.opened() as client:
        client.send_packet(ROWS["events_subscribe"], 5, encode(([0] * 257, None, 0)))
        assert client.receive().status == Status.ERROR
        assert client.call("connect_get_uri") == "test:///default"
