"""What the demo shows: a live table and a progress bar on a terminal, plain lines anywhere else.

A Screen keeps what there is to see, the stages and the guests, and is told of every change from any thread. `Lines`
prints each change once, `Table` (screen_table.py) draws the whole picture again and again; both end with the table of
times.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


class Stage:
    """One step of what is shown: a context that takes its time, and counts the guests that are through."""

    def __init__(self, screen: Screen, title: str) -> None:
        self._screen = screen
        self.title = title
        self.done = 0
        self.began: float | None = None
        self.took: float | None = None
        self.failed = False

    def __enter__(self) -> Self:
        self.began = time.monotonic()
        self._screen.stage_begins(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.took = self.seconds
        self.failed = error is not None
        self._screen.stage_ends(self)

    @property
    def seconds(self) -> float:
        """How long it took, or has taken until now."""
        if self.began is None:
            return 0.0
        return self.took if self.took is not None else time.monotonic() - self.began

    @property
    def runs(self) -> bool:
        return self.began is not None and self.took is None


@dataclass
class Guest:
    """A row of the table."""

    state: str = ""
    pid: str = ""
    said: str = ""


@dataclass
class Screen:
    """What there is to see: `total` guests go through the stages. A context; when it ends, so does the picture."""

    heading: str
    total: int
    stages: list[Stage] = field(default_factory=list)
    guests: dict[str, Guest] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def plan(self, titles: list[str]) -> list[Stage]:
        """Say which stages there will be; they are in the picture from the beginning."""
        self.stages = [Stage(self, title) for title in titles]
        return self.stages

    def state(self, name: str, state: str) -> None:
        """A guest's state is this now."""
        self._note(name, state, state=state)

    def pid(self, name: str, pid: int) -> None:
        """A guest's QEMU has this number."""
        self._note(name, f"QEMU {pid}", pid=str(pid))

    def heard(self, name: str, line: str) -> None:
        """A guest printed this on its console, as it does all the time: something to see, but no news."""
        with self._lock:
            self.guests.setdefault(name, Guest()).said = "".join(filter(str.isprintable, line))

    def said(self, name: str, line: str) -> None:
        """A guest printed the line that was waited for."""
        self._note(name, f"says '{line}'", said=line)

    def advance(self) -> None:
        """One more guest is through the present stage."""
        with self._lock:
            for stage in self.stages:
                stage.done += stage.runs

    def _note(self, name: str, news: str, **facts: str) -> None:
        with self._lock:
            guest = self.guests.setdefault(name, Guest())
            vars(guest).update(facts)
            self.guest_changed(name, news)

    # What the two kinds do differently.

    def open(self) -> None: ...

    def stage_begins(self, stage: Stage) -> None: ...

    def stage_ends(self, stage: Stage) -> None: ...

    def guest_changed(self, name: str, news: str) -> None: ...

    def close(self) -> None: ...


class Lines(Screen):
    """A line for each change, without any control codes."""

    def open(self) -> None:
        _print(self.heading)

    def stage_begins(self, stage: Stage) -> None:
        _print(f"{stage.title} ...")

    def stage_ends(self, stage: Stage) -> None:
        counted = f" ({stage.done} of {self.total} guests)" if stage.done else ""
        _print(f"{stage.title}: {'FAILED after ' if stage.failed else ''}{stage.seconds:.2f} s{counted}")

    def guest_changed(self, name: str, news: str) -> None:
        _print(f"    {name}: {news}")

    def close(self) -> None:
        width = max(map(len, [stage.title for stage in self.stages]), default=0)
        _print("")
        for stage in self.stages:
            if stage.took is not None:
                _print(f"{stage.title:{width}} {stage.took:8.2f} s{'  FAILED' if stage.failed else ''}")
        _print(f"{'all together':{width}} {all_together(self.stages):8.2f} s")


def screen_for_stdout(heading: str, total: int) -> Screen:
    """A Table where stdout is a terminal that can draw one, else Lines."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        return Lines(heading, total)
    from screen_table import Table  # here, because rich is needed on terminals only

    return Table(heading, total)


def all_together(stages: list[Stage]) -> float:
    """How many seconds the stages took."""
    return sum(stage.seconds for stage in stages)


def _print(line: str) -> None:
    print(line, flush=True)
