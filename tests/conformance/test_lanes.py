"""One script through our client: msgpack and libvirt's lane to virtactord, libvirt's lane to a real libvirtd.

The test driver is the same on all three, so the answers must be.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from virtactor.client import Event, Host, VirtError, connect
from virtactor.wire.enums.domain_events import (
    DomainEventResumedDetailType,
    DomainEventStartedDetailType,
    DomainEventStoppedDetailType,
    DomainEventSuspendedDetailType,
    DomainEventType,
)

from ..libvirtd import Libvirtd
from ..system.virtactord import Virtactord
from .differential.outcome import seen

DOMAIN = """<domain type='test'><name>new</name><uuid>11111111-1111-4111-8111-111111111111</uuid>
    <memory>1048576</memory><vcpu>2</vcpu><os><type arch='i686'>hvm</type></os></domain>"""
NETWORK = """<network><name>net</name><uuid>33333333-3333-4333-8333-333333333333</uuid><bridge name='virbr7'/>
    <ip address='192.0.2.1' netmask='255.255.255.0'/></network>"""
POOL = """<pool type='dir'><name>pool</name><uuid>44444444-4444-4444-8444-444444444444</uuid>
    <target><path>/pool</path></target></pool>"""
VOLUME = "<volume><name>vol</name><capacity>1024</capacity></volume>"
PATIENCE = 60.0


def outcome(act: Any, *arguments: Any, **more: Any) -> Any:
    """What a call gave; of an error its code and domain, which is all that libvirt's lane tells of it."""
    try:
        return act(*arguments, **more)
    except VirtError as error:
        return "error", int(error.code), int(error.domain)


def info(domain: Any) -> Any:
    """What there is, but for the time, of which test drivers make the processor time that was used."""
    return replace(domain.info(), cpu_time=0)


def domains(host: Host) -> Iterator[Any]:
    test = host.domains.lookup("test")
    yield [domain.name for domain in host.domains.list()], test.id, str(test.uuid)
    yield test.state(), info(test), test.os_type(), test.autostart(), test.is_persistent()
    yield test.xml()
    new = host.domains.define(DOMAIN)
    yield new.state(), new.id, sorted(domain.name for domain in host.domains.list()), host.domains.count()
    for act in (new.suspend, new.resume, new.destroy, new.start, new.suspend, new.start, new.resume, new.reboot):
        yield outcome(act), new.state()
    yield outcome(new.memory.set, 500_000, live=True), outcome(new.memory.set, 0), info(new), new.memory.maximum()
    yield new.metadata.title(), outcome(new.metadata.set_title, "a title"), new.metadata.title()
    yield outcome(new.managed_save), outcome(new.has_managed_save), new.state()
    yield outcome(new.remove_managed_save), outcome(new.undefine), outcome(new.state)
    yield outcome(host.domains.lookup, "nobody"), outcome(host.domains.define, "<domain>"), outcome(test.start)
    yield outcome(host.domains.count, 1 << 30)


def moments(host: Host) -> Iterator[Any]:
    test = host.domains.lookup("test")
    yield outcome(test.snapshots.current), test.snapshots.names()
    test.snapshots.create("<domainsnapshot><name>one</name></domainsnapshot>")
    two = test.snapshots.create("<domainsnapshot><name>two</name><description>d</description></domainsnapshot>")
    yield sorted(test.snapshots.names()), two.is_current(), two.xml()
    test.destroy()
    yield test.state(), outcome(two.revert), test.state()
    yield outcome(test.snapshots.lookup, "three"), outcome(two.delete), test.snapshots.names()


def networks(host: Host) -> Iterator[Any]:
    default = host.networks.lookup("default")
    yield default.xml(), default.bridge(), default.is_active(), default.is_persistent(), default.autostart()
    net = host.networks.define(NETWORK)
    yield outcome(net.destroy), outcome(net.start), outcome(net.start), outcome(net.xml, inactive=True)
    yield sorted(host.networks.names()), outcome(net.undefine), outcome(net.destroy), outcome(net.xml)
    yield outcome(host.networks.lookup, "nobody"), outcome(default.dhcp_leases)


def storage(host: Host) -> Iterator[Any]:
    default = host.pools.lookup("default-pool")
    yield default.info(), default.is_active(), default.volumes.names()
    pool = host.pools.define(POOL)
    yield outcome(pool.volumes.create, VOLUME), outcome(pool.start), pool.info()
    volume = pool.volumes.create(VOLUME)
    yield volume.name, volume.key, volume.info(), volume.path(), volume.xml(), outcome(volume.resize, 4096)
    yield outcome(pool.volumes.create, VOLUME), outcome(host.pools.volume_by_path, "/nowhere")
    yield outcome(volume.delete), outcome(volume.info), outcome(pool.destroy), outcome(pool.undefine)


def devices(host: Host) -> Iterator[Any]:
    yield [interface.name for interface in host.interfaces.list()], host.interfaces.lookup("eth1").xml()
    yield outcome(host.interfaces.begin_changes), outcome(host.interfaces.rollback_changes)
    yield outcome(host.interfaces.commit_changes), outcome(host.interfaces.lookup, "nothing")
    computer = host.node_devices.lookup("computer")
    yield computer.xml(), outcome(computer.parent), computer.capabilities(), outcome(computer.reset)
    yield outcome(host.secrets.list), outcome(host.nwfilters.list)


def host_itself(host: Host) -> Iterator[Any]:
    yield host.type, host.node_info(), host.cpu_map(), host.free_memory(), host.max_vcpus(), host.security_model()
    yield outcome(host.sysinfo), outcome(host.compare_cpu, "<cpu/>"), outcome(host.cpu_models, "x86_64")
    yield outcome(host.cells_free_memory, 0, 2), outcome(host.memory_parameters)


SCRIPTS = {
    "domains": domains,
    "moments": moments,
    "networks": networks,
    "storage": storage,
    "devices": devices,
    "host": host_itself,
}
LANES = ("msgpack to virtactord", "xdr to virtactord", "xdr to libvirtd")


@contextmanager
def reached(lane: str, daemon: Virtactord, libvirtd: Libvirtd) -> Iterator[Host]:
    """A host by that lane, with a fresh test driver."""
    codec, _, whose = lane.split()
    uri = libvirtd.uri("test") if whose == "libvirtd" else f"test+unix:///default?socket={daemon.paths.socket}"
    with connect(uri, lane=codec) as host:
        yield host


@pytest.mark.parametrize("lane", LANES[:2])
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_gets_the_same_answers_by_every_lane(
    script: str, lane: str, shared: Virtactord, libvirtd: Libvirtd
) -> None:
    with reached(LANES[2], shared, libvirtd) as theirs:
        wanted = seen(list(SCRIPTS[script](theirs)))
    with reached(lane, shared, libvirtd) as ours:
        got = seen(list(SCRIPTS[script](ours)))
    assert got == wanted


@pytest.mark.parametrize("lane", LANES)
def test_events_come_in_order(lane: str, shared: Virtactord, libvirtd: Libvirtd) -> None:
    with reached(lane, shared, libvirtd) as host, host.events(timeout=PATIENCE) as events:
        test = host.domains.lookup("test")
        test.suspend()
        test.resume()
        test.destroy()
        test.start()
        seen = [next(events) for _ in range(4)]
    assert [(event.domain.name, event.type, int(event.detail)) for event in seen if isinstance(event, Event)] == [
        ("test", DomainEventType.SUSPENDED, DomainEventSuspendedDetailType.PAUSED),
        ("test", DomainEventType.RESUMED, DomainEventResumedDetailType.UNPAUSED),
        ("test", DomainEventType.STOPPED, DomainEventStoppedDetailType.DESTROYED),
        ("test", DomainEventType.STARTED, DomainEventStartedDetailType.BOOTED),
    ]
