"""What objects that are defined and started have in common (networks, storage pools, interfaces), and their drivers.

An object has a ``persistent`` definition (None when it is transient), a ``live`` one (None while it is inactive), or
both; with neither it is gone. A kind of objects is a class below ``DefinedObject``, whose rows' handlers are one line
each (``network_create`` calls ``start_defined``), and one below ``DefinedDriver``, which decides names and UUIDs and
hands definitions over to the objects. A driver's own classes, below these, say how things are done: they are the
coroutines of the section «what a driver provides», which do nothing here, as nothing is to be done in the test driver.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import pykka

from ...wire.errors import InvalidArgument, OperationInvalid, VirtError
from ...wire.table.rows import Row
from ..call import Call
from ..events import Publish
from ..objects import CallTarget, Job, ManagedObject
from ..runtime import Runtime, send
from .object_directory import ObjectDirectory, ObjectEntry, Summary

Definition = TypeVar("Definition")


class Lifecycle(IntEnum):
    """What is told of an object; the numbers of virNetworkEventLifecycleType and virStoragePoolEventLifecycleType."""

    DEFINED = 0
    UNDEFINED = 1
    STARTED = 2
    STOPPED = 3


class Trait(IntEnum):
    """Filter flags that all kinds share, by libvirt's numbers."""

    INACTIVE = 1
    ACTIVE = 2
    PERSISTENT = 4
    TRANSIENT = 8
    AUTOSTART = 16
    NO_AUTOSTART = 32


class Gone(NamedTuple):
    """An object to its driver: I am neither defined nor active any more, after so many definitions from you."""

    key: bytes
    handed_over: int


class Load(NamedTuple):
    """To an object that its driver begins with: this is you. ``live`` None means inactive."""

    persistent: Any
    live: Any
    autostart: bool = False


class Upward(NamedTuple):
    """Whom an object tells: its driver, and the log of events."""

    driver: pykka.ActorRef[Any]
    events: pykka.ActorRef[Any]


class DefinedObject(ManagedObject, Generic[Definition]):
    """An object of any driver that is defined, started, stopped and undefined."""

    # The message row of its lifecycle events, None for a kind that has none.
    event_row: ClassVar[Row | None] = None
    # What callers are told who come at the wrong time; libvirt's words differ by kind.
    is_active_text: ClassVar[str] = "{kind} '{name}' is active"
    is_inactive_text: ClassVar[str] = "{kind} '{name}' is not active"
    is_transient_text: ClassVar[str] = "{kind} '{name}' is transient"

    def __init__(self, runtime: Runtime, upward: Upward, name: str, uuid: bytes) -> None:
        super().__init__(runtime, name, uuid)
        self.upward = upward
        self.persistent: Definition | None = None
        self.live: Definition | None = None
        self.autostart = False
        self._told: Summary | None = None
        self._handed_over = 0

    # -- what a kind provides ------------------------------------------------------------------------------------------

    def wire_ref(self) -> Any:
        """How it is named on the wire."""
        raise NotImplementedError

    def traits(self) -> int:
        """The filter flags that it meets; a kind adds its own."""
        return (
            (Trait.ACTIVE if self.active else Trait.INACTIVE)
            | (Trait.PERSISTENT if self.persistent is not None else Trait.TRANSIENT)
            | (Trait.AUTOSTART if self.autostart else Trait.NO_AUTOSTART)
        )

    # -- what a driver provides ----------------------------------------------------------------------------------------

    async def complete(self, definition: Definition) -> Definition:
        """The definition with what this driver adds by itself. Raises VirtError."""
        return definition

    async def bring_up(self, call: Call, definition: Definition) -> Definition:
        """Make it active and give its live definition; leave nothing behind when that fails or is cancelled."""
        return definition

    async def tear_down(self, call: Call) -> None:
        """Make it inactive."""

    async def save_definition(self, definition: Definition) -> None:
        """Make the persistent definition durable."""

    async def delete_definition(self) -> None:
        """Make it durable that there is no persistent definition any more."""

    async def save_autostart(self, wanted: bool) -> None:
        """Make the autostart mark durable."""

    # -- state ---------------------------------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        return self.live is not None

    @property
    def definition(self) -> Definition:
        """The definition in force: the live one of an active object, else the persistent one."""
        definition = self.live if self.live is not None else self.persistent
        if definition is None:
            raise self.gone()
        return definition

    def inactive_definition(self) -> Definition:
        """The definition that the next start takes; that of a transient object is its live one."""
        return self.persistent if self.persistent is not None else self.definition

    def tell(self, what: int, detail: int = 0) -> None:
        """Publish a lifecycle event, and tell the driver what is new."""
        if self.event_row is not None:
            send(self.upward.events, Publish(self.event_row, (self.wire_ref(), int(what), detail)))
        self.tell_summary()

    def tell_summary(self) -> None:
        """Tell the driver what its lists need, when some of that is new."""
        summary = Summary(self.uuid, self.wire_ref(), int(self.traits()))
        if summary != self._told:
            self._told = summary
            send(self.upward.driver, summary)

    def require_active(self) -> None:
        if not self.active:
            raise self.refusal(self.is_inactive_text)

    def require_inactive(self) -> None:
        if self.active:
            raise self.refusal(self.is_active_text)

    def refusal(self, text: str) -> VirtError:
        """The error for a call at the wrong time."""
        return OperationInvalid(text.format(kind=self.kind, name=self.name), object=self.name)

    def _finish(self, job: Job) -> None:
        super()._finish(job)
        self._leave_if_gone()

    def _leave_if_gone(self) -> None:
        if self.job is None and self.persistent is None and self.live is None:
            send(self.upward.driver, Gone(self.uuid, self._handed_over))

    def take(self, call: Call) -> None:
        if call.method in HANDED_OVER:
            self._handed_over += 1
        super().take(call)

    def on_message(self, message: Any) -> Any:
        if isinstance(message, Load):
            self.persistent, self.live, self.autostart = message
            self.tell_summary()
            return None
        return super().on_message(message)

    # -- changes: the kind's handlers call these -----------------------------------------------------------------------

    async def define(self, call: Call, definition: Definition) -> tuple[Any]:
        """Keep a definition (the driver hands it over once the names are ours)."""
        definition = await self.complete(definition)
        await self.save_definition(definition)
        self.persistent = definition
        self.tell(Lifecycle.DEFINED)
        return (self.wire_ref(),)

    async def create(self, call: Call, definition: Definition) -> tuple[Any]:
        """Start from a definition that is not kept (the driver hands it over)."""
        await self._start_from(call, await self.complete(definition))
        return (self.wire_ref(),)

    async def start_defined(self, call: Call) -> None:
        """Start from the persistent definition."""
        self.require_inactive()
        await self._start_from(call, self.inactive_definition())

    async def _start_from(self, call: Call, definition: Definition) -> None:
        self.require_inactive()
        self.live = await self.bring_up(call, definition)
        self.tell(Lifecycle.STARTED)

    async def stop_active(self, call: Call) -> None:
        """Stop it; one that is transient is gone then."""
        self.require_active()
        await self.tear_down(call)
        self.live = None
        self.tell(Lifecycle.STOPPED)

    async def drop_definition(self) -> None:
        """Remove the persistent definition; one that is active goes on as a transient one."""
        if self.persistent is None:
            raise self.refusal(self.is_transient_text)
        await self.delete_definition()
        self.persistent = None
        self.autostart = False
        self.tell(Lifecycle.UNDEFINED)

    async def mark_autostart(self, wanted: bool) -> None:
        if self.persistent is None:
            raise self.refusal(self.is_transient_text)
        if wanted != self.autostart:
            await self.save_autostart(wanted)
            self.autostart = wanted
            self.tell_summary()


# The methods that a driver forwards calls with a new definition to.
HANDED_OVER = ("define", "create")


class DefinedDriver(CallTarget):
    """The actor of one part of a driver: it decides names and UUIDs, makes the objects' actors, and lists them."""

    def __init__(self, runtime: Runtime, directory: ObjectDirectory, events: pykka.ActorRef[Any]) -> None:
        super().__init__(runtime)
        self.label = f"{directory.kind.noun} driver"
        self.directory = directory
        self.events = events

    def make_object(self, name: str, key: bytes) -> pykka.ActorRef[Any]:
        """Start the actor of a new object."""
        raise NotImplementedError

    def make_ref(self, name: str, key: bytes) -> Any:
        """How a new object is named on the wire, before it says so itself."""
        raise NotImplementedError

    def upward(self) -> Upward:
        return Upward(self.actor_ref, self.events)

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Call):
            return self.answer(message)
        if isinstance(message, Summary):
            return self.directory.update(message)
        if isinstance(message, Gone):
            return self._forget(message)
        return super().on_receive(message)

    def on_stop(self) -> None:
        for entry in self.directory:
            entry.ref.stop(block=False)

    def _forget(self, message: Gone) -> None:
        entry = self.directory.find(message.key)
        # A definition that is on its way to the object makes it stay; it says so again if nothing comes of it.
        if entry is not None and entry.handed_over == message.handed_over:
            self.directory.remove(message.key)
            entry.ref.stop(block=False)

    # -- new definitions -----------------------------------------------------------------------------------------------

    def admit(self, name: str, key: bytes) -> ObjectEntry:
        """The directory's entry for a name and key, made if both are free. Raises AlreadyExists."""
        entry = self.directory.claim(name, key)
        if entry is None:
            entry = ObjectEntry(name, key, self.make_object(name, key), self.make_ref(name, key))
            self.directory.add(entry)
        return entry

    def load(self, name: str, key: bytes, persistent: Any, live: Any, autostart: bool = False) -> None:
        """Begin with an object."""
        self.admit(name, key).ref.tell(Load(persistent, live, autostart))

    def hand_define(self, call: Call, name: str, key: bytes, definition: Any) -> object:
        """Let the object of that name and key, made where it is not there yet, keep a definition."""
        return self._hand_over(call, self.admit(name, key), "define", definition)

    def hand_create(self, call: Call, name: str, key: bytes, definition: Any) -> object:
        """Let the object of that name and key start from a definition. Raises OperationInvalid if it is active."""
        self.directory.claim_inactive(name, key)
        return self._hand_over(call, self.admit(name, key), "create", definition)

    def _hand_over(self, call: Call, entry: ObjectEntry, method: str, definition: Any) -> object:
        entry.handed_over += 1
        return call.forward(entry.ref, method, definition)

    # -- lists: the kind's handlers call these -------------------------------------------------------------------------

    def count(self, flags: int) -> tuple[int]:
        return (len(self.directory.select(flags)),)

    def names(self, maxnames: int, flags: int) -> tuple[list[str]]:
        """At most so many names of the objects that pass the filters."""
        if maxnames < 0:
            raise InvalidArgument(f"maxnames is {maxnames}, expected 0 or more")
        return ([entry.name for entry in self.directory.select(flags)][:maxnames],)

    def references(self, need_results: int, flags: int) -> tuple[list[Any], int]:
        """What a connect_list_all row gives: the references (none unless they are needed) and how many there are."""
        found = self.directory.select(flags)
        return [entry.wire_ref for entry in found] if need_results else [], len(found)
