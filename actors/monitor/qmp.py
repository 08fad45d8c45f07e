"""A connection to the monitor of one QEMU: QMP, and HMP text through it.

The protocol is the package qemu.qmp's; this module adds what a daemon with hundreds of guests needs of it.

- Every command has a deadline. One that is not answered in time raises OperationTimeout and is kept as *late*: when
  QEMU answers after all (somebody sent SIGCONT), the answer is dropped and the connection goes on.
- QEMU answers in order. While an answer is late nothing else can be answered, so further commands are not sent but wait
  within their own deadline. One that times out while waiting was never sent and will never take effect; and a frozen
  guest's socket never fills up.
- Events reach the callback in the order of the wire, and before any later answer resolves.
- An idle connection has no timers. No history of events is kept and messages are formatted only when debugging is on
  (the package does both by itself).
- Closing never waits for QEMU: what a frozen guest has not read is thrown away.

Rejected: QMPClient.execute (a queue for each command; when an answer and the end of the connection arrive together, the
queue overflows and other waiting commands are never woken) and its send_fd_scm (descriptors travel apart from their
command, and not under uvloop).
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from array import array
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from qemu.qmp import QMPClient, Runstate
from qemu.qmp.error import QMPError
from qemu.qmp.message import Message
from qemu.qmp.qmp_client import NegotiationError
from qemu.qmp.util import flush

from ...wire.errors import InvalidArgument, MonitorFailure, OperationFailed, OperationTimeout, VirtError
from ..unix_sockets import connect_unix

logger = logging.getLogger("virtactor.monitor")


@dataclass(frozen=True, slots=True)
class QmpEvent:
    """An event of QEMU's with QEMU's own time, seconds and microseconds since 1970."""

    name: str
    data: Mapping[str, Any]
    seconds: int
    microseconds: int


class QmpConnection:
    """The monitor of one QEMU. ``name`` is the guest's, for errors and logs.

    ``on_event`` gets each event. ``on_disconnect`` is called once, with the reason, when an established connection ends
    other than by ``close``. Both run on the loop and must not block; what they raise is logged.
    """

    def __init__(
        self,
        name: str,
        on_event: Callable[[QmpEvent], None],
        on_disconnect: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.name = name
        self.version: tuple[int, int, int] = (0, 0, 0)
        self._on_event = on_event
        self._on_disconnect = on_disconnect
        self._link: _Link | None = None
        self._fd_turn = asyncio.Lock()
        self._ending: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        return self._link is not None

    @property
    def unanswered(self) -> list[str]:
        """The commands that QEMU has been sent and has not answered, oldest first; late ones included."""
        link = self._link
        return [] if link is None else [wait.command for wait in (*link.late.values(), *link.waiting.values())]

    async def connect(self, address: socket.socket | str | os.PathLike[str], deadline: float) -> None:
        """Connect and negotiate. ``address`` is the monitor's socket path or a socket connected to it (which this takes
        over), ``deadline`` a time of ``loop.time()``.

        Raises OperationTimeout, OperationFailed when QEMU hangs up, SystemFailure when nobody listens at the path.
        """
        peer = address if isinstance(address, socket.socket) else connect_unix(address)
        link = _Link(self)
        try:
            async with asyncio.timeout_at(deadline):
                await link.connect(peer)
        except TimeoutError:
            raise OperationTimeout(f"QEMU of {self.name} did not greet its monitor in time", object=self.name) from None
        except (QMPError, AssertionError) as error:
            # The package asserts that a session which it has just begun still runs; QEMU may be gone by then.
            await link.discard()
            raise OperationFailed(
                f"QEMU of {self.name} closed its monitor: {_root(error)}", object=self.name
            ) from error
        finally:
            if link.runstate is Runstate.IDLE:
                peer.close()
        if link.runstate is not Runstate.RUNNING:
            await link.discard()
            raise OperationFailed(f"QEMU of {self.name} closed its monitor", object=self.name)
        self.version = link.qemu_version()
        self._link = link

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        deadline: float,
        fds: Sequence[int] = (),
    ) -> Any:
        """Run a QMP command and give back its result. ``deadline`` is a time of ``loop.time()``.

        ``fds`` are descriptors that go along with the command (``getfd``, ``add-fd``); they stay the caller's to close.
        Raises MonitorFailure (``qmp_class``) when QEMU refuses, OperationTimeout naming the command and the guest,
        OperationFailed when the monitor is or gets disconnected, InvalidArgument for arguments that JSON cannot hold.
        """
        link = self._require_link(command)
        wait = _Wait(command, asyncio.get_running_loop())
        message = _message(command, arguments)
        try:
            if wait.began >= deadline:
                raise TimeoutError
            async with asyncio.timeout_at(deadline):
                if not fds:
                    reply = await link.run(wait, message)
                else:
                    # QEMU keeps the descriptors of one command at a time.
                    async with self._fd_turn:
                        reply = await link.run(wait, message, fds)
        except TimeoutError:
            raise self._timeout(wait, link) from None
        if "error" in reply:
            refusal = cast(Mapping[str, str], reply["error"])
            raise MonitorFailure(
                f"command '{command}' of {self.name}: {refusal.get('desc')}",
                qmp_class=refusal.get("class", "GenericError"),
                object=self.name,
            )
        return reply.get("return")

    async def hmp(self, text: str, *, deadline: float) -> str:
        """Run a line of the human monitor and give back what it printed. Raises as ``execute`` does."""
        return await self.execute("human-monitor-command", {"command-line": text}, deadline=deadline)

    async def close(self) -> None:
        """Disconnect. Commands under way raise OperationFailed; ``on_disconnect`` is not called."""
        link, self._link = self._link, None
        if link is not None:
            await link.discard()
        if self._ending is not None:
            await asyncio.wait((self._ending,))

    # -- what the link tells -------------------------------------------------------------------------------------------

    def link_event(self, message: Mapping[str, Any]) -> None:
        stamp = message.get("timestamp") or {}
        event = QmpEvent(
            str(message["event"]),
            message.get("data") or {},
            int(stamp.get("seconds", 0)),
            int(stamp.get("microseconds", 0)),
        )
        try:
            self._on_event(event)
        except Exception:
            logger.exception("%s: handling the event %s failed", self.name, event.name)

    def link_lost(self, link: _Link) -> None:
        if self._link is link:
            self._link = None
            self._ending = asyncio.get_running_loop().create_task(self._end(link), name=f"monitor {self.name} ends")

    async def _end(self, link: _Link) -> None:
        reason = await link.discard()
        logger.debug("%s: monitor disconnected: %s", self.name, reason)
        self._ending = None
        try:
            self._on_disconnect(reason)
        except Exception:
            logger.exception("%s: handling the end of the monitor failed", self.name)

    # -- errors --------------------------------------------------------------------------------------------------------

    def gone(self, command: str) -> OperationFailed:
        return OperationFailed(f"the monitor of {self.name} is closed, '{command}' has no answer", object=self.name)

    def _require_link(self, command: str) -> _Link:
        if self._link is None:
            raise self.gone(command)
        return self._link

    def _timeout(self, wait: _Wait, link: _Link) -> OperationTimeout:
        now = asyncio.get_running_loop().time()
        waited = now - wait.began
        blocker = next(iter(link.late.values()), wait)
        sent = (
            "" if wait.sent else f" (not sent: '{blocker.command}' has had no answer for {now - blocker.began:.1f} s)"
        )
        return OperationTimeout(
            f"QEMU of {self.name} did not answer '{wait.command}' within {waited:.1f} s{sent}",
            object=self.name,
            holder=blocker.command,
            held_for=now - blocker.began,
        )


class _Wait:
    """A command and the caller that waits for its answer."""

    __slots__ = ("answer", "began", "command", "sent")

    def __init__(self, command: str, loop: asyncio.AbstractEventLoop) -> None:
        self.command = command
        self.began = loop.time()
        self.sent = False
        self.answer: asyncio.Future[Message] = loop.create_future()


class _Debug(logging.LoggerAdapter[logging.Logger]):
    """Logs at debug level whatever level is asked for: what the package calls errors, our callers get as exceptions."""

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        super().log(logging.DEBUG, msg, *args, **kwargs)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, kwargs


_quiet = cast(logging.Logger, _Debug(logging.getLogger("virtactor.monitor.qmp")))


class _Link(QMPClient):
    """qemu.qmp's client with our own routing of answers and events, and an end that never waits for QEMU."""

    logger = _quiet

    def __init__(self, owner: QmpConnection) -> None:
        super().__init__()
        self.logger = _quiet
        self.owner = owner
        self.waiting: dict[str, _Wait] = {}
        self.late: dict[str, _Wait] = {}
        self._caught_up: asyncio.Future[None] | None = None

    def qemu_version(self) -> tuple[int, int, int]:
        assert self.greeting is not None
        numbers = cast(Mapping[str, int], self.greeting.QMP.version.get("qemu", {}))
        return numbers.get("major", 0), numbers.get("minor", 0), numbers.get("micro", 0)

    async def run(self, wait: _Wait, message: Message, fds: Sequence[int] = ()) -> Message:
        """Send a command when no answer is late, and wait for its answer; cancelled once sent, it is late."""
        while self.late:
            await self._until_caught_up()
        if self.runstate is not Runstate.RUNNING:
            raise self.owner.gone(wait.command)
        id = self._get_exec_id()
        message["id"] = id
        # Written at once, not by the package's writer task: that would cost a turn of the loop.
        if fds:
            await self._send_with_fds(self._cb_outbound(message), fds)
        else:
            self._do_send(self._cb_outbound(message))
        self.waiting[id] = wait
        wait.sent = True
        try:
            return await wait.answer
        except asyncio.CancelledError:
            if id in self.waiting:
                self.late[id] = self.waiting.pop(id)
            raise

    async def discard(self) -> str:
        """Disconnect and take what the package has to say of it: the reason, in words."""
        try:
            await self.disconnect()
        except Exception as error:
            return _root(error)
        return "closed"

    async def _until_caught_up(self) -> None:
        if self._caught_up is None or self._caught_up.done():
            self._caught_up = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._caught_up)

    # -- qemu.qmp's extension points -----------------------------------------------------------------------------------

    def _cb_outbound(self, msg: Message) -> Message:
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s: > %s", self.owner.name, bytes(msg).decode())
        return msg

    def _cb_inbound(self, msg: Message) -> Message:
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s: < %s", self.owner.name, bytes(msg).decode(errors="replace").rstrip())
        return msg

    async def _negotiate(self) -> None:
        """Negotiate as the package does, but accept that the answer comes behind an event."""
        capabilities = self.greeting.QMP.capabilities if self.greeting is not None else ()
        enable = {"enable": ["oob"]} if "oob" in capabilities else {}
        self._do_send(self.make_execute_msg("qmp_capabilities", enable))
        while "event" in (reply := await self._recv()):
            self.owner.link_event(reply)
        if "return" not in reply:
            raise NegotiationError("Negotiation failed", ValueError(str(reply)))

    async def _on_message(self, msg: Message) -> None:
        if "event" in msg:
            self.owner.link_event(msg)
            return
        id = cast("str", msg.get("id", "")) or self._refused()
        if (wait := self.waiting.pop(id, None)) is not None:
            if not wait.answer.done():
                wait.answer.set_result(msg)
        elif (wait := self.late.pop(id, None)) is not None:
            logger.info("%s: dropped the late answer to '%s'", self.owner.name, wait.command)
            self._release_waiting()
        else:
            await super()._on_message(msg)

    def _refused(self) -> str:
        """Whose answer one without an id is: QEMU could not parse the command, and it answers in order."""
        return next(iter((*self.late, *self.waiting)), "")

    async def _send_with_fds(self, msg: Message, fds: Sequence[int]) -> None:
        """Send past the transport (asyncio has no ancillary data), when the transport has nothing left to send."""
        assert self._writer is not None
        while self._writer.transport.get_write_buffer_size():
            await flush(self._writer)
        data = bytes(msg)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", fds))]
        with socket.socket(fileno=os.dup(self._writer.get_extra_info("socket").fileno())) as peer:
            while True:
                try:
                    sent = peer.sendmsg([data], rights)
                    break
                except BlockingIOError:
                    await _writable(peer)
        if sent < len(data):
            self._writer.write(data[sent:])

    async def _bh_flush_writer(self) -> None:
        return

    async def _bh_close_stream(self, error_pathway: bool = False) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        await super()._bh_close_stream(error_pathway)

    async def _bh_disconnect(self) -> None:
        try:
            await super()._bh_disconnect()
        finally:
            for wait in self.waiting.values():
                if not wait.answer.done():
                    wait.answer.set_exception(self.owner.gone(wait.command))
            self.waiting.clear()
            self.late.clear()
            self._release_waiting()
            self.owner.link_lost(self)

    def _release_waiting(self) -> None:
        if not self.late and self._caught_up is not None and not self._caught_up.done():
            self._caught_up.set_result(None)


async def _writable(peer: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(peer.fileno(), lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_writer(peer.fileno())


def _message(command: str, arguments: Mapping[str, Any] | None) -> Message:
    try:
        return Message({"execute": command, "arguments": arguments} if arguments else {"execute": command})
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"arguments of '{command}': {error}") from error


def _root(error: BaseException) -> str:
    """The words of the failure beneath the package's own exceptions."""
    cause = getattr(error, "exc", None) or error
    if isinstance(cause, EOFError):
        return "end of file"
    if isinstance(cause, VirtError):
        return cause.message
    return str(cause) or type(cause).__name__
