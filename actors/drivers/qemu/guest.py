"""The QEMU of a domain: jobs in, QMP out, and what QEMU tells turned into states.

The process is the truth. Everything that a guest or its QEMU does by itself arrives as a message (an event of the
monitor, the end of the process) and is turned into a happening of the lifecycle; what a job does to it comes back the
same way and changes nothing twice. A guest that powers itself off leaves QEMU waiting (it runs with -no-shutdown):
the daemon then ends or restarts it, as the definition says.

What a later daemon has to know is on disk before anybody is told of it: a guest has its status file before its start
is answered or shown, and a process without one was never told of to anybody.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import pykka

from ....wire.documents.domain import DomainDefinition
from ....wire.enums.domain import DomainState
from ....wire.errors import MonitorFailure, OperationTimeout, ResourceBusy, UnsupportedConfig, VirtError
from ...call import Call, spanning
from ...commands import Exit
from ...lifecycle import Happening, advance
from ...monitor.monitor import Monitor, MonitorEvent
from ...monitor.qmp import QmpEvent
from ...runtime import Runtime, send
from ..domain import internal_call
from .command_line.machine import check_ends_together
from .guest_monitor import GuestMonitor
from .launch import launch, questions, with_answers, with_channel_state
from .notes import taints
from .opening import Handed
from .process import Process, adopt
from .status import HAPPENED_BY_RUN_STATE, REASONS, Status
from .surroundings import QemuSurroundings
from .unfinished_dumps import until_given_up
from .unfinished_saves import go_on

logger = logging.getLogger("virtactor.qemu")

BYTES_PER_KIB = 1024
# What may follow each end of a guest.
_ACTIONS = {
    "on_poweroff": ("destroy", "restart", "preserve"),
    "on_reboot": ("destroy", "restart"),
    "on_crash": ("destroy", "restart", "preserve", "coredump-destroy", "coredump-restart"),
}


@dataclass(frozen=True, slots=True)
class Load:
    """To a new domain: what the last daemon left of you; ``start`` unless you run."""

    persistent: DomainDefinition | None
    autostart: bool
    status: Status | None
    start: bool = False


@dataclass(frozen=True, slots=True)
class ProcessEnded:
    """A process to its domain."""

    process: Process
    exit: Exit


class Guest(GuestMonitor):
    """A domain whose guest is a QEMU process: its start, its end, its news. The mixins beside this file ask more."""

    def __init__(self, runtime: Runtime, around: QemuSurroundings, name: str, uuid: bytes, text_uuid: str) -> None:
        super().__init__(runtime, around, name, uuid, text_uuid)
        # What the end of the process will mean, when that is known before.
        self._ending: Happening | None = None
        self._why_stopped: Happening | None = None
        self._restarting = False
        self._killing = False
        # What the start that is under way may use of what callers handed over.
        self.handed = Handed()

    # -- messages ------------------------------------------------------------------------------------------------------

    def on_message(self, message: Any) -> Any:
        if isinstance(message, MonitorEvent):
            return self._monitor_event(message)
        if isinstance(message, ProcessEnded):
            return self._process_ended(message)
        if isinstance(message, Load):
            return self._load(message)
        return super().on_message(message)

    def on_stop(self) -> None:
        super().on_stop()
        if self.process is not None:
            self.process.release()
        self.drop_monitor()

    # -- adoption ------------------------------------------------------------------------------------------------------

    def _load(self, message: Load) -> None:
        self.persistent = message.persistent
        self.autostart = message.autostart
        if message.status is not None:
            self._adopt(message.status)
        self.tell_summary()
        if message.start and not self.active:
            self.take(internal_call("domain_create_with_flags", (self.wire_ref(), 0)))
        self.leave_if_gone()

    def _adopt(self, status: Status) -> None:
        """Take up a guest that an earlier daemon has started; if it has ended meanwhile, tell that now."""
        self.live = status.domain
        self.id = -1 if status.domain.id is None else status.domain.id
        self.state = status.state
        self.reason = REASONS[status.state](status.reason)
        self.memory = status.memory
        self.reboot_asked = status.reboot
        self.agent_patience = status.agent_patience
        self.deeds = frozenset(each.name for each in status.deeds)
        self.clock_base = status.clock_base
        self.has_status = True
        self.unfinished_save = status.save
        self.unfinished_dump = status.dump
        is_saved = status.save is not None and status.save.is_whole()
        process = adopt(status.process, self.around.files.guest_log(self.name))
        if process is None:
            logger.info("%s: ended while no daemon watched", self.label)
            self._clean_up()
            by_itself = Happening.SHUT_DOWN if self.state is DomainState.SHUTDOWN else Happening.CRASHED
            self.happen(Happening.SAVED if is_saved else by_itself)
            return
        logger.info("%s: adopted, process %d", self.label, process.pid)
        self._watch_process(process)
        if is_saved:
            self._end_because(Happening.SAVED)
            return
        self.connect_monitor()
        if status.autodestroy:
            # The connection that it was to end with has ended with the daemon.
            self.take(internal_call("domain_destroy_flags", (self.wire_ref(), 0)))

    async def catch_up(self, ref: pykka.ActorRef[Monitor]) -> None:
        """Take from QEMU what happened while no daemon listened."""
        assert self.live is not None
        if (save := self.unfinished_save) is not None:
            await go_on(lambda command: self.ask(ref, command), save.running)
            save.remove_part()
            self.unfinished_save = None
        if (dump := self.unfinished_dump) is not None:
            await until_given_up(lambda command: self.ask(ref, command))
            await self.runtime.in_thread(dump.remove_part)
            self.unfinished_dump = None
        asked = ["query-status", *questions(self.live)]
        status, *answers = await asyncio.gather(*(self.ask(ref, command) for command in asked))
        self.memory = await self._balloon(ref)
        self.live = with_answers(self.live, dict(zip(asked[1:], answers, strict=True)))
        if status["status"] == "prelaunch" and self.state is DomainState.RUNNING:
            self._restart()  # A restart was under way: a guest that has never run is paused.
        elif status["status"] == "shutdown":
            self._powered_off()
        elif status["status"] == "guest-panicked":
            self._panicked()
        elif (what := HAPPENED_BY_RUN_STATE.get(status["status"])) is not None:
            self._learn(what)
        self.save_live_state()

    async def _balloon(self, ref: pykka.ActorRef[Monitor]) -> int | None:
        try:
            return (await self.ask(ref, "query-balloon"))["actual"] // BYTES_PER_KIB
        except MonitorFailure:
            return None  # It has none.

    # -- start ---------------------------------------------------------------------------------------------------------

    async def boot(self, call: Call, live: DomainDefinition, paused: bool) -> DomainDefinition:
        self._ending = self._why_stopped = self.memory = None
        self.reboot_asked = self._restarting = False
        self.agent_patience, self.deeds = None, frozenset()
        guest = await launch(
            self.runtime, self.around, live, self.actor_ref, call, incoming=self.is_incoming, handed=self.handed
        )
        self._monitor = guest.monitor
        self._watch_process(guest.process)
        try:
            await self.count(guest.live)
            await self.load_stream(call)
            if self.is_incoming:
                # Were it ended as a start that nobody was told of, once it has run, its disks would be ahead of what
                # it is started from again.
                await self._note_start(guest.live, Happening.RESTORED_PAUSED)
            if not paused:
                await self.execute(call, "cont")
            await self._note_start(guest.live, Happening.BOOTED_PAUSED if paused else Happening.BOOTED)
            if self.process is not guest.process:
                raise self.ended(guest.process)
        except BaseException:
            await asyncio.shield(self._abandon(guest.process))
            raise
        self.spawn(self._log_taints(guest.live), name="log what taints the guest")
        return guest.live

    async def _log_taints(self, live: DomainDefinition) -> None:
        for taint in taints(live, await self.around.capabilities(live)):
            logger.info("%s is tainted: %s", self.label, taint.name)

    @property
    def is_incoming(self) -> bool:
        """Whether the guest that starts is one that was saved."""
        return False

    async def load_stream(self, call: Call) -> None:
        """Have a QEMU that was started for it read a saved guest."""

    async def count(self, live: DomainDefinition) -> None:
        """Have the kernel count of the process what this definition says. Raises VirtError for what it does not."""

    def counted(self) -> dict[str, int]:
        """What the kernel has counted until now."""
        return {}

    async def _note_start(self, live: DomainDefinition, what: Happening) -> None:
        """Write the status file of a guest whose start is about to be told."""
        transition = advance(self.state, what)
        assert transition is not None
        noted = self.save_status(live, transition.state, transition.reason)
        if noted is not None:
            await asyncio.shield(noted)

    def _watch_process(self, process: Process) -> None:
        self.process = process
        self.lost_since = None
        process.watch(lambda exit: send(self.actor_ref, ProcessEnded(process, exit)))

    async def _abandon(self, process: Process) -> None:
        """End a guest whose start does not come to an end."""
        self._ending = Happening.DESTROYED
        await process.kill(0.0)
        if self.process is process:
            self._clean_up()

    # -- what jobs do --------------------------------------------------------------------------------------------------

    def check_ends(self, definition: DomainDefinition) -> None:
        for end, actions in _ACTIONS.items():
            action = getattr(definition, end)
            if action is not None and action not in actions:
                raise UnsupportedConfig(f"qemu driver doesn't support the '{action}' action for '{end}'")
        check_ends_together(definition)

    async def press_power_button(self, call: Call, flags: int) -> None:
        self.expect_reboot(False)
        await self.execute(call, "system_powerdown")

    async def request_reboot(self, call: Call, flags: int) -> None:
        before = self.reboot_asked
        self.expect_reboot(self.definition.on_reboot == "restart")
        try:
            await self.execute(call, "system_powerdown")
        except BaseException as error:
            # What QEMU has been sent and has not answered it may still follow.
            if not (isinstance(error, OperationTimeout) and error.holder == "system_powerdown"):
                self.expect_reboot(before)
            raise

    def expect_reboot(self, expected: bool) -> None:
        """Whether the guest is to start again when it powers off next, because a reboot was asked for."""
        self.reboot_asked = expected
        self.save_live_state()

    async def press_reset(self, call: Call) -> None:
        await self.execute(call, "system_reset")

    async def kill(self, call: Call, graceful: bool) -> None:
        await self.end(call, Happening.DESTROYED, graceful=graceful)

    async def end(self, call: Call, what: Happening, *, graceful: bool = False) -> None:
        """End the process, which means this for the domain. Raises ResourceBusy when ``graceful`` and it stays."""
        process = self.process
        if process is None:
            return
        self._ending = what
        self._killing = True
        # A caller with little time wants the guest gone within it.
        grace = min(self.around.config.destroy_grace, max(0.0, (call.deadline - self.runtime.loop.time()) / 2))
        try:
            with spanning(call.trace, f"process {process.pid}", "end"):
                await process.kill(grace, force=not graceful)
            self.remove_status()
            await self.live_state_saved()
        except ResourceBusy:
            self._ending = None
            raise
        finally:
            self._killing = False
            if process.exit is not None:
                self._over(process, what)

    def cpu_time(self) -> int:
        return self.process.cpu_time() if self.process is not None else 0

    def current_memory(self) -> int:
        return self.memory or super().current_memory()

    # -- what QEMU tells -----------------------------------------------------------------------------------------------

    def _monitor_event(self, message: MonitorEvent) -> None:
        if message.monitor is not self._monitor:
            return
        handler = self._EVENTS.get(message.event.name)
        if handler is not None:
            handler(self, message.event)

    def _on_shutdown(self, event: QmpEvent) -> None:
        if event.data.get("guest", True):
            self._powered_off()
        elif self._ending is None:
            # Somebody on the host ends the process in order (a signal, `quit`); its end will follow.
            self._ending = Happening.SHUT_DOWN
            self.happen(Happening.HOST_SHUTS_DOWN)

    def _powered_off(self) -> None:
        if self.reboot_asked or self.definition.on_poweroff == "restart":
            self._restart()
            return
        self.happen(Happening.SHUTTING_DOWN)
        if self.definition.on_poweroff != "preserve":
            self._end_because(Happening.SHUT_DOWN)

    def _end_because(self, what: Happening) -> None:
        if self.process is not None and self._ending is None:
            self._ending = what
            self.spawn(self.process.kill(self.around.config.destroy_grace), name="end the process")

    def _restart(self) -> None:
        """Boot a guest again that has powered off or panicked; QEMU's stopping and going on meanwhile is no news."""
        if not self._restarting:
            self._restarting = True
            self.spawn(self._restart_guest(), name="restart the guest")

    async def _restart_guest(self) -> None:
        try:
            await self.execute(None, "system_reset")
            await self.execute(None, "cont")
        except VirtError as error:
            logger.warning("%s: cannot be restarted: %s", self.label, error)
            self._end_because(Happening.SHUT_DOWN)
        else:
            self.reboot_asked = False
            self.happen(Happening.REBOOTED)
        finally:
            self._restarting = False

    def _on_reset(self, event: QmpEvent) -> None:
        if event.data.get("guest") and self.definition.on_reboot == "destroy":
            self.happen(Happening.SHUTTING_DOWN)
            self._end_because(Happening.SHUT_DOWN)
        elif self.state is DomainState.CRASHED and not self._restarting:
            self.happen(Happening.PANIC_RESET)

    def _on_stop_event(self, event: QmpEvent) -> None:
        if self._restarting:
            return
        asked = self.job is not None and self.job.name == "domain_suspend"
        what = self._why_stopped or (Happening.PAUSED if asked else Happening.STOPPED_UNASKED)
        self._why_stopped = None
        self._learn(what)

    def _learn(self, what: Happening) -> None:
        """Take what QEMU has told to have happened, and do what follows from it."""
        self.happen(what)
        if what is Happening.WATCHDOG_PAUSE:
            self.follow_watchdog()

    def _on_resume_event(self, event: QmpEvent) -> None:
        if not self._restarting:
            self.happen(Happening.UNPAUSED)

    def _on_io_error(self, event: QmpEvent) -> None:
        if event.data.get("action") == "stop":
            self._why_stopped = Happening.IO_ERROR

    def _on_watchdog(self, event: QmpEvent) -> None:
        if event.data.get("action") == "pause":
            self._why_stopped = Happening.WATCHDOG_PAUSE

    def follow_watchdog(self) -> None:
        """Do with a guest that its watchdog has paused what its definition says."""

    def _on_panic(self, event: QmpEvent) -> None:
        self._panicked()

    def _panicked(self) -> None:
        self.happen(Happening.PANICKED)
        self.follow_panic(self.definition.on_crash or "destroy")

    def follow_panic(self, action: str) -> None:
        """Do with a guest that has panicked what its definition says."""
        if action == "restart":
            self._restart()
        elif action != "preserve":
            self._end_because(Happening.CRASHED)

    def _on_balloon(self, event: QmpEvent) -> None:
        self.memory = int(event.data["actual"]) // BYTES_PER_KIB
        self.save_live_state()

    def _on_port(self, event: QmpEvent) -> None:
        if self.live is None:
            return
        alias, is_open = str(event.data.get("id")), bool(event.data.get("open"))
        self.live = with_channel_state(self.live, alias, is_open)
        self.save_live_state()

    def on_device_deleted(self, event: QmpEvent) -> None:
        """QEMU has no device of that alias any more."""

    def _on_device_deleted(self, event: QmpEvent) -> None:
        self.on_device_deleted(event)

    def expect_stop(self, what: Happening) -> None:
        """The next stop that QEMU tells of means this."""
        self._why_stopped = what

    def on_migration(self, event: QmpEvent) -> None:
        """QEMU got on with a stream."""

    def on_dump_completed(self, event: QmpEvent) -> None:
        """QEMU has written the guest's memory, or failed to."""

    def _on_migration(self, event: QmpEvent) -> None:
        self.on_migration(event)

    def _on_dump_completed(self, event: QmpEvent) -> None:
        self.on_dump_completed(event)

    def _on_suspend(self, event: QmpEvent) -> None:
        self.happen(Happening.GUEST_SUSPENDED)

    def _on_suspend_to_disk(self, event: QmpEvent) -> None:
        self.happen(Happening.GUEST_SUSPENDED_TO_DISK)

    def _on_wakeup(self, event: QmpEvent) -> None:
        self.happen(Happening.WOKE_UP)

    _EVENTS = {
        "SHUTDOWN": _on_shutdown,
        "RESET": _on_reset,
        "STOP": _on_stop_event,
        "RESUME": _on_resume_event,
        "BLOCK_IO_ERROR": _on_io_error,
        "WATCHDOG": _on_watchdog,
        "GUEST_PANICKED": _on_panic,
        "BALLOON_CHANGE": _on_balloon,
        "VSERPORT_CHANGE": _on_port,
        "DEVICE_DELETED": _on_device_deleted,
        "MIGRATION": _on_migration,
        "DUMP_COMPLETED": _on_dump_completed,
        "SUSPEND": _on_suspend,
        "SUSPEND_DISK": _on_suspend_to_disk,
        "WAKEUP": _on_wakeup,
    }

    def _process_ended(self, message: ProcessEnded) -> None:
        if self._killing:
            return  # Whoever ends it tells, when later daemons know of it.
        what = self._ending or (Happening.SHUT_DOWN if self.state is DomainState.SHUTDOWN else Happening.CRASHED)
        self._over(message.process, what)
        self.leave_if_gone()

    def _over(self, process: Process, what: Happening) -> None:
        """The guest is over with the end of its process."""
        if process is not self.process:
            return
        if what is Happening.CRASHED:
            logger.warning("%s: QEMU %s: %s", self.label, process.exit, process.last_lines(3))
        self._clean_up()
        self.happen(what)

    def _clean_up(self) -> None:
        """Let go of a process that has ended, and of all that was open for it."""
        if self.unfinished_save is not None:
            self.unfinished_save.remove_part()
            self.unfinished_save = None
        if self.unfinished_dump is not None:
            self.unfinished_dump.remove_part()
            self.unfinished_dump = None
        self.process = None
        self.memory = None
        self.lost_since = None
        self.reboot_asked = False
        self.drop_monitor()
        self.around.files.remove_leftovers(self.text_uuid)
        self.remove_status()
