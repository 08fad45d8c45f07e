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


class Saved(NamedTuple):
    """A guest in a file: its name, the title of its document, and what it is to be when it is restored."""

    name: str
    title: str | None
    power: Power


class Fact(NamedTuple):
    """One state: ``title`` is the persistent definition's, None where there is none; ``live`` is the running guest's.

    ``name`` is empty where there is no such domain; ``image`` is what its next start goes on from, ``file`` what was
    saved to a file of its client's.
    """

    title: str | None = None
    autostart: bool = False
    power: Power = Power.OFF
    live: str | None = None
    name: str = ""
    image: Saved | None = None
    file: Saved | None = None

    @property
    def exists(self) -> bool:
        return self.title is not None or self.power is not Power.OFF


NOTHING = Fact()

Step = Callable[[Fact], Fact]
"""What a change leads to, or has led to on its way; from one that cannot be done it leads to where it began."""


@dataclass
class Guest:
    """``pid`` is that of its QEMU where that is certain; ``frozen`` says that we have stopped that process.

    ``killed`` that we have killed one, of which the daemon may not have heard. ``devices`` are in its document.
    """

    name: str
    devices: str = ""
    cannot_be_saved: bool = False
    possible: set[Fact] = field(default_factory=lambda: {NOTHING})
    pid: int | None = None
    frozen: bool = False
    killed: bool = False

    @property
    def uuid(self) -> str:
        return str(uuid.uuid5(NAMESPACE, self.name))

    @property
    def known(self) -> Fact | None:
        """The state it is in, None where there are several."""
        return next(iter(self.possible)) if len(self.possible) == 1 else None

    @property
    def names(self) -> tuple[str, str]:
        """The two names that it has by turns."""
        return self.name, f"{self.name}-renamed"

    @property
    def current_name(self) -> str:
        """What it is called, or would be if there were one."""
        return next((fact.name for fact in self.possible if fact.exists), self.name)

    @property
    def is_off(self) -> bool:
        return all(fact.power is Power.OFF for fact in self.possible)

    def happened(self, *steps: Step) -> None:
        """The last of these has been taken; each leads there from where it began."""
        self.possible = {steps[-1](fact) for fact in self.possible}

    def may_have_happened(self, *steps: Step) -> None:
        """Any of these may be how far it came."""
        self.possible = self.possible | {step(fact) for fact in self.possible for step in steps}


def _one(fact: Fact) -> Fact:
    """A domain without definition and guest is gone, and has no name; a file is the client's."""
    return fact if fact.exists else NOTHING._replace(file=fact.file)


def defined(title: str, name: str) -> Step:
    return lambda fact: fact._replace(title=title, name=name)


def without_image(fact: Fact) -> Fact:
    return fact._replace(image=None)


def unmarked(fact: Fact) -> Fact:
    return fact._replace(image=None, autostart=False)


def undefined(fact: Fact) -> Fact:
    return _one(fact._replace(title=None, autostart=False, image=None))


def retitled(title: str) -> Step:
    return lambda fact: fact._replace(title=title) if fact.title is not None else fact


def retitled_live(title: str) -> Step:
    return lambda fact: fact._replace(live=title) if fact.power is not Power.OFF else fact


def retitled_both(title: str) -> Step:
    return lambda fact: retitled(title)(retitled_live(title)(fact))


def renamed(name: str) -> Step:
    return lambda fact: fact._replace(name=name) if fact.title is not None else fact


def marked(autostart: bool) -> Step:
    return lambda fact: fact._replace(autostart=autostart) if fact.title is not None else fact


def created(name: str, title: str) -> Step:
    """Started paused, of a document that is nowhere else."""
    return lambda fact: fact._replace(name=name, power=Power.PAUSED, live=title)


def started(paused: bool) -> Step:
    """Started as defined, or from the image, as which it then goes on."""

    def start(fact: Fact) -> Fact:
        if fact.power is not Power.OFF or fact.title is None:
            return fact
        saved = fact.image or Saved(fact.name, fact.title, Power.RUNNING)
        return fact._replace(power=Power.PAUSED if paused else saved.power, live=saved.title, image=None)

    return start


def restored(fact: Fact) -> Fact:
    """Started from the file of its client's."""
    if fact.file is None or fact.power is not Power.OFF:
        return fact
    return fact._replace(power=fact.file.power, live=fact.file.title, name=fact.file.name)


def off(fact: Fact) -> Fact:
    return _one(fact._replace(power=Power.OFF, live=None))


def moved(power: Power) -> Step:
    """Suspended or resumed: nothing happens to what is off."""
    return lambda fact: fact if fact.power is Power.OFF else fact._replace(power=power)


def put_into_image(fact: Fact) -> Fact:
    if fact.power is Power.OFF or fact.title is None:
        return fact
    return off(fact._replace(image=Saved(fact.name, fact.live, fact.power)))


def put_into_file(fact: Fact) -> Fact:
    return fact if fact.power is Power.OFF else off(fact._replace(file=Saved(fact.name, fact.live, fact.power)))


def taken_up_by_its_definition(fact: Fact) -> Fact:
    """Its status is damaged."""
    return fact._replace(live=fact.title)
