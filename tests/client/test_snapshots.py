"""Snapshots and checkpoints through the client, on the two test drivers."""

from __future__ import annotations

import pytest
from virtactor.client import Domain, Host
from virtactor.wire.enums.domain import DomainState
from virtactor.wire.enums.domain_jobs import DomainSnapshotListFlags
from virtactor.wire.errors import NoCheckpoint, NoSnapshot


@pytest.fixture
def guest(a_test_driver: Host) -> Domain:
    return a_test_driver.domains["test"]


def snapshot_xml(name: str) -> str:
    return f"<domainsnapshot><name>{name}</name><description>of {name}</description></domainsnapshot>"


def test_there_are_none_at_first(guest: Domain) -> None:
    assert (list(guest.snapshots), len(guest.snapshots), guest.snapshots.names()) == ([], 0, [])
    assert guest.snapshots.current() is None
    assert "none" not in guest.snapshots
    with pytest.raises(NoSnapshot):
        guest.snapshots["none"]


def test_snapshots_make_a_tree(guest: Domain) -> None:
    first, second = guest.snapshots.create(snapshot_xml("first")), guest.snapshots.create(snapshot_xml("second"))
    assert first == guest.snapshots["first"]
    assert first in guest.snapshots
    assert sorted(guest.snapshots.names()) == ["first", "second"]
    assert (first.parent(), second.parent()) == (None, first)
    assert (first.children(), first.children_names(), second.children()) == ([second], ["second"], [])
    assert first.children(descendants=True) == [second]
    assert guest.snapshots.list(roots=True) == [first]
    assert guest.snapshots.list(leaves=True) == [second]
    assert guest.snapshots.list(topological=True) == [first, second]
    assert guest.snapshots.count(DomainSnapshotListFlags.ROOTS) == 1
    assert guest.snapshots.current() == second
    assert (first.is_current(), second.is_current(), second.has_metadata()) == (False, True, True)
    assert first.domain == guest
    assert "<description>of first</description>" in first.xml()
    assert "first of test" in repr(first)


def test_a_snapshot_is_reverted_to(guest: Domain) -> None:
    snapshot = guest.snapshots.create(snapshot_xml("running"))
    guest.suspend()
    snapshot.revert()
    assert guest.state()[0] is DomainState.RUNNING
    snapshot.revert(paused=True)
    assert guest.state()[0] is DomainState.PAUSED


def test_a_snapshot_is_deleted_alone_or_with_its_children(guest: Domain) -> None:
    for name in ("first", "second", "third"):
        guest.snapshots.create(snapshot_xml(name))
    guest.snapshots["second"].delete()
    assert sorted(guest.snapshots.names()) == ["first", "third"]
    assert guest.snapshots["third"].parent() == guest.snapshots["first"]
    guest.snapshots["first"].delete(children_only=True)
    assert guest.snapshots.names() == ["first"]
    first = guest.snapshots["first"]
    first.delete(children=True)
    with pytest.raises(NoSnapshot):
        first.xml()
    with pytest.raises(NoSnapshot):
        first.parent()


@pytest.fixture
def guest_with_disk(a_test_driver: Host) -> Domain:
    disk = "<disk type='file'><driver type='qcow2'/><source file='/none.qcow2'/><target dev='vda'/></disk>"
    return a_test_driver.domains.create(
        "<domain type='test'><name>with-disk</name><memory>1024</memory><os><type>hvm</type></os>"
        f"<devices>{disk}</devices></domain>"
    )


def test_there_are_no_checkpoints_at_first(guest: Domain) -> None:
    assert (list(guest.checkpoints), len(guest.checkpoints)) == ([], 0)
    assert "none" not in guest.checkpoints
    with pytest.raises(NoCheckpoint):
        guest.checkpoints["none"]


def test_checkpoints_make_a_tree(guest_with_disk: Domain) -> None:
    guest = guest_with_disk
    first = guest.checkpoints.create("<domaincheckpoint><name>first</name></domaincheckpoint>")
    second = guest.checkpoints.create("<domaincheckpoint><name>second</name></domaincheckpoint>")
    assert first == guest.checkpoints["first"]
    assert first in guest.checkpoints
    assert len(guest.checkpoints) == 2
    assert (first.parent(), second.parent()) == (None, first)
    assert first.children() == [second]
    assert guest.checkpoints.list(roots=True) == [first]
    assert guest.checkpoints.list(leaves=True) == [second]
    assert "<name>first</name>" in first.xml(no_domain=True)
    first.delete(children=True)
    with pytest.raises(NoCheckpoint):
        first.xml()
    with pytest.raises(NoCheckpoint):
        first.parent()
