"""Real QEMUs for tests of the command line: started, waiting, asked by their monitors, and ended."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from virtactor.actors.drivers.qemu.capabilities import Capabilities, ask
from virtactor.actors.drivers.qemu.command_line import (
    build_command_line,
    companions,
    listens_for,
    served,
    supposed_resources,
)
from virtactor.actors.drivers.qemu.command_line.companion import ELSEWHERE
from virtactor.wire.documents.domain import Device, DomainDefinition, Input

from .....system.corpus.images import kernel

QEMU = shutil.which("qemu-system-x86_64")
PATIENCE = 60.0  # seconds


@dataclass
class Monitor:
    """A QEMU's monitor."""

    stream: BinaryIO

    def execute(self, command: str, arguments: dict[str, Any] | None = None) -> Any:
        """The answer to a command, events passed over."""
        message = {"execute": command} | ({"arguments": arguments} if arguments else {})
        self.stream.write(json.dumps(message).encode() + b"\n")
        self.stream.flush()
        for line in self.stream:
            answer = json.loads(line)
            if "event" not in answer:
                assert "return" in answer, answer
                return answer["return"]
        raise AssertionError("the monitor closed")


class Starter:
    """Starts QEMUs, each with its monitor on a socket that listens before, and ends them and their companions all."""

    def __init__(self, folder: Path, capabilities: Capabilities) -> None:
        self._folder = folder
        self._capabilities = capabilities
        self._processes: list[subprocess.Popen[bytes]] = []
        self._sockets: list[socket.socket] = []
        self._guests = 0

    def start(self, definition: DomainDefinition) -> Monitor:
        self._guests += 1
        monitor = self._listen("monitor")
        client = socket.socket(socket.AF_UNIX)
        self._sockets.append(client)
        client.settimeout(PATIENCE)
        client.connect(monitor.getsockname())
        given = [monitor]
        sockets = self._listeners([str(each.alias) for each in definition.devices.channels if listens_for(each)], given)
        resources = dataclasses.replace(
            supposed_resources(definition),
            monitor=monitor.fileno(),
            sockets={name: each.fileno() for name, each in sockets.items()},
            companions=self._companions(definition),
            spice_port=free_port(),
            display_socket=self._folder / f"{self._guests}.display",
            memory_directory=self._folder,
            pid_file=self._folder / f"a,{self._guests}.pid",
        )
        argv = build_command_line(definition, self._capabilities, resources)
        process = self._spawn(argv, [each.fileno() for each in given])
        for each in given:
            each.close()
        try:
            return self._greeted(client)
        except (ValueError, OSError):
            assert process.stderr is not None
            pytest.fail(process.stderr.read().decode())

    def _companions(self, definition: DomainDefinition) -> dict[str, Path]:
        """Start what runs beside QEMU; where each is reached."""
        given: list[socket.socket] = []
        listeners = self._listeners(served(definition), given)
        descriptors = {name: each.fileno() for name, each in listeners.items()}
        states = self._folder / f"{self._guests}.states"
        for each in companions(definition, descriptors, states):
            if each.directory is not None:
                each.directory.mkdir(parents=True)
            program = shutil.which(each.argv[0], path=os.pathsep.join([os.environ["PATH"], *ELSEWHERE]))
            if program is None:
                pytest.skip(f"there is no {each.argv[0]}")
            self._spawn([program, *each.argv[1:]], [descriptors[each.alias]])
        places = {name: Path(each.getsockname()) for name, each in listeners.items()}
        for each in given:
            each.close()
        return places

    def _listeners(self, names: list[str], given: list[socket.socket]) -> dict[str, socket.socket]:
        listeners = {name: self._listen(name) for name in names}
        given += listeners.values()
        return listeners

    def _listen(self, name: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        self._sockets.append(listener)
        listener.bind(str(self._folder / f"{self._guests}.{name}"))
        listener.listen(1)
        return listener

    def _spawn(self, argv: list[str], descriptors: list[int]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            argv, pass_fds=descriptors, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self._processes.append(process)
        return process

    def _greeted(self, client: socket.socket) -> Monitor:
        stream = client.makefile("rwb")
        monitor = Monitor(stream)  # type: ignore[arg-type]
        assert "QMP" in json.loads(stream.readline())
        monitor.execute("qmp_capabilities")
        return monitor

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.communicate()
        for each in self._sockets:
            each.close()


def free_port() -> int:
    """A TCP port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def aliases(definition: DomainDefinition) -> set[str | None]:
    """The devices that QEMU should know by name: those that the machine does not bring along."""
    devices = definition.devices
    builtin: set[Device] = {each for each in devices.controllers if each.type == "pci" and each.index == 0}
    builtin |= {each for each in devices.controllers if each.alias == "ide"}
    builtin |= {each for each in devices.controllers if each.type == "fdc" and "i440fx" in str(definition.os.machine)}
    builtin |= {each for each in devices.consoles if each.target_type == "serial"}
    builtin |= {each for each in devices.channels if each.target_type == "guestfwd"}
    builtin |= {each for each in devices if isinstance(each, Input) and (each.bus == "ps2" or each.type == "evdev")}
    builtin |= {devices.memballoon} if devices.memballoon and devices.memballoon.model == "none" else set()
    builtin |= {each for each in devices.sounds if each.model == "pcspk"}
    builtin |= {each for each in devices.watchdogs if each.model == "itco"}
    builtin |= {each for each in devices.panics if each.model == "hyperv"}
    return {each.alias for each in devices if each not in builtin}


@pytest.fixture(scope="session")
def qemu() -> Capabilities:
    """What the host's QEMU can do. Skips where there is none."""
    if QEMU is None:
        pytest.skip("there is no qemu-system-x86_64")
    return asyncio.run(ask(QEMU))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with images, a kernel and a firmware; its name has a comma."""
    folder = tmp_path_factory.mktemp("guest,files")
    for name in ("a,b.raw", "b.raw", "c.iso"):
        (folder / name).touch()
        os.truncate(folder / name, 1 << 20)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", folder / "a.qcow2", "1M"], check=True)
    (folder / "kernel").write_bytes(kernel())
    (folder / "share").mkdir()
    (folder / "initrd").write_bytes(b"\0" * 512)
    (folder / "bios").write_bytes(bytes(64 * 1024))
    return folder


@pytest.fixture
def starter(root: Path, qemu: Capabilities) -> Iterator[Starter]:
    """Starts QEMUs, which end with the test."""
    starter = Starter(root, qemu)
    yield starter
    starter.stop()
