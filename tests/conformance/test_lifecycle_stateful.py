"""Any calls in any order, against the lifecycle table: states, reasons, events, lists and errors of every driver."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from virtactor.actors.lifecycle import ACTIVE, DEFINITION_EVENTS, Happening, advance
from virtactor.wire.enums.domain import ConnectListAllDomainsFlags as List
from virtactor.wire.enums.domain import DomainCreateFlags, DomainShutoffReason, DomainState
from virtactor.wire.errors import AlreadyExists, NoDomain, OperationInvalid, VirtError
from virtactor.wire.table import DomainRef

from .conftest import Driver

NAMES = st.sampled_from(["alpha", "beta", "gamma"])
PAUSED = st.booleans()


@dataclass
class Model:
    """What must be true of a domain."""

    key: bytes
    defined: bool = False
    state: DomainState = DomainState.SHUTOFF
    reason: int = DomainShutoffReason.UNKNOWN
    autostart: bool = False

    @property
    def active(self) -> bool:
        return self.state in ACTIVE


class Domains(RuleBasedStateMachine):
    """A driver and its model; every call's outcome is foretold."""

    driver: ClassVar[Driver]

    def __init__(self) -> None:
        super().__init__()
        self.client = self.driver.client()
        self.client.subscribe()
        self.models: dict[str, Model] = {}
        self.told: list[tuple[str, int, int]] = []

    # -- foretelling ---------------------------------------------------------------------------------------------------

    def happen(self, name: str, what: Happening) -> None:
        model = self.models[name]
        if (event := DEFINITION_EVENTS.get(what)) is not None:
            self.told.append((name, event.type, event.detail))
        elif (to := advance(model.state, what)) is not None:
            model.state, model.reason = to.state, int(to.reason)
            self.told += [(name, event.type, event.detail) for event in to.events]
        if not model.defined and not model.active:
            del self.models[name]

    def ref(self, name: str) -> DomainRef:
        model = self.models.get(name)
        return DomainRef(name, model.key if model is not None else bytes(16), -1)

    def call(self, procedure: str, *args: Any, fails: type[VirtError] | None = None) -> Any:
        if fails is None:
            return self.client.call(procedure, *args)
        with pytest.raises(fails):
            self.client.call(procedure, *args)
        return None

    def call_domain(self, procedure: str, name: str, *args: Any, allowed: bool, what: Happening | None = None) -> None:
        """A call to a domain that may or may not be there, or be in a state for it."""
        if name not in self.models:
            self.call(procedure, self.ref(name), *args, fails=NoDomain)
        elif not allowed:
            self.call(procedure, self.ref(name), *args, fails=OperationInvalid)
        else:
            self.call(procedure, self.ref(name), *args)
            if what is not None:
                self.happen(name, what)

    @property
    def is_libvirts_test(self) -> bool:
        """Whether libvirt's test driver is what to answer like: it is alone in some of what it allows."""
        return self.driver.kind.type == "test"

    def is_active(self, name: str) -> bool:
        return name in self.models and self.models[name].active

    # -- definitions ---------------------------------------------------------------------------------------------------

    @rule(name=NAMES, known=st.booleans())
    def define(self, name: str, known: bool) -> None:
        model = self.models.get(name)
        key = model.key if model is not None and known else uuid.uuid4().bytes
        xml = self.driver.xml(name, uuid=str(uuid.UUID(bytes=key)))
        if model is not None and not known:
            self.call("domain_define_xml_flags", xml, 0, fails=AlreadyExists)
            return
        assert self.call("domain_define_xml_flags", xml, 0).uuid == key
        redefined = model is not None and model.defined
        self.models.setdefault(name, Model(key)).defined = True
        self.happen(name, Happening.REDEFINED if redefined else Happening.DEFINED)

    @rule(name=NAMES)
    def undefine(self, name: str) -> None:
        defined = name in self.models and self.models[name].defined
        if defined:
            self.models[name].defined = False
            if not (self.is_libvirts_test and self.is_active(name)):
                self.models[name].autostart = False
            self.call("domain_undefine_flags", self.ref(name), 0)
            self.happen(name, Happening.UNDEFINED)
        else:
            what = Happening.UNDEFINED
            self.call_domain("domain_undefine_flags", name, 0, allowed=self.is_libvirts_test, what=what)

    @rule(name=NAMES, wanted=st.booleans())
    def set_autostart(self, name: str, wanted: bool) -> None:
        known = name in self.models and (self.models[name].defined or self.is_libvirts_test)
        self.call_domain("domain_set_autostart", name, int(wanted), allowed=known)
        if known:
            self.models[name].autostart = wanted

    # -- life ----------------------------------------------------------------------------------------------------------

    @rule(name=NAMES, paused=PAUSED)
    def start(self, name: str, paused: bool) -> None:
        what = Happening.BOOTED_PAUSED if paused else Happening.BOOTED
        flags = DomainCreateFlags.PAUSED if paused else 0
        self.call_domain("domain_create_with_flags", name, flags, allowed=not self.is_active(name), what=what)

    @rule(name=NAMES, paused=PAUSED)
    def create(self, name: str, paused: bool) -> None:
        flags = DomainCreateFlags.PAUSED if paused else 0
        model = self.models.get(name)
        key = model.key if model is not None else uuid.uuid4().bytes
        xml = self.driver.xml(name, uuid=str(uuid.UUID(bytes=key)))
        if self.is_active(name):
            self.call("domain_create_xml", xml, flags, fails=OperationInvalid)
            return
        assert self.call("domain_create_xml", xml, flags).uuid == key
        self.models.setdefault(name, Model(key))
        self.happen(name, Happening.BOOTED_PAUSED if paused else Happening.BOOTED)

    @rule(name=NAMES)
    def suspend(self, name: str) -> None:
        allowed = self.is_active(name)
        if self.is_libvirts_test:
            allowed = allowed and self.models[name].state is DomainState.RUNNING
        self.call_domain("domain_suspend", name, allowed=allowed, what=Happening.PAUSED)

    @rule(name=NAMES)
    def resume(self, name: str) -> None:
        paused = self.is_active(name) and self.models[name].state is DomainState.PAUSED
        self.call_domain("domain_resume", name, allowed=paused, what=Happening.UNPAUSED)

    @rule(name=NAMES)
    def shutdown(self, name: str) -> None:
        what = Happening.SHUT_DOWN if self.driver.kind.powers_off else None
        self.call_domain("domain_shutdown_flags", name, 0, allowed=self.is_active(name), what=what)

    @rule(name=NAMES)
    def reset(self, name: str) -> None:
        self.call_domain("domain_reset", name, 0, allowed=self.is_active(name))

    @rule(name=NAMES)
    def destroy(self, name: str) -> None:
        self.call_domain("domain_destroy_flags", name, 0, allowed=self.is_active(name), what=Happening.DESTROYED)

    @rule(name=NAMES)
    def abort(self, name: str) -> None:
        if not self.is_libvirts_test:  # Which has no jobs.
            self.call_domain("domain_abort_job", name, allowed=False)

    # -- what must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def the_driver_says_the_same(self) -> None:
        listed = {
            flags: self.client.names(flags) - self.driver.kind.begins_with
            for flags in (0, List.ACTIVE, List.PERSISTENT, List.AUTOSTART)
        }
        assert listed == {
            0: set(self.models),
            List.ACTIVE: {name for name, model in self.models.items() if model.active},
            List.PERSISTENT: {name for name, model in self.models.items() if model.defined},
            List.AUTOSTART: {name for name, model in self.models.items() if model.autostart},
        }
        for name, model in self.models.items():
            found = self.client.lookup(name)
            assert found.uuid == model.key
            assert (found.id > 0) == model.active
            assert self.client.call("domain_get_state", found, 0) == (model.state, model.reason)

    @invariant()
    def exactly_this_was_told(self) -> None:
        told = [(event.name, event.event, event.detail) for event in self.client.events_of()]
        assert told == self.told
        self.told.clear()

    def teardown(self) -> None:
        for name, model in tuple(self.models.items()):
            if model.active:
                self.client.call("domain_destroy_flags", self.ref(name), 0)
            if model.defined:
                self.client.call("domain_undefine_flags", self.ref(name), 0)
        self.client.close()


@pytest.fixture
def machine(driver: Driver) -> type[Domains]:
    return type("DomainsOfOneDriver", (Domains,), {"driver": driver})


def test_a_driver_moves_its_domains_as_the_table_says(machine: type[Domains], driver: Driver) -> None:
    quick = driver.kind.uri.startswith("test:")
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20 if quick else 8,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
