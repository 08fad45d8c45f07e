"""Connection URIs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtactor.wire.errors import InvalidArgument
from virtactor.wire.uri import TRANSPORTS, ConnectURI

NAME = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
TEXT = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=12)
HOST = st.lists(NAME, min_size=1, max_size=3).map(".".join) | st.sampled_from(["::1", "fe80::1234"])
PARTS = st.lists(TEXT.filter(lambda text: "/" not in text), max_size=4)
PATH = st.just("") | PARTS.map(lambda parts: "/" + "/".join(parts))
URIS = st.builds(
    ConnectURI,
    driver=NAME.map(lambda name: f"d{name}"),
    transport=st.none() | st.sampled_from(TRANSPORTS),
    user=st.none() | TEXT,
    host=HOST,
    port=st.none() | st.integers(0, 65535),
    path=PATH,
    parameters=st.dictionaries(TEXT, TEXT | st.just(""), max_size=3),
)


@given(URIS)
def test_a_uri_is_read_as_it_was_written(uri: ConnectURI) -> None:
    assert ConnectURI.parse(str(uri)) == uri


@given(st.text(max_size=40) | st.text("qemu:/?#[]@%&=+.2 ", max_size=20).map(lambda rest: f"qemu:{rest}"))
def test_any_text_is_a_uri_or_an_invalid_argument(text: str) -> None:
    try:
        uri = ConnectURI.parse(text)
    except InvalidArgument:
        return
    assert ConnectURI.parse(str(uri)) == uri


def test_the_parts_of_a_remote_uri() -> None:
    uri = ConnectURI.parse("qemu+ssh://root@host.example:2222/system?keyfile=/a%20b&no_tty=1")
    assert uri == ConnectURI("qemu", "ssh", "root", "host.example", 2222, "/system", {"keyfile": "/a b", "no_tty": "1"})
    assert not uri.is_local
    assert str(uri.without_transport()) == "qemu:///system"


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("qemu:///system", True),
        ("qemu+unix:///system?socket=/run/x", True),
        ("test:///default", True),
        ("qemu+tcp:///system", False),
        ("qemu://host/system", False),
        ("qemu+unix://host/system", False),
    ],
)
def test_local_is_what_stays_on_this_machine(text: str, local: bool) -> None:
    assert ConnectURI.parse(text).is_local is local


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "names no driver"),
        ("/system", "names no driver"),
        ("qemu", "names no driver"),
        ("+ssh://host/system", "names no driver"),
        ("qemu+rsh://host/system", "names transport 'rsh', not one of unix, tcp, tls, ssh, ext"),
        ("qemu://host:port/system", "is malformed"),
        ("qemu://host:99999/system", "is malformed"),
        ("qemu://[::1/system", "is malformed"),
        ("qemu:system", "has no // before its path"),
    ],
)
def test_a_wrong_uri_is_refused_by_its_wrong_part(text: str, complaint: str) -> None:
    with pytest.raises(InvalidArgument, match=complaint):
        ConnectURI.parse(text)


@pytest.mark.parametrize(
    ("text", "carrier"),
    [
        ("qemu:///system", "unix"),
        ("qemu+unix:///system?socket=/s", "unix"),
        ("qemu://host/system", "tls"),
        ("qemu+tcp://host/system", "tcp"),
        ("qemu+ssh://host/system", "ssh"),
    ],
)
def test_a_uri_goes_by_the_transport_that_it_names_or_by_the_usual_one(text: str, carrier: str) -> None:
    assert ConnectURI.parse(text).carrier == carrier
