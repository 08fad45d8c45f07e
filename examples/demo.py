"""Real Linux guests through virtactor, from their definition to their shutdown: this is `make demo`.

Read it from the top: `main` sets the stage, `Demo.steps` is the story, and each step is one method below it, written
as any program of yours would be. What is on the screen comes from screen.py, the daemon from private_daemon.py, the
guests' kernel from guest/. The exit status is 0 only if every step did what it should.
"""

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import guest as small_guest
from private_daemon import DaemonFailed, PrivateDaemon, Process
from screen import Screen, screen_for_stdout
from virtactor.client import Domain, DomainState, EventsMissed, Host, NoDomain, VirtError, connect
from virtactor.wire.enums.domain import DomainShutdownFlagValues, DomainShutoffReason

LOG_LINES = 15
GUEST = """\
<domain type='{accelerator}'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <os>
    <type machine='pc'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{initrd}</initrd>
    <cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <serial type='pty'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Play the demo. Returns 0 when all went well, 1 when a step failed, 130 after ^C, SIGTERM or SIGHUP."""
    options = parse(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup's wish
            signal.signal(number, signal.default_int_handler)
    with cleaned_up(PrivateDaemon()) as daemon:
        heading = f"{options.guests} Linux guests on {os.cpu_count()} processors, below {daemon.root}"
        try:
            with screen_for_stdout(heading, options.guests) as screen, Demo(options, daemon, screen) as demo:
                demo.play()
        except KeyboardInterrupt:
            print("demo: interrupted", file=sys.stderr)
            return 130
        except Exception as error:
            explain(error, daemon)
            return 1
    print(f"All {options.guests} guests did what they should.")
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Drive some real Linux guests, all at once, through virtactor.")
    parser.add_argument("--guests", type=positive, default=8, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument("--memory", type=positive, default=96, metavar="MIB", help="of each (default: %(default)s)")
    parser.add_argument("--kernel", type=Path, metavar="FILE", help="boot this instead of the small guest's kernel")
    parser.add_argument(
        "--deadline", type=float, default=60, metavar="SECONDS", help="for each step (default: %(default)s)"
    )
    return parser.parse_args(argv)


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


@contextlib.contextmanager
def cleaned_up(daemon: PrivateDaemon) -> Iterator[PrivateDaemon]:
    """In the end nothing is left, come what may; an impatient second ^C does not stop that."""
    try:
        yield daemon
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        daemon.close()


def explain(error: Exception, daemon: PrivateDaemon) -> None:
    """Say why it failed in one line, then what the daemon wrote, up to its end: it may be about to say why."""
    reason = str(error) if isinstance(error, REASONS) else f"{type(error).__name__}: {error}"
    print(f"demo: failed: {' '.join(reason.split())}", file=sys.stderr)
    with contextlib.suppress(DaemonFailed):
        daemon.stop()
    tail = daemon.log_tail(LOG_LINES)
    if tail:
        print("The daemon's log ends with:", *(f"  {line}" for line in tail), sep="\n", file=sys.stderr)


class StepFailed(Exception):
    """A step ran, but what came of it is not what should have."""


REASONS = (VirtError, DaemonFailed, StepFailed, small_guest.BuildFailed)
"""Errors whose text says all; of others, which nobody foresaw, the kind is said too."""


@dataclass(frozen=True)
class Member:
    """A guest of the demo while it runs: its domain, its number there, and the QEMU that it is."""

    domain: Domain
    id: int | None
    qemu: Process


class Demo:
    """The steps and what they share. A context that ends what it has opened; guests and daemon are its caller's."""

    def __init__(self, options: argparse.Namespace, daemon: PrivateDaemon, screen: Screen) -> None:
        self.options = options
        self.deadline: float = options.deadline
        self.daemon = daemon
        self.screen = screen
        self.host: Host
        self.watch: Watch
        self.guests: list[Domain] = []
        self.members: dict[Domain, Member] = {}
        self._open = contextlib.ExitStack()
        self._pool = self._open.enter_context(ThreadPoolExecutor(max_workers=options.guests))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._open.close()

    # The story.

    def steps(self) -> dict[str, Callable[[], None]]:
        return {
            "start the daemon": self.start_the_daemon,
            "define and start all, paused": self.start_the_guests,
            "boot Linux in all": self.boot,
            "pause all": self.pause,
            "resume all": self.resume,
            "kill the daemon, start another": self.kill_the_daemon,
            "find all guests adopted": self.find_adopted,
            "shut down all by ACPI": self.shut_down,
            "undefine all, stop the daemon": self.leave_nothing,
        }

    def play(self) -> None:
        steps = self.steps()
        for stage, step in zip(self.screen.plan(list(steps)), steps.values(), strict=True):
            with stage:
                step()

    def start_the_daemon(self) -> None:
        self.daemon.start(self.deadline)
        self.host = self._open.enter_context(connect("qemu:///system", root=self.daemon.root, deadline=self.deadline))
        self.watch = self._open.enter_context(Watch(self.host, self.screen))
        self._open.callback(self.host.close)  # comes first in the end: it wakes everyone who waits for something

    def start_the_guests(self) -> None:
        """One call for all. Paused, so that nobody misses what a guest says first."""

        def tell(_: str, outcome: Domain | VirtError) -> None:
            if isinstance(outcome, Domain):
                self.screen.advance()

        started = self.host.domains.start_all(self.definitions(), paused=True, transient=False, progress=tell)
        self.guests = list(started.raise_for_failures().domains.values())
        for domain in self.guests:
            self.members[domain] = Member(domain, domain.id, self.daemon.qemu_of(domain.uuid))
            self.screen.pid(domain.name, self.members[domain].qemu.pid)
        self.all_are(DomainState.PAUSED)

    def boot(self) -> None:
        """Open every guest's console, let it run, and read until it says that it is up."""
        end = time.monotonic() + self.deadline

        def until_up(domain: Domain) -> None:
            with domain.open_console() as console:
                domain.resume()
                for line in console.lines(timeout=self.deadline):
                    self.screen.heard(domain.name, line)
                    if line == small_guest.boot_line(domain.name):
                        self.screen.said(domain.name, line)
                        return
                    if time.monotonic() > end:
                        raise StepFailed(f"not up after {self.deadline:g} s, but said: {line}")
            raise StepFailed("ended before it was up")

        self.each(until_up)
        self.all_are(DomainState.RUNNING)

    def pause(self) -> None:
        self.each(Domain.suspend)
        self.all_are(DomainState.PAUSED)

    def resume(self) -> None:
        self.each(Domain.resume)
        self.all_are(DomainState.RUNNING)

    def kill_the_daemon(self) -> None:
        """SIGKILL: it saves nothing and says nothing. Its guests do not notice."""
        self.watch.forget()
        self.daemon.kill()
        self.all_live_on()
        self.daemon.start(self.deadline)

    def find_adopted(self) -> None:
        """The connection is made anew by whoever calls first; the new daemon must know all about the old guests."""

        def check(domain: Domain) -> None:
            before = self.members[domain]
            if domain.refresh().id != before.id:
                raise StepFailed(f"has the number {domain.id} now, it was {before.id}")
            if self.daemon.qemu_of(domain.uuid).pid != before.qemu.pid:
                raise StepFailed("is another process now")
            answer = domain.monitor_command({"execute": "query-status"})
            if answer["return"]["status"] != "running":
                raise StepFailed(f"its QEMU says {answer}")

        self.each(check)
        self.all_live_on()
        self.all_are(DomainState.RUNNING)

    def shut_down(self) -> None:
        """Press every power button, and wait until the guests have switched themselves off."""

        def until_off(domain: Domain) -> None:
            domain.shutdown(DomainShutdownFlagValues.ACPI_POWER_BTN)
            domain.wait(DomainState.SHUTOFF, self.deadline)
            if self.members[domain].qemu.is_alive:
                raise StepFailed("is off, but its QEMU runs")

        self.each(until_off)
        self.all_are(DomainState.SHUTOFF, DomainShutoffReason.SHUTDOWN)

    def leave_nothing(self) -> None:
        self.each(Domain.undefine)
        self.watch.until(self.names, None, self.deadline)
        if left := self.host.domains.list():
            raise StepFailed(f"the daemon still has {left}")
        self.host.close()
        self.daemon.stop()
        if left := [process.pid for process in self.daemon.processes()]:
            raise StepFailed(f"processes are left: {left}")

    # What the steps share.

    @property
    def names(self) -> list[str]:
        return [domain.name for domain in self.guests]

    def definitions(self) -> list[str]:
        image = small_guest.load()
        kinds = ElementTree.fromstring(self.host.capabilities()).findall(".//guest/arch[@name='x86_64']/domain")
        facts = {
            "accelerator": "kvm" if any(kind.get("type") == "kvm" for kind in kinds) else "qemu",
            "memory": self.options.memory,
            "kernel": escape(str((self.options.kernel or image.kernel).absolute())),
            "initrd": escape(str(image.initrd)),
        }
        names = [f"demo-{number}" for number in range(1, self.options.guests + 1)]
        # Not quiet: what the kernels say is to be seen.
        talkative = [image.cmdline_for(name).replace("quiet ", "") for name in names]
        return [
            GUEST.format(name=name, cmdline=escape(cmdline), **facts)
            for name, cmdline in zip(names, talkative, strict=True)
        ]

    def each(self, do: Callable[[Domain], Any]) -> None:
        """Do something with all guests at once, each on a thread of its own; the first failure ends the step.

        What is raised says which guest it was.
        """
        names = {self._pool.submit(do, domain): domain.name for domain in self.guests}
        for done in as_completed(names):
            try:
                done.result()
            except (VirtError, StepFailed) as error:
                raise StepFailed(f"{names[done]}: {error}") from error
            self.screen.advance()

    def all_are(self, state: DomainState, reason: int | None = None) -> None:
        """Every guest is in that state: the events have told so, and the daemon says so when it is asked."""
        self.watch.until(self.names, state, self.deadline)
        for domain in self.guests:
            found = domain.state()
            if found[0] != state or reason not in (None, found[1]):
                raise StepFailed(f"{domain.name}: is {found}, not {state!r}")

    def all_live_on(self) -> None:
        """Every guest is still the process that it was when it started."""
        if dead := [member.domain.name for member in self.members.values() if not member.qemu.is_alive]:
            raise StepFailed(f"the daemon took guests along: {', '.join(dead)}")


class Watch(threading.Thread):
    """Follows the events of all guests, shows their states, and knows them. A context; its end ends the thread."""

    def __init__(self, host: Host, screen: Screen) -> None:
        super().__init__(name="watch", daemon=True)
        self._host = host
        self._screen = screen
        self._events = host.events()
        self._changed = threading.Condition()
        self._states: dict[str, DomainState | int | None] = {}
        self._failure: VirtError | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._events.close()
        self.join()

    def run(self) -> None:
        try:
            for event in self._events:
                # After a restart of the daemon nobody knows what happened in between: all are asked.
                for domain in self._host.domains if isinstance(event, EventsMissed) else [event.domain]:
                    self._take(domain)
        except VirtError as failure:
            with self._changed:
                self._failure = failure
                self._changed.notify_all()

    def until(self, names: Sequence[str], state: DomainState | None, deadline: float) -> None:
        """Wait until all of them are in that state; None is for those that are gone. Raises StepFailed."""

        def missing() -> list[str]:
            return [name for name in names if self._states.get(name, ...) != state]

        with self._changed:
            self._changed.wait_for(lambda: self._failure or not missing(), deadline)
            if self._failure is not None:
                raise self._failure
            if missing():
                wanted = "gone" if state is None else state.name.lower()
                raise StepFailed(f"not {wanted} after {deadline:g} s: {', '.join(missing())}")

    def forget(self) -> None:
        """Know nothing until it is heard again."""
        with self._changed:
            for name in self._states:
                self._screen.state(name, "?")
            self._states.clear()

    def _take(self, domain: Domain) -> None:
        try:
            state = domain.state()[0]
        except NoDomain:
            state = None
        if self._states.get(domain.name, ...) == state:
            return
        self._screen.state(domain.name, "gone" if state is None else getattr(state, "name", str(state)).lower())
        with self._changed:
            self._states[domain.name] = state
            self._changed.notify_all()


if __name__ == "__main__":
    sys.exit(main())
