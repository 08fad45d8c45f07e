"""What guests do while no daemon runs is told by the next one, beside their life."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import guest
from virtactor.client.domain import events as kinds
from virtactor.wire.documents.domain import parse_domain
from virtactor.wire.enums.domain_events import (
    ConnectDomainEventAgentLifecycleReason,
    ConnectDomainEventAgentLifecycleState,
)

from .guests import AGENT, Shell, linux
from .virtactord import PATIENCE, Virtactord, wait_until

BALLOON = "<memballoon model='virtio'/>"
WANTED = 80 * 1024  # KiB
OPEN_CHANNEL = b"exec 4<>/dev/virtio-ports/org.qemu.guest_agent.0\n"


class Monitor:
    """A guest's monitor, which is free while no daemon runs."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rw")
        self._file.readline()
        self.ask("qmp_capabilities")

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, command: str, **arguments: Any) -> Any:
        self._file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._file.flush()
        while "event" in (answer := json.loads(self._file.readline())):
            continue
        return answer["return"]


def test_an_agent_and_a_balloon_that_moved_meanwhile_are_told_of(daemon: Virtactord, guest_image: guest.Guest) -> None:
    with daemon.connect() as host:
        domain = host.domains.create(linux(guest_image, "g", AGENT + BALLOON))
        with Shell(domain) as shell:
            shell.boots()
        terminal = parse_domain(domain.xml()).devices.serials[0].source_path
        assert terminal is not None
        with host.events(types=[kinds.AgentLifecycle, kinds.BalloonChange], timeout=PATIENCE) as events:
            daemon.kill()
            monitor = Monitor(daemon.run / f"{domain.uuid}.monitor")
            monitor.ask("balloon", value=WANTED * 1024)
            fd = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
            os.write(fd, OPEN_CHANNEL)
            wait_until(
                lambda: any(
                    each["frontend-open"] for each in monitor.ask("query-chardev") if "channel" in each["label"]
                )
            )
            wait_until(lambda: monitor.ask("query-balloon")["actual"] == WANTED * 1024)
            os.close(fd)
            monitor.close()
            daemon.start()
            told = [
                event for event in (next(events), next(events), next(events)) if isinstance(event, kinds.DomainEvent)
            ]
        assert [type(event) for event in told] == [kinds.AgentLifecycle, kinds.BalloonChange]
        agent, balloon = told
        assert isinstance(agent, kinds.AgentLifecycle)
        assert isinstance(balloon, kinds.BalloonChange)
        assert agent.state == ConnectDomainEventAgentLifecycleState.CONNECTED
        assert agent.reason == ConnectDomainEventAgentLifecycleReason.CHANNEL
        assert balloon.actual == WANTED
        assert parse_domain(host.domains["g"].xml()).current_memory == WANTED
