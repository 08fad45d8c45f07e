"""The monitor as an actor, with a domain that only listens and a QEMU that the test plays."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pykka
import pytest
from virtactor.actors.call import Trace
from virtactor.actors.monitor.monitor import Monitor, MonitorEvent, MonitorLost, connect, execute
from virtactor.actors.runtime import LoopActor, Runtime
from virtactor.actors.unix_sockets import listen_unix
from virtactor.wire.errors import MonitorFailure, OperationFailed, OperationTimeout, SystemFailure

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""}, "capabilities": []}}


class Listener(LoopActor):
    """A domain that remembers what it is told."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.heard: asyncio.Queue[Any] = asyncio.Queue()

    def on_receive(self, message: Any) -> None:
        self.heard.put_nowait(message)


class Qemu:
    """The far end of the monitor's socket."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer

    async def read(self) -> dict[str, Any]:
        return json.loads(await asyncio.get_running_loop().sock_recv(self.peer, 65536))

    def send(self, *messages: dict[str, Any]) -> None:
        self.peer.send(b"".join(json.dumps(message).encode() + b"\r\n" for message in messages))


def within(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


@asynccontextmanager
async def monitored(path: Path) -> AsyncIterator[tuple[pykka.ActorRef[Monitor], Qemu, asyncio.Queue[Any]]]:
    loop = asyncio.get_running_loop()
    runtime = Runtime(loop)
    domain = Listener.start(runtime)
    heard: asyncio.Queue[Any] = next(actor for actor in runtime.actors if isinstance(actor, Listener)).heard
    monitor = Monitor.start(runtime, "web", domain)
    with listen_unix(path) as listener:
        connecting = asyncio.create_task(connect(monitor, path, within(60)))
        peer, _ = await loop.sock_accept(listener)
    qemu = Qemu(peer)
    qemu.send(GREETING)
    assert (await qemu.read())["execute"] == "qmp_capabilities"
    qemu.send({"return": {}})
    await connecting
    try:
        yield monitor, qemu, heard
    finally:
        monitor.stop(block=False)
        domain.stop(block=False)
        assert await loop.sock_recv(peer, 1) == b""
        peer.close()


def test_a_command_goes_down_and_its_result_comes_back(tmp_path: Path) -> None:
    async def work() -> None:
        async with monitored(tmp_path / "monitor") as (monitor, qemu, _):
            asking = asyncio.create_task(execute(monitor, "query-status", {"a": 1}, deadline=within(60)))
            asked = await qemu.read()
            assert (asked["execute"], asked["arguments"]) == ("query-status", {"a": 1})
            qemu.send({"return": {"running": True}, "id": asked["id"]})
            assert await asking == {"running": True}

    asyncio.run(work())


def test_errors_come_back_as_they_are(tmp_path: Path) -> None:
    async def work() -> None:
        async with monitored(tmp_path / "monitor") as (monitor, qemu, _):
            asking = asyncio.create_task(execute(monitor, "cont", deadline=within(60)))
            qemu.send({"error": {"class": "DeviceNotFound", "desc": "gone"}, "id": (await qemu.read())["id"]})
            with pytest.raises(MonitorFailure, match="gone") as caught:
                await asking
            assert caught.value.qmp_class == "DeviceNotFound"
            with pytest.raises(OperationTimeout, match="'stop'"):
                await execute(monitor, "stop", deadline=within(0.3))
            assert (await qemu.read())["execute"] == "stop"

    asyncio.run(work())


def test_events_and_the_end_are_told_to_the_domain_in_order(tmp_path: Path) -> None:
    async def work() -> None:
        async with monitored(tmp_path / "monitor") as (monitor, qemu, heard):
            stamp = {"seconds": 7, "microseconds": 8}
            qemu.send({"event": "STOP", "timestamp": stamp}, {"event": "RESUME", "data": {"a": 1}, "timestamp": stamp})
            for name in ("STOP", "RESUME"):
                told = await heard.get()
                assert isinstance(told, MonitorEvent)
                assert told.monitor == monitor
                assert (told.event.name, told.event.seconds, told.event.microseconds) == (name, 7, 8)
            waiting = asyncio.create_task(execute(monitor, "quit", deadline=within(60)))
            await qemu.read()
            qemu.peer.shutdown(socket.SHUT_RDWR)
            assert await heard.get() == MonitorLost(monitor, "end of file")
            with pytest.raises(OperationFailed, match="'quit' has no answer"):
                await waiting

    asyncio.run(work())


def test_a_command_that_waits_behind_a_late_one_is_never_sent_when_its_caller_gives_up(tmp_path: Path) -> None:
    async def work() -> None:
        async with monitored(tmp_path / "monitor") as (monitor, qemu, _):
            with pytest.raises(OperationTimeout):
                await execute(monitor, "stop", deadline=within(0.3))
            late = (await qemu.read())["id"]
            given_up = asyncio.create_task(execute(monitor, "system_reset", deadline=within(60)))
            patient = asyncio.create_task(execute(monitor, "query-status", deadline=within(60)))
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.wait((given_up,))
            qemu.send({"return": {}, "id": late})
            asked = await qemu.read()
            assert asked["execute"] == "query-status"
            qemu.send({"return": 1, "id": asked["id"]})
            assert await patient == 1

    asyncio.run(work())


def test_a_trace_shows_the_command_and_how_long_it_took(tmp_path: Path) -> None:
    async def work() -> None:
        async with monitored(tmp_path / "monitor") as (monitor, qemu, _):
            trace = Trace()
            asking = asyncio.create_task(execute(monitor, "stop", deadline=within(60), trace=trace))
            qemu.send({"return": {}, "id": (await qemu.read())["id"]})
            await asking
            (span,) = trace.spans
            assert (span.actor, span.what) == ("monitor web", "QMP stop")
            assert span.took > 0

    asyncio.run(work())


def test_connecting_where_nobody_listens_fails(tmp_path: Path) -> None:
    async def work() -> None:
        runtime = Runtime(asyncio.get_running_loop())
        domain = Listener.start(runtime)
        monitor = Monitor.start(runtime, "web", domain)
        with pytest.raises(SystemFailure, match="absent"):
            await connect(monitor, tmp_path / "absent", within(60))
        monitor.stop(block=False)
        domain.stop(block=False)
        await asyncio.sleep(0)
        assert not runtime.actors

    asyncio.run(work())
