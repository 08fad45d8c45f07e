"""The monitor connection: with a real QEMU where that can show it, with a scripted one for what QEMU rarely does."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from virtactor.actors.commands import allowed_environment
from virtactor.actors.drivers.qemu.command_line import monitor_arguments
from virtactor.actors.drivers.qemu.process import Launch, Process, spawn
from virtactor.actors.monitor.qmp import QmpConnection, QmpEvent
from virtactor.actors.unix_sockets import connect_unix, listen_unix
from virtactor.wire.errors import InvalidArgument, MonitorFailure, OperationFailed, OperationTimeout, SystemFailure

QEMU = ["/usr/bin/qemu-system-x86_64", "-machine", "none", "-accel", "tcg", "-S", "-display", "none", "-nodefaults"]
GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 22}, "package": ""}, "capabilities": ["oob"]}}
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


def run(work: Awaitable[None], new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_await(work))


async def _await(work: Awaitable[None]) -> None:
    await work


def within(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


@asynccontextmanager
async def qemu(directory: Path) -> AsyncIterator[tuple[Process, Path]]:
    """A stopped guest without devices, and the path of its monitor."""
    path = directory / "monitor.sock"
    with listen_unix(path) as listener:
        argv = [*QEMU, *monitor_arguments(listener.fileno())]
        process = await spawn(Launch(argv, directory / "guest.log", allowed_environment(), fds=(listener.fileno(),)))
    try:
        yield process, path
    finally:
        await process.kill(grace=2)


class Script:
    """The far end of a socket pair, played by the test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read(self) -> dict[str, Any]:
        data = b""
        while True:
            data += await self.reader.read(65536)
            try:
                return json.loads(data)
            except ValueError:
                continue

    def send(self, *messages: dict[str, Any]) -> None:
        self.writer.write(b"".join(json.dumps(message).encode() + b"\r\n" for message in messages))


class Guest:
    """What a connection tells its owner."""

    def __init__(self) -> None:
        self.events: list[QmpEvent] = []
        self.reasons: list[str] = []
        self.disconnected = asyncio.Event()

    def on_disconnect(self, reason: str) -> None:
        self.reasons.append(reason)
        self.disconnected.set()

    def connection(self) -> QmpConnection:
        return QmpConnection("web", self.events.append, self.on_disconnect)


async def pair() -> tuple[socket.socket, Script]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, Script(*await asyncio.open_connection(sock=theirs))


@asynccontextmanager
async def scripted() -> AsyncIterator[tuple[QmpConnection, Script, Guest]]:
    guest = Guest()
    connection = guest.connection()
    ours, script = await pair()
    script.send(GREETING)
    connecting = asyncio.create_task(connection.connect(ours, within(60)))
    assert (await script.read())["execute"] == "qmp_capabilities"
    script.send({"return": {}})
    await connecting
    try:
        yield connection, script, guest
    finally:
        await connection.close()
        script.writer.close()


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_command_gives_back_what_qemu_answers(tmp_path: Path, new_loop: Any) -> None:
    async def work() -> None:
        async with qemu(tmp_path) as (_, path):
            connection = Guest().connection()
            await connection.connect(path, within(60))
            assert connection.version[0] >= 7
            assert (await connection.execute("query-status", deadline=within(60)))["running"] is False
            assert connection.unanswered == []
            await connection.close()

    run(work(), new_loop)


def test_human_monitor_text_comes_back_as_it_was_printed(tmp_path: Path) -> None:
    async def work() -> None:
        async with qemu(tmp_path) as (_, path):
            connection = Guest().connection()
            await connection.connect(path, within(60))
            assert (await connection.hmp("info status", deadline=within(60))).startswith("VM status: paused")
            await connection.close()

    run(work())


def test_a_refusal_has_the_class_and_the_words_of_qemu(tmp_path: Path) -> None:
    async def work() -> None:
        async with qemu(tmp_path) as (_, path):
            connection = Guest().connection()
            await connection.connect(path, within(60))
            with pytest.raises(
                MonitorFailure, match=r"command 'fly' of web: The command fly has not been found"
            ) as caught:
                await connection.execute("fly", deadline=within(60))
            assert caught.value.qmp_class == "CommandNotFound"
            assert caught.value.object == "web"
            await connection.close()

    run(work())


def test_arguments_that_qemu_cannot_parse_cost_the_command_and_not_the_connection(tmp_path: Path) -> None:
    async def work() -> None:
        async with qemu(tmp_path) as (_, path):
            connection = Guest().connection()
            await connection.connect(path, within(60))
            with pytest.raises(MonitorFailure, match="JSON parse error"):
                await connection.hmp("info \udc80", deadline=within(60))
            deep: dict[str, Any] = {}
            for _ in range(2000):
                deep = {"a": deep}
            for arguments in ({"a": b""}, deep):
                with pytest.raises(InvalidArgument):
                    await connection.execute("query-status", arguments, deadline=within(60))
            assert (await connection.execute("query-status", deadline=within(60)))["running"] is False
            await connection.close()

    run(work())


def test_events_carry_the_time_of_qemu_and_come_before_a_later_answer(tmp_path: Path) -> None:
    async def work() -> None:
        async with qemu(tmp_path) as (_, path):
            guest = Guest()
            connection = guest.connection()
            await connection.connect(path, within(60))
            await connection.execute("cont", deadline=within(60))
            await connection.execute("stop", deadline=within(60))
            assert [event.name for event in guest.events] == ["RESUME", "STOP"]
            assert guest.events[0].seconds > 1_600_000_000
            assert 0 <= guest.events[0].microseconds < 1_000_000
            await connection.close()

    run(work())


def test_a_frozen_guest_times_out_by_name_and_works_again_when_continued(tmp_path: Path) -> None:
    async def work() -> None:
        async with qemu(tmp_path) as (process, path):
            connection = Guest().connection()
            await connection.connect(path, within(60))
            process.send_signal(signal.SIGSTOP)
            with pytest.raises(OperationTimeout, match=r"QEMU of web did not answer 'stop' within 0\.3 s$") as first:
                await connection.execute("stop", deadline=within(0.3))
            assert (first.value.object, first.value.holder) == ("web", "stop")
            with pytest.raises(OperationTimeout, match=r"'cont' within 0\.3 s \(not sent: 'stop' has had no answer"):
                await connection.execute("cont", deadline=within(0.3))
            assert connection.unanswered == ["stop"]
            waiting = asyncio.create_task(connection.execute("query-status", deadline=within(60)))
            process.send_signal(signal.SIGCONT)
            assert (await waiting)["running"] is False
            assert connection.unanswered == []
            await connection.close()

    run(work())


def test_closing_a_frozen_guest_does_not_wait_for_it(tmp_path: Path) -> None:
    async def work() -> None:
        async with qemu(tmp_path) as (process, path):
            guest = Guest()
            connection = guest.connection()
            await connection.connect(path, within(60))
            process.send_signal(signal.SIGSTOP)
            big = asyncio.create_task(connection.hmp("x" * 4_000_000, deadline=within(60)))
            await asyncio.sleep(0)
            async with asyncio.timeout(30):
                await connection.close()
            with pytest.raises(OperationFailed, match="'human-monitor-command' has no answer"):
                await big
            assert guest.reasons == []

    run(work())


def test_connecting_to_a_frozen_guest_ends_at_its_deadline_and_can_be_tried_again(tmp_path: Path) -> None:
    async def work() -> None:
        async with qemu(tmp_path) as (process, path):
            connection = Guest().connection()
            await connection.connect(path, within(60))
            await connection.close()
            process.send_signal(signal.SIGSTOP)
            with pytest.raises(OperationTimeout, match="web"):
                await connection.connect(path, within(0.05))
            process.send_signal(signal.SIGCONT)
            await connection.connect(path, within(60))
            await connection.close()

    run(work())


def test_a_killed_qemu_is_reported_once_and_fails_what_waits(tmp_path: Path) -> None:
    async def work() -> None:
        async with qemu(tmp_path) as (process, path):
            guest = Guest()
            connection = guest.connection()
            await connection.connect(path, within(60))
            process.send_signal(signal.SIGSTOP)
            waiting = [asyncio.create_task(connection.execute("stop", deadline=within(60))) for _ in range(3)]
            await asyncio.sleep(0)
            process.send_signal(signal.SIGKILL)
            for command in waiting:
                with pytest.raises(OperationFailed, match="the monitor of web is closed"):
                    await command
            await guest.disconnected.wait()
            assert not connection.connected
            with pytest.raises(OperationFailed):
                await connection.execute("stop", deadline=within(60))
            assert len(guest.reasons) == 1

    run(work())


@pytest.mark.parametrize("new_loop", LOOPS)
def test_descriptors_travel_with_their_command(tmp_path: Path, new_loop: Any) -> None:
    async def work() -> None:
        async with qemu(tmp_path) as (_, path):
            connection = Guest().connection()
            await connection.connect(path, within(60))
            with (tmp_path / "disk").open("wb") as file:
                added = await asyncio.gather(
                    *(
                        connection.execute("add-fd", {"fdset-id": number}, deadline=within(60), fds=[file.fileno()])
                        for number in range(5)
                    ),
                    connection.execute("query-status", deadline=within(60)),
                )
            assert [answer["fdset-id"] for answer in added[:5]] == [0, 1, 2, 3, 4]
            assert len(await connection.execute("query-fdsets", deadline=within(60))) == 5
            await connection.close()

    run(work(), new_loop)


@pytest.mark.parametrize("new_loop", LOOPS)
def test_descriptors_follow_commands_that_the_socket_has_not_taken_yet(tmp_path: Path, new_loop: Any) -> None:
    async def work() -> None:
        async with qemu(tmp_path) as (_, path):
            connection = Guest().connection()
            peer = connect_unix(path)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            await connection.connect(peer, within(60))
            big = asyncio.create_task(connection.hmp("help " + "x" * 40_000, deadline=within(60)))
            await asyncio.sleep(0)
            with open(os.devnull) as file:  # noqa: ASYNC230
                added = await connection.execute("add-fd", deadline=within(60), fds=[file.fileno()])
            assert added["fdset-id"] == 0
            await big
            await connection.close()

    run(work(), new_loop)


def test_nobody_listening_is_a_system_failure(tmp_path: Path) -> None:
    async def work() -> None:
        with pytest.raises(SystemFailure, match="absent"):
            await Guest().connection().connect(tmp_path / "absent", within(60))

    run(work())


def test_a_peer_that_hangs_up_instead_of_greeting_is_an_error() -> None:
    async def work() -> None:
        guest = Guest()
        ours, script = await pair()
        script.writer.close()
        with pytest.raises(OperationFailed, match="QEMU of web closed its monitor: end of file"):
            await guest.connection().connect(ours, within(60))
        assert ours.fileno() == -1
        assert guest.reasons == []

    run(work())


def test_a_peer_that_hangs_up_right_after_negotiation_is_an_error_or_a_disconnect() -> None:
    async def work() -> None:
        guest = Guest()
        ours, script = await pair()
        script.send(GREETING, {"return": {}})
        script.writer.close()
        with pytest.raises(OperationFailed, match="closed its monitor"):
            await guest.connection().connect(ours, within(60))

    run(work())


@pytest.mark.parametrize("greeting", [{"hello": 1}, {"QMP": {}}, {"QMP": 3}])
def test_a_greeting_that_is_not_qmp_is_an_error(greeting: dict[str, Any]) -> None:
    async def work() -> None:
        ours, script = await pair()
        script.send(greeting)
        with pytest.raises(OperationFailed, match="closed its monitor"):
            await Guest().connection().connect(ours, within(60))
        script.writer.close()

    run(work())


def test_an_event_before_the_answer_to_the_negotiation_is_delivered() -> None:
    async def work() -> None:
        guest = Guest()
        connection = guest.connection()
        ours, script = await pair()
        script.send(GREETING, {"event": "RTC_CHANGE", "data": {"offset": 1}}, {"return": {}})
        await connection.connect(ours, within(60))
        assert guest.events == [QmpEvent("RTC_CHANGE", {"offset": 1}, 0, 0)]
        await connection.close()
        script.writer.close()

    run(work())


def test_an_answer_and_the_end_in_one_piece_are_both_seen() -> None:
    async def work() -> None:
        async with scripted() as (connection, script, guest):
            quit_ = asyncio.create_task(connection.execute("quit", deadline=within(60)))
            behind = asyncio.create_task(connection.execute("stop", deadline=within(60)))
            asked = await script.reader.readuntil(b"}")
            script.send({"return": {}, "id": json.loads(asked)["id"]}, {"event": "SHUTDOWN"})
            script.writer.close()
            assert await quit_ == {}
            with pytest.raises(OperationFailed):
                await behind
            await guest.disconnected.wait()
            assert guest.reasons == ["end of file"]
            assert [event.name for event in guest.events] == ["SHUTDOWN"]

    run(work())


def test_answers_nobody_asked_for_are_dropped() -> None:
    async def work() -> None:
        async with scripted() as (connection, script, guest):
            script.send({"return": {}, "id": "stranger"}, {"error": {"class": "X", "desc": "y"}, "id": "other"})
            asking = asyncio.create_task(connection.execute("query-status", deadline=within(60)))
            script.send({"return": 7, "id": (await script.read())["id"]})
            assert await asking == 7
            assert guest.reasons == []

    run(work())


def test_what_is_not_json_ends_the_connection() -> None:
    async def work() -> None:
        async with scripted() as (connection, script, guest):
            script.writer.write(b"garbage\r\n")
            await guest.disconnected.wait()
            assert len(guest.reasons) == 1
            assert not connection.connected

    run(work())


def test_a_failing_event_handler_does_not_end_the_connection() -> None:
    async def work() -> None:
        seen: list[str] = []

        def on_event(event: QmpEvent) -> None:
            seen.append(event.name)
            raise ValueError(event.name)

        connection = QmpConnection("web", on_event)
        ours, script = await pair()
        script.send(GREETING, {"return": {}}, {"event": "STOP"})
        await connection.connect(ours, within(60))
        asking = asyncio.create_task(connection.execute("query-status", deadline=within(60)))
        await script.read()
        script.send({"event": "RESUME"}, {"return": 1, "id": "__qmp#00000"})
        assert await asking == 1
        assert seen == ["STOP", "RESUME"]
        await connection.close()
        script.writer.close()

    run(work())


def test_a_cancelled_command_is_late_until_it_is_answered() -> None:
    async def work() -> None:
        async with scripted() as (connection, script, _):
            cancelled = asyncio.create_task(connection.execute("migrate", deadline=within(60)))
            id = (await script.read())["id"]
            cancelled.cancel()
            await asyncio.wait((cancelled,))
            assert connection.unanswered == ["migrate"]
            script.send({"return": {}, "id": id})
            asking = asyncio.create_task(connection.execute("query-status", deadline=within(60)))
            script.send({"return": 1, "id": (await script.read())["id"]})
            assert await asking == 1
            assert connection.unanswered == []

    run(work())


def test_a_deadline_that_has_passed_sends_nothing() -> None:
    async def work() -> None:
        async with scripted() as (connection, _script, _guest):
            with pytest.raises(OperationTimeout):
                await connection.execute("system_reset", deadline=within(-1))
            assert connection.unanswered == []

    run(work())


def test_a_connection_made_before_qemu_runs_is_greeted_when_it_does(tmp_path: Path) -> None:
    async def work() -> None:
        path = tmp_path / "monitor.sock"
        connection = Guest().connection()
        with listen_unix(path) as listener:
            connecting = asyncio.create_task(connection.connect(connect_unix(path), within(60)))
            argv = [*QEMU, *monitor_arguments(listener.fileno())]
            process = await spawn(Launch(argv, tmp_path / "log", allowed_environment(), fds=(listener.fileno(),)))
        await connecting
        await connection.close()
        await process.kill()

    run(work())
