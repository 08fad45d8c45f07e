"""From a link to an open session: which lane is spoken, who we are, and the open call.

Known daemons cost nothing extra: at virtactord's own sockets the open call is the first packet. Where nobody knows who
answers (tcp, tls, ssh, a socket of any name) the first write holds the same question in both lanes, ``auth_list``:
virtactord answers both, libvirtd says in its own encoding that it has no such program as the msgpack one. libvirtd's
answer to the other is wanted anyway, as libvirt's clients always begin with it.

In libvirt's lane the keepalive is announced beside the open call: libvirtd begins to ask whether we live only then.
"""

from __future__ import annotations

import time

from ..wire.enums.error import ErrorNumber
from ..wire.errors import AuthFailed, ConnectionLost, NoConnect, ProtocolError, VirtError
from ..wire.framing import Status
from ..wire.lanes import MSGPACK, XDR, Lane
from ..wire.table import ROWS
from .address import Address
from .connection import Connection, OnMessage
from .pending import Pending, why
from .waiting import remaining

_AUTH_LIST = ROWS["auth_list"]
_AUTH_POLKIT = ROWS["auth_polkit"]
_SUPPORTS_FEATURE = ROWS["connect_supports_feature"]
_OPEN = ROWS["connect_open"]
_CLOSE_CALLBACK = ROWS["connect_register_close_callback"]

READONLY = 1  # virConnectFlags, as ConnectFlags.RO
FEATURE_PROGRAM_KEEPALIVE = 10  # VIR_DRV_FEATURE_PROGRAM_KEEPALIVE
# How long a peer of unknown kind may take for its first answer, in seconds, where the caller sets no limit.
FIRST_ANSWER_SECONDS = 30.0
AUTH_NONE, AUTH_SASL, AUTH_POLKIT = 0, 1, 2  # remote_auth_type
NOT_AUTHENTICATED = frozenset({ErrorNumber.RPC, ErrorNumber.AUTH_FAILED, ErrorNumber.AUTH_UNAVAILABLE})


def open_connection(address: Address, on_message: OnMessage, deadline: float | None, keepalive: bool) -> Connection:
    """A connection whose session is open to what the address asks for.

    ``keepalive`` announces that somebody on our side answers pings. Raises NoConnect, AuthFailed, ConnectionLost,
    OperationTimeout after ``deadline`` seconds, and what the daemon answers.
    """
    until = None if deadline is None else time.monotonic() + deadline
    dialer = address.dialer
    link = dialer.dial()
    lane = address.lane or dialer.lane
    connection = Connection(link, on_message, lane or MSGPACK)
    try:
        if lane is None:
            _authenticate(connection, _find_lane(connection, until), until)
        elif lane is XDR:
            _authenticate(connection, connection.call(_AUTH_LIST, (), remaining(until))[0], until)
        _open(connection, address, until, keepalive)
    except ConnectionLost as loss:
        if connection.heard:
            raise
        # Nobody was there to lose: a proxy or a way that led nowhere.
        raise NoConnect(why(loss)) from loss
    except BaseException:
        connection.break_off("it could not be opened")
        raise
    return connection


def _find_lane(connection: Connection, until: float | None) -> list[int]:
    """Let the connection speak the best lane that its peer knows; the ways in which the peer lets us authenticate."""
    if until is None:
        until = time.monotonic() + FIRST_ANSWER_SECONDS
    asked = [_ask(connection, lane, until) for lane in (MSGPACK, XDR)]
    for pending in asked:
        if not connection.wait(pending, until):
            raise NoConnect(f"no answer within {FIRST_ANSWER_SECONDS:g} s: neither virtactord nor libvirtd is there")
    ours, libvirts = asked
    lane = MSGPACK if _is_understood(ours) else XDR
    connection.speak(lane)
    answer = ours if lane is MSGPACK else libvirts
    try:
        return answer.outcome(until)[0][0]
    except VirtError:
        if lane is XDR:
            raise
        return []  # A virtactord that does not authenticate.


def _ask(connection: Connection, lane: Lane, until: float) -> Pending:
    connection.speak(lane)
    return connection.submit(_AUTH_LIST, (), remaining(until))


def _is_understood(asked: Pending) -> bool:
    """Whether the peer answered in the lane that it was asked in."""
    packet = asked.packet
    assert packet is not None
    if packet.status == Status.OK:
        return True
    try:
        asked.extras_of_failure()
    except ProtocolError:
        return False
    return True


def _authenticate(connection: Connection, types: list[int], until: float | None) -> None:
    """Say who we are, in the way that the peer asks for first. Raises AuthFailed where we do not know that way."""
    if not types or types[0] == AUTH_NONE:
        return
    if types[0] == AUTH_POLKIT:
        connection.call(_AUTH_POLKIT, (), remaining(until))
        return
    name = {AUTH_SASL: "SASL"}.get(types[0], f"authentication of type {types[0]}")
    raise AuthFailed(
        f"the daemon asks for {name}, which this client does not speak",
        hint='come by ssh, or by tls with a certificate and auth_tls = "none" in the daemon\'s configuration',
    )


def _open(connection: Connection, address: Address, until: float | None, keepalive: bool) -> None:
    args = (address.opens, READONLY if address.readonly else 0)
    if connection.lane is XDR:
        if keepalive:
            connection.submit(_SUPPORTS_FEATURE, (FEATURE_PROGRAM_KEEPALIVE,)).forget()
        connection.call(_OPEN, args, remaining(until))
        # Nobody waits for the answer: a daemon that tells nothing of the driver's end is none the worse.
        connection.submit(_CLOSE_CALLBACK).forget()
        return
    try:
        connection.call(_OPEN, args, remaining(until))
    except VirtError as refusal:
        # Asked only now: nearly always there is nothing to be asked. Asking is all that root has to do.
        if refusal.code not in NOT_AUTHENTICATED:
            raise
        _authenticate(connection, connection.call(_AUTH_LIST, (), remaining(until))[0], until)
        connection.call(_OPEN, args, remaining(until))
