"""What a client is told of guests beside their life, and what their QEMUs are told directly."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from virtactor.client import Domain, Host
from virtactor.client.domain import events as kinds
from virtactor.client.events import Event

from .virtactord import PATIENCE, said

EVERYTHING = [Event, *kinds.KIND_OF]
# What of an event goes without saying.
COMMON = ("sequence", "when", "domain")


class Told:
    """Everything that is told of all domains from now on."""

    def __init__(self, host: Host) -> None:
        self.events = host.events(types=EVERYTHING)
        # The last of each kind that `until` has read over.
        self.latest: dict[type[Any], Any] = {}

    def next(self, kind: type[Any]) -> Any:
        """The next event of a kind."""
        while not isinstance(event := self.events.get(PATIENCE), kind):
            assert event is not None, f"no {kind.__name__} was told"
        return event

    def fields(self, kind: type[Any]) -> dict[str, Any]:
        event = self.next(kind)
        return {each.name: getattr(event, each.name) for each in dataclasses.fields(event) if each.name not in COMMON}

    def until(self, last: str) -> list[str]:
        """What is told until this, which is told last: of the life as in "STARTED BOOTED", else the kinds' names."""
        seen: list[str] = []
        while last not in seen[-1:]:
            event = self.events.get(PATIENCE)
            assert event is not None, f"{last} was not told, but {seen}"
            self.latest[type(event)] = event
            seen.append(said(event) if isinstance(event, Event) else type(event).__name__)
        return seen


def qmp(domain: Domain, command: str, **arguments: Any) -> Any:
    """What a guest's QEMU answers to a command."""
    answer = json.loads(domain.monitor_command(json.dumps({"execute": command, "arguments": arguments})))
    assert "error" not in answer, answer
    return answer["return"]
