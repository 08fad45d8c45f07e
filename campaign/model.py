"""What is known of a guest: every state it may be in, by what its one client was answered.

An answer leaves one state, a refusal leaves them as they were, and no answer at all (the daemon died, the deadline
passed) leaves those before the change, those after it and those on the way.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

NAMESPACE = uuid.UUID("6c9a5c3e-0d0f-4a51-9d3c-6a5b1f0f2a11")


class Power(Enum):
    OFF = "off"
    RUNNING = "running"
    PAUSED = "paused"


class Fact(NamedTuple):
    """One state: ``title`` is the persistent definition's, None where there is none."""

    title: str | None
    autostart: bool
    power: Power

    @property
    def exists(self) -> bool:
        return self.title is not None or self.power is not Power.OFF


NOTHING = Fact(None, False, Power.OFF)

Step = Callable[[Fact], Fact]
"""One thing that a change does; from one that cannot be done it leads to where it began."""


@dataclass
class Guest:
    """``pid`` is that of its QEMU where that is certain; ``frozen`` says that we have stopped that process."""

    name: str
    possible: set[Fact] = field(default_factory=lambda: {NOTHING})
    pid: int | None = None
    frozen: bool = False

    @property
    def uuid(self) -> str:
        return str(uuid.uuid5(NAMESPACE, self.name))

    @property
    def known(self) -> Fact | None:
        """The state it is in, None where there are several."""
        return next(iter(self.possible)) if len(self.possible) == 1 else None

    def happened(self, *steps: Step) -> None:
        for step in steps:
            self.possible = {step(fact) for fact in self.possible}

    def may_have_happened(self, *steps: Step) -> None:
        now = self.possible
        for step in steps:
            now = {step(fact) for fact in now}
            self.possible = self.possible | now


def defined(title: str) -> Step:
    return lambda fact: fact._replace(title=title)


def undefined(fact: Fact) -> Fact:
    return fact._replace(title=None, autostart=False)


def retitled(title: str) -> Step:
    return lambda fact: fact._replace(title=title) if fact.title is not None else fact


def marked(autostart: bool) -> Step:
    return lambda fact: fact._replace(autostart=autostart) if fact.title is not None else fact


def powered(power: Power) -> Step:
    return lambda fact: fact._replace(power=power)


def moved(power: Power) -> Step:
    """Suspended or resumed: nothing happens to what is off."""
    return lambda fact: fact if fact.power is Power.OFF else fact._replace(power=power)
