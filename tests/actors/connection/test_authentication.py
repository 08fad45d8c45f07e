"""Who may use the socket for full access, and what a client can do that has not said who it is."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.connection import connection as connection_module
from virtactor.actors.connection.session import Identity, is_admitted
from virtactor.wire.enums.error import ErrorDomain, ErrorNumber
from virtactor.wire.errors import AuthFailed, ProtocolError, VirtError
from virtactor.wire.lanes import LANES, XDR, Lane
from virtactor.wire.table import ROWS, Access, Kind

from ...raw_client import RawClient
from ...wire.strategies import plainest
from ..served import Served, wait_until

NONE, POLKIT = 0, 2
NOBODY = Identity(4711, 65534, 65534)
both_lanes = pytest.mark.parametrize("lane", LANES.values(), ids=LANES)


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client is nobody."""
    monkeypatch.setattr(connection_module, "_peer_identity", lambda sock: NOBODY)


def asking(serve: Callable[..., Served], root: Path, **listen: Any) -> Served:
    return serve(root, {"listen": {"auth_unix_rw": "polkit", **listen}})


def connect(served: Served, lane: Lane = XDR) -> RawClient:
    assert served.paths is not None
    return RawClient.connect(served.paths.socket, lane)


@both_lanes
def test_nobody_is_asked_by_default(lane: Lane, served: Served) -> None:
    with served.connect(lane) as client:
        assert client.call("auth_list") == [NONE]
        client.open()


@both_lanes
def test_root_need_not_say_who_it_is(lane: Lane, serve: Callable[..., Served], root: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root is root")
    with connect(asking(serve, root), lane) as client:
        assert client.call("auth_list") == [NONE]
        client.open()
        assert client.names() == {"test"}


@pytest.mark.usefixtures("stranger")
@both_lanes
def test_a_stranger_can_do_nothing_but_say_who_he_is(lane: Lane, serve: Callable[..., Served], root: Path) -> None:
    with connect(asking(serve, root), lane) as client:
        assert client.call("auth_list") == [POLKIT]
        for row in ROWS.values():
            if row.kind is Kind.MESSAGE or row.access is Access.ANYONE:
                continue
            if lane is XDR and ROWS["events_subscribe"].program == row.program:
                continue
            with pytest.raises(ProtocolError, match="authentication required") as raised:
                client.call(row.name, *(plainest(field.type) for field in row.args))
            assert (raised.value.code, raised.value.domain) == (ErrorNumber.RPC, ErrorDomain.RPC)
        with pytest.raises(AuthFailed, match=r"nobody \(pid 4711\) is not among those who may manage this host"):
            client.call("auth_polkit")
        with pytest.raises(ProtocolError, match="authentication required"):
            client.open()


@pytest.mark.usefixtures("stranger")
@pytest.mark.parametrize("who", [{"auth_users": ["nobody"]}, {"auth_groups": ["nogroup"]}], ids=["user", "group"])
def test_who_is_named_or_in_a_named_group_is_admitted(
    who: dict[str, Any], serve: Callable[..., Served], root: Path
) -> None:
    if grp.getgrgid(65534).gr_name != "nogroup":
        pytest.skip("nobody is in another group here")
    with connect(asking(serve, root, **who)) as client:
        assert client.call("auth_list") == [POLKIT]
        assert client.call("auth_polkit") == 1
        assert client.call("auth_list") == [NONE]
        client.open()
        assert client.names() == {"test"}


@pytest.mark.usefixtures("stranger")
def test_whoever_opens_the_readonly_socket_may_read(serve: Callable[..., Served], root: Path) -> None:
    served = asking(serve, root)
    assert served.paths is not None
    with RawClient.connect(served.paths.readonly_socket, XDR) as client:
        assert client.call("auth_list") == [NONE]
        client.open()
        assert client.names() == {"test"}


@pytest.mark.usefixtures("stranger")
def test_clients_that_have_not_said_who_they_are_are_few(serve: Callable[..., Served], root: Path) -> None:
    served = serve(
        root,
        {"listen": {"auth_unix_rw": "polkit", "auth_users": ["nobody"]}, "limits": {"anonymous_clients": 2}},
    )
    with connect(served) as one, connect(served) as two:
        assert one.call("auth_list") == two.call("auth_list") == [POLKIT]
        with connect(served) as three:
            assert three.at_end()
        assert one.call("auth_polkit") == 1
        with connect(served) as four:
            assert four.call("auth_list") == [POLKIT]
            two.close()
            wait_until(lambda: len(served.actors()) == 2)
            with connect(served) as five:
                assert five.call("auth_list") == [POLKIT]


def test_being_admitted() -> None:
    nobody = pwd.getpwuid(65534).pw_name
    assert is_admitted(Identity(1, 0, 0), [], [])
    assert not is_admitted(NOBODY, [], [])
    assert is_admitted(NOBODY, ["other", nobody], [])
    assert not is_admitted(NOBODY, ["other"], ["root"])
    assert not is_admitted(Identity(1, 4_000_000, 4_000_000), [nobody], ["nogroup"])


# -- another's identity ------------------------------------------------------------------------------------------------


def test_root_may_speak_for_another(served: Served) -> None:
    with served.opened(lane=XDR) as client:
        client.call("connect_set_identity", [("unix-user-id", 4, 65534), ("process-id", 3, 99)], 0)
        (connection,) = served.actors()
        assert connection.session.identity == Identity(99, 65534, os.getgid())
        with pytest.raises(VirtError, match="may not speak for another"):
            client.call("connect_set_identity", [("unix-user-id", 4, 0)], 0)
