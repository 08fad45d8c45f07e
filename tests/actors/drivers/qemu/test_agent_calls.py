"""The guest's agent, by a stand-in for it: it listens where QEMU's channel did and says what agents say."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.drivers.qemu.domain import QemuDomain
from virtactor.actors.monitor.monitor import MonitorEvent
from virtactor.actors.monitor.qmp import QmpEvent
from virtactor.actors.unix_sockets import address_of
from virtactor.wire.enums.error import ErrorNumber
from virtactor.wire.errors import MonitorFailure, VirtError
from virtactor.wire.table import DomainRef

from ....raw_client import RawClient
from ...served import Served

URI = "qemu:///system"
CHANNEL = "<devices><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices>"
GARBAGE = b'{"return": 1}\nhalf a li'
ANSWERS: dict[str, Any] = {
    "guest-get-host-name": {"host-name": "inside"},
    "guest-get-time": 1_500_000_000_000_000_007,
    "guest-fsfreeze-freeze": 2,
    "guest-get-vcpus": [
        {"logical-id": 0, "online": True, "can-offline": False},
        {"logical-id": 1, "online": False, "can-offline": True},
    ],
    "guest-set-user-password": {},
    "guest-network-get-interfaces": [
        {
            "name": "eth0",
            "hardware-address": "52:54:00:00:00:01",
            "ip-addresses": [{"ip-address-type": "ipv4", "ip-address": "192.0.2.5", "prefix": 24}],
        }
    ],
}


class StandIn:
    """An agent at a socket: ``heard`` is what it was asked, ``silent`` makes it hang."""

    def __init__(self, path: Path) -> None:
        path.unlink()
        self.heard: list[dict[str, Any]] = []
        self.silent = False
        self._listener = socket.socket(socket.AF_UNIX)
        with address_of(path) as address:
            self._listener.bind(address)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as lines:
                peer.sendall(GARBAGE)
                for line in lines:
                    self._answer(peer, json.loads(line.lstrip(b"\xff")))

    def _answer(self, peer: socket.socket, asked: dict[str, Any]) -> None:
        if self.silent:
            return
        if asked["execute"] == "guest-sync-delimited":
            peer.sendall(b"\xff" + json.dumps({"return": asked["arguments"]["id"]}).encode() + b"\n")
            return
        self.heard.append(asked)
        known = asked["execute"] in ANSWERS
        error = {"error": {"class": "CommandNotFound", "desc": "no such command"}}
        reply = {"return": ANSWERS[asked["execute"]]} if known else error
        peer.sendall(json.dumps(reply).encode() + b"\n")

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(60)


@pytest.fixture
def served(serve: Callable[..., Served], root: Path) -> Served:
    return serve(root)


@pytest.fixture
def client(served: Served) -> RawClient:
    return served.opened(URI)


@pytest.fixture
def guest(client: RawClient) -> Iterator[DomainRef]:
    ref = client.create("g", 0, type="qemu", extra=CHANNEL)
    yield ref
    client.call("domain_destroy_flags", ref, 0)


@pytest.fixture
def agent(served: Served, client: RawClient, guest: DomainRef) -> Iterator[StandIn]:
    """A stand-in at the guest's channel, which the domain takes for an agent that has opened it."""
    xml = client.call("domain_get_xml_desc", guest, 0)
    found = re.search(r"path='([^']*agent-0)'", xml)
    assert found is not None, xml
    stand_in = StandIn(Path(found[1]))
    (domain,) = served.actors(QemuDomain)
    opened = QmpEvent("VSERPORT_CHANGE", {"id": "channel0", "open": True}, 0, 0)
    domain.actor_ref.tell(MonitorEvent(domain._monitor, opened))
    yield stand_in
    stand_in.close()


def test_the_agent_tells_what_only_the_guest_knows(client: RawClient, guest: DomainRef, agent: StandIn) -> None:
    assert client.call("domain_get_hostname", guest, 0) == "inside"
    assert client.call("domain_get_time", guest, 0) == (1_500_000_000, 7)
    interfaces = client.call("domain_interface_addresses", guest, 1, 0)
    assert [(each.name, [address.addr for address in each.addrs]) for each in interfaces] == [("eth0", ["192.0.2.5"])]
    params = client.call("domain_get_guest_vcpus", guest, 0)
    assert {param.field: param.value for param in params} == {"vcpus": "0-1", "online": "0", "offlinable": "1"}
    params = client.call("domain_get_guest_info", guest, 0, 0)
    told = {param.field: param.value for param in params}
    assert told["hostname"] == "inside"
    assert told["if.0.addr.0.addr"] == "192.0.2.5"


def test_the_agent_does_as_it_is_told(client: RawClient, guest: DomainRef, agent: StandIn) -> None:
    assert client.call("domain_fsfreeze", guest, [], 0) == 2
    client.call("domain_set_user_password", guest, "root", "word", 0)
    assert agent.heard[-1]["arguments"] == {"username": "root", "password": "d29yZA==", "crypted": False}
    assert json.loads(client.call("domain_agent_command", guest, '{"execute": "guest-get-time"}', -1, 0)) == {
        "return": 1_500_000_000_000_000_007
    }
    with pytest.raises(MonitorFailure, match="no such command"):
        client.call("domain_fstrim", guest, None, 0, 0)


def test_an_agent_that_hangs_costs_its_caller_the_time_that_he_set(
    client: RawClient, guest: DomainRef, agent: StandIn
) -> None:
    agent.silent = True
    client.call("domain_agent_set_response_timeout", guest, 1, 0)
    with pytest.raises(VirtError, match="not responding") as caught:
        client.call("domain_get_hostname", guest, 0)
    assert caught.value.code == ErrorNumber.AGENT_UNRESPONSIVE
    agent.silent = False
    assert client.call("domain_get_hostname", guest, 0) == "inside"


def test_an_agent_that_is_not_there_is_told_of(client: RawClient, guest: DomainRef) -> None:
    with pytest.raises(VirtError, match="not connected") as caught:
        client.call("domain_get_hostname", guest, 0)
    assert caught.value.code == ErrorNumber.AGENT_UNRESPONSIVE
    assert client.call("domain_interface_addresses", guest, 2, 0) == []
