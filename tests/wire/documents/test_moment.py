"""Documents of snapshots and checkpoints. That they say what libvirt's do is held in test_moments.py of the driver."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from virtactor.wire.documents.domain import parse_domain
from virtactor.wire.documents.moment import (
    CheckpointDefinition,
    SnapshotDefinition,
    format_checkpoint,
    format_snapshot,
    parse_checkpoint,
    parse_snapshot,
)
from virtactor.wire.documents.reader import read_document
from virtactor.wire.enums.error import ErrorDomain
from virtactor.wire.errors import InternalError, XMLError

from .instances import any_of
from .test_round_trip import QUICK

DOMAIN = "<domain type='test'><name>d</name><memory>1024</memory><os><type>hvm</type></os></domain>"


def whole(inside: str = "", domain: str = DOMAIN) -> str:
    state = "<name>a</name><state>running</state><creationTime>12</creationTime>"
    return f"<domainsnapshot>{state}{inside}{domain}</domainsnapshot>"


GUEST = parse_domain(DOMAIN)


@QUICK
@given(any_of(SnapshotDefinition))
def test_what_is_formatted_is_read_as_the_same_snapshot(snapshot: SnapshotDefinition) -> None:
    # Domains have a round trip of their own.
    snapshot = replace(snapshot, domain=snapshot.domain and GUEST, inactive_domain=snapshot.inactive_domain and GUEST)
    text = format_snapshot(snapshot, secure=True)
    assert read_document(text, "domainsnapshot", SnapshotDefinition) == snapshot


@QUICK
@given(any_of(CheckpointDefinition))
def test_what_is_formatted_is_read_as_the_same_checkpoint(checkpoint: CheckpointDefinition) -> None:
    checkpoint = replace(checkpoint, domain=checkpoint.domain and GUEST)
    text = format_checkpoint(checkpoint, secure=True)
    assert read_document(text, "domaincheckpoint", CheckpointDefinition) == checkpoint


def test_what_of_a_new_snapshot_is_not_the_callers_to_say_is_passed_over() -> None:
    text = whole("<parent><name>p</name></parent><description>D</description>", "<domain><bad/></domain>")
    assert parse_snapshot(text) == SnapshotDefinition(name="a", description="D")


def test_a_whole_snapshot_says_where_its_memory_is() -> None:
    found = parse_snapshot(whole(), redefine=True)
    assert found.memory is not None
    assert (found.memory.snapshot, found.online, found.external) == ("internal", True, False)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (whole(domain=""), InternalError, "missing domain in snapshot"),
        (whole().replace("<state>running</state>", ""), XMLError, "missing state from existing snapshot"),
        (whole().replace("<name>a</name>", "", 1), XMLError, "a redefined snapshot must have a name"),
        (whole("<memory snapshot='external'/>"), XMLError, "external memory snapshots require a filename"),
    ],
)
def test_what_a_whole_snapshot_lacks_is_told_as_libvirt_does(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as raised:
        parse_snapshot(text, redefine=True)
    assert raised.value.domain == ErrorDomain.DOMAIN_SNAPSHOT  # type: ignore[attr-defined]


def test_a_checkpoint_may_be_shown_without_its_domain() -> None:
    text = f"<domaincheckpoint><name>c</name><creationTime>1</creationTime>{DOMAIN}</domaincheckpoint>"
    found = parse_checkpoint(text, redefine=True)
    assert "<domain " in format_checkpoint(found)
    assert "<domain " not in format_checkpoint(found, domain=False)
