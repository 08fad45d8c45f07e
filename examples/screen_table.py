"""The demo's screen on a terminal: the stages with a progress bar, and the live table of the guests."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text
from screen import Screen, Stage, all_together

REDRAWS_PER_SECOND = 8


class Table(Screen):
    """The stages with their times and a progress bar, and below them the guests; drawn in place."""

    COLOURS = {"running": "green", "paused": "yellow", "crashed": "bold red"}
    NARROW = 64

    def open(self) -> None:
        self._console = Console()
        self._live = Live(
            console=self._console, get_renderable=self._picture, refresh_per_second=REDRAWS_PER_SECOND, transient=True
        )
        self._live.start()

    def close(self) -> None:
        self._live.stop()
        self._console.print(Group(self._heading(), self._stages(finished=True)))

    def _picture(self) -> RenderableType:
        with self._lock:
            # The guests are the last: a terminal that is too low loses some of them, not the progress.
            return Group(self._heading(), self._stages(), "", self._guests())

    def _heading(self) -> RenderableType:
        return _one_line(self.heading, "italic")

    def _stages(self, finished: bool = False) -> RenderableType:
        grid = Grid(box=None, show_header=False, padding=(0, 2, 0, 0))
        grid.add_column()  # alone without no_wrap: it is the one that gives way
        grid.add_column(no_wrap=True, justify="right")
        grid.add_column(no_wrap=True)
        for stage in self.stages:
            if stage.began is not None or not finished:
                grid.add_row(_one_line(stage.title), *self._progress(stage), style=_style(stage))
        if finished:
            grid.add_row("all together", f"{all_together(self.stages):.2f} s", style="bold")
        return grid

    def _progress(self, stage: Stage) -> tuple[str, RenderableType]:
        if stage.began is None:
            return "", ""
        seconds = f"{stage.seconds:.2f} s"
        if not stage.runs:
            return seconds, "FAILED" if stage.failed else ""
        bar = ProgressBar(
            total=self.total if stage.done else None, completed=stage.done, width=24, pulse=not stage.done
        )
        count = f"{stage.done} of {self.total}" if stage.done else ""
        if self._console.width < self.NARROW:
            return seconds, count
        both = Grid.grid(padding=(0, 1, 0, 0))
        both.add_row(bar, count)
        return seconds, both

    def _guests(self) -> RenderableType:
        wide = self._console.width >= self.NARROW
        grid = Grid(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for title in ("guest", "state", *(["QEMU"] if wide else [])):
            grid.add_column(title, no_wrap=True)
        grid.add_column("console")
        for name, guest in sorted(self.guests.items(), key=lambda item: (len(item[0]), item[0])):
            state = f"[{colour}]{guest.state}[/]" if (colour := self.COLOURS.get(guest.state)) else guest.state
            grid.add_row(name, state, *([guest.pid] if wide else []), _one_line(guest.said))
        return grid


def _one_line(text: str, style: str = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def _style(stage: Stage) -> str:
    if stage.failed:
        return "bold red"
    return "bold" if stage.runs else "" if stage.took is not None else "dim"
