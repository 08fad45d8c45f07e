"""Any sequence of calls, of accidents to QEMU and of kills of the daemon moves domains as the lifecycle table says."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from virtactor.actors.lifecycle import DEFINITION_EVENTS, Event, Happening, advance
from virtactor.client import DomainState, Host, NoDomain, OperationInvalid
from virtactor.wire.enums.domain import DomainShutoffReason

from .guests import plain
from .virtactord import PATIENCE, Story, Virtactord, clear

NAMES = st.sampled_from(["a", "b"])
OFF, RUNNING, PAUSED = DomainState.SHUTOFF, DomainState.RUNNING, DomainState.PAUSED


@dataclass
class Model:
    """What a domain must be: by the table alone."""

    persistent: bool = False
    state: DomainState = OFF
    reason: IntEnum = DomainShutoffReason.UNKNOWN
    uuid: str = ""
    id: int | None = None
    told: list[str] = field(default_factory=list)

    @property
    def exists(self) -> bool:
        return self.persistent or self.state is not OFF

    def happen(self, what: Happening) -> bool:
        """Move as the table says; whether there is something to be told."""
        transition = advance(self.state, what)
        if transition is None:
            return False
        self.state, self.reason = transition.state, transition.reason
        self.tell(*transition.events)
        return bool(transition.events)

    def tell(self, *events: Event) -> None:
        self.told += [f"{event.type.name} {event.detail.name}" for event in events]


class Accidents(RuleBasedStateMachine):
    """``daemon`` and ``host`` are those of the test, in a subclass that it makes."""

    daemon: Virtactord
    host: Host

    def __init__(self) -> None:
        super().__init__()
        self.story = Story(self.host)
        self.models = {name: Model() for name in ("a", "b")}
        self.last_id = 0

    def teardown(self) -> None:
        self.story.close()
        clear(self.host)

    # -- calls ---------------------------------------------------------------------------------------------------------

    @rule(name=NAMES)
    def define(self, name: str) -> None:
        model = self.models[name]
        what = Happening.REDEFINED if model.persistent else Happening.DEFINED
        domain = self.host.domains.define(self.xml(name))
        model.persistent, model.uuid = True, str(domain.uuid)
        model.tell(DEFINITION_EVENTS[what])
        self.check(name)

    @rule(name=NAMES)
    def undefine(self, name: str) -> None:
        model = self.models[name]
        if self.refused(name, "undefine", model.exists and not model.persistent):
            return
        model.persistent = False
        model.tell(DEFINITION_EVENTS[Happening.UNDEFINED])
        self.check(name)

    @rule(name=NAMES, paused=st.booleans())
    def start(self, name: str, paused: bool) -> None:
        if not self.refused(name, "start", self.models[name].state is not OFF, paused=paused):
            self.started(name, paused)

    @rule(name=NAMES, paused=st.booleans())
    def create(self, name: str, paused: bool) -> None:
        model = self.models[name]
        if model.state is not OFF:
            expect(OperationInvalid, lambda: self.host.domains.create(self.xml(name), paused=paused))
            self.check(name)
            return
        model.uuid = str(self.host.domains.create(self.xml(name), paused=paused).uuid)
        self.started(name, paused)

    @rule(name=NAMES)
    def suspend(self, name: str) -> None:
        self.order(name, "suspend", Happening.PAUSED, self.models[name].state is OFF)

    @rule(name=NAMES)
    def resume(self, name: str) -> None:
        self.order(name, "resume", Happening.UNPAUSED, self.models[name].state is not PAUSED)

    @rule(name=NAMES)
    def reset(self, name: str) -> None:
        self.order(name, "reset", None, self.models[name].state is OFF)

    @rule(name=NAMES)
    def destroy(self, name: str) -> None:
        self.order(name, "destroy", Happening.DESTROYED, self.models[name].state is OFF)

    # -- accidents -----------------------------------------------------------------------------------------------------

    @rule(name=NAMES)
    def kill_qemu(self, name: str) -> None:
        pid = self.daemon.qemu_of(self.models[name].uuid)
        if self.models[name].state is not OFF and pid is not None:
            os.kill(pid, signal.SIGKILL)
            self.heard(name, Happening.CRASHED)

    @rule(name=NAMES, command=st.sampled_from(["stop", "cont"]))
    def command(self, name: str, command: str) -> None:
        if self.models[name].state is not OFF:
            self.host.domains[name].monitor_command({"execute": command})
            self.heard(name, Happening.STOPPED_UNASKED if command == "stop" else Happening.UNPAUSED)

    @rule()
    def kill_daemon(self) -> None:
        self.story.close()
        self.daemon.kill()
        self.daemon.start()
        for model in self.models.values():
            if model.state is OFF:
                model.reason = DomainShutoffReason.UNKNOWN
        self.last_id = max((model.id or 0 for model in self.models.values()), default=0)
        self.story = Story(self.host)
        for name in self.models:
            self.check(name)

    # -- what must be so -----------------------------------------------------------------------------------------------

    def xml(self, name: str) -> str:
        uuid = self.models[name].uuid if self.models[name].exists else ""
        return plain(name).replace("</name>", f"</name><uuid>{uuid}</uuid>" if uuid else "</name>")

    def refused(self, name: str, call: str, wrong: bool, **more: Any) -> bool:
        """Make a call; whether it was rightly refused."""
        model = self.models[name]
        if not model.exists:
            expect(NoDomain, lambda: self.host.domains[name])
            return True
        method = getattr(self.host.domains[name], call)
        if not wrong:
            method(**more)
            return False
        expect(OperationInvalid, lambda: method(**more))
        self.check(name)
        return True

    def order(self, name: str, call: str, what: Happening | None, wrong: bool) -> None:
        if self.refused(name, call, wrong):
            return
        if what is not None:
            self.models[name].happen(what)
        self.check(name)

    def started(self, name: str, paused: bool) -> None:
        model = self.models[name]
        model.id = self.host.domains[name].id
        assert model.id is not None
        assert model.id > self.last_id
        self.last_id = model.id
        model.happen(Happening.BOOTED_PAUSED if paused else Happening.BOOTED)
        self.check(name)

    def heard(self, name: str, what: Happening) -> None:
        """What happened to QEMU is told some time."""
        model = self.models[name]
        if model.happen(what):
            assert self.story.wait_for(name, model.told[-1]) == model.told
            model.told.clear()
        self.check(name)

    def check(self, name: str) -> None:
        model = self.models[name]
        told, model.told = model.told, []
        assert self.story.told(name) == told
        if model.state is OFF:
            model.id = None
        if not model.exists:
            model.reason = DomainShutoffReason.UNKNOWN
            assert name not in self.host.domains
            return
        domain = self.host.domains[name]
        assert domain.state() == (model.state, model.reason)
        assert domain.id == model.id
        assert domain.is_persistent() == model.persistent
        assert (self.daemon.qemu_of(model.uuid) is not None) == (model.state is not OFF)


def expect(kind: type[Exception], call: Callable[[], object]) -> None:
    try:
        call()
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was not raised")


def test_domains_move_as_the_lifecycle_table_says(daemon: Virtactord) -> None:
    with daemon.connect(deadline=PATIENCE) as host:
        run_state_machine_as_test(
            type("Machine", (Accidents,), {"daemon": daemon, "host": host}),
            # Without shrinking: each step takes tens of milliseconds, and a failure is replayed by its seed.
            settings=settings(
                max_examples=4,
                stateful_step_count=25,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            ),
        )
    assert not daemon.says("Traceback")
