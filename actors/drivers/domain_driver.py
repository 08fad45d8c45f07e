"""What drivers of domains have in common: the directory, look-ups and lists, and the way of new definitions.

The driver decides at once whether a name and UUID are free, puts the domain's actor into the directory, and forwards
the call to it: from then on the domain's own jobs keep changes of it in order, and the driver is free for the next
call.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import socket
import uuid
from collections.abc import Mapping
from typing import Any

import pykka
from pykka import messages

from ...wire.documents.domain import DomainDefinition, parse_domain, validate
from ...wire.documents.schemas import DOMAIN
from ...wire.enums.domain import ConnectListAllDomainsFlags, DomainCreateFlags, DomainDefineFlags
from ...wire.enums.domain_tuning import ConnectGetAllDomainStatsFlags, DomainStatsTypes
from ...wire.enums.error import ErrorDomain, ErrorNumber
from ...wire.errors import InvalidArgument, OperationInvalid, UnsupportedConfig, VirtError
from ...wire.table import DomainRef, Part
from ...wire.table.structs import StatsRecord
from ..call import Call
from ..events import EventLog
from ..objects import CallTarget
from ..runtime import Runtime, send
from .directory import FILTERS, Directory, Entry, Summary
from .domain import Gone, Rename, Surroundings, TellFigures, check_flags, uuid_bytes
from .domain.life import START_FLAGS
from .handle import DriverHandle, PartHandle
from .validation import checked

# The version of libvirt's API whose behaviour the daemon answers to.
API_VERSION = 9_000_000
_ACTIVE, _INACTIVE = int(ConnectListAllDomainsFlags.ACTIVE), int(ConnectListAllDomainsFlags.INACTIVE)
_STATS_FLAGS = ~ConnectGetAllDomainStatsFlags(0)
# The filters among them are those of the list.
_STATS_FILTERS = 0xFF


class DomainDriver(CallTarget):
    """A driver of domains; subclasses say which domain class they make and what types they accept."""

    name = "domains"
    errors = ErrorDomain.NONE
    # The kinds of figures that its domains tell (virDomainStatsTypes), and from whom they are.
    figures = int(DomainStatsTypes.STATE)
    figures_from = "this daemon"
    domain_types: frozenset[str] = frozenset()
    # Whether documents may say nothing that the model has no place for; libvirt passes over it.
    strict = True

    def __init__(self, runtime: Runtime, directory: Directory, events: pykka.ActorRef[EventLog]) -> None:
        super().__init__(runtime)
        self.label = f"{self.name} driver"
        self.directory = directory
        self.events = events
        self.ids = itertools.count(1)

    @classmethod
    def open(cls, runtime: Runtime, window: int, *args: Any) -> DriverHandle:
        """Start an instance with its event log; ``args`` are what the driver's own ``__init__`` takes beyond these."""
        directory = Directory()
        events = EventLog.start(runtime, window)
        try:
            driver = cls.start(runtime, directory, events, *args)
        except BaseException:
            events.stop(block=False)
            raise
        domains = {Part.DOMAIN: PartHandle(driver, directory, cls.errors)}
        try:
            parts = cls.open_parts(runtime, events, *args)
        except BaseException:
            driver.stop(block=False)
            raise
        return DriverHandle(cls.name, {**domains, **parts}, events)

    @classmethod
    def open_parts(cls, runtime: Runtime, events: pykka.ActorRef[EventLog], *args: Any) -> Mapping[Part, PartHandle]:
        """Start what comes along with the driver of domains: networks, storage pools, …"""
        return {}

    def surroundings(self) -> Surroundings:
        return Surroundings(self.actor_ref, self.events, self.ids)

    def make_domain(self, name: str, uuid: bytes) -> pykka.ActorRef[Any]:
        """Start the actor of a new domain."""
        raise NotImplementedError

    def check_definition(self, definition: DomainDefinition) -> None:
        """Refuse what this driver does not run. Raises UnsupportedConfig."""
        if definition.type not in self.domain_types:
            accepted = ", ".join(sorted(self.domain_types))
            raise UnsupportedConfig(f"domain type '{definition.type}' (the {self.name} driver has {accepted})")

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Call):
            return self.answer(message)
        if isinstance(message, Summary):
            return self.directory.update(message)
        if isinstance(message, Gone):
            return self._forget(message)
        if isinstance(message, Rename):
            return self._rename(message)
        return super().on_receive(message)

    def on_stop(self) -> None:
        for entry in self.directory:
            entry.ref.stop(block=False)
        self.events.stop(block=False)

    def _forget(self, message: Gone) -> None:
        entry = self.directory.find(message.uuid)
        # A definition that is on its way to the domain makes it stay; it says so again if nothing comes of it.
        if entry is not None and entry.handed_over == message.handed_over:
            self.directory.remove(message.uuid)
            # Whoever undefined it has his answer first.
            self.runtime.loop.call_soon(send, entry.ref, messages._ActorStop())

    def _rename(self, message: Rename) -> None:
        """Call a domain otherwise from now on, if the name is free."""
        if message.done.done():
            return
        try:
            self.directory.rename(message.uuid, message.name)
        except VirtError as error:
            message.done.set_exception(error)
        else:
            message.done.set_result(None)

    def admit(self, definition: DomainDefinition) -> Entry:
        """The directory's entry for a definition's name and UUID, made if both are free. Raises AlreadyExists."""
        key = uuid_bytes(definition)
        entry = self.directory.claim(definition.name, key)
        if entry is None:
            entry = Entry(definition.name, key, self.make_domain(definition.name, key), Summary(key))
            self.directory.add(entry)
        return entry

    # -- calls ---------------------------------------------------------------------------------------------------------

    def connect_get_type(self, call: Call) -> tuple[str]:
        return (self.name.upper(),)

    def connect_get_lib_version(self, call: Call) -> tuple[int]:
        return (API_VERSION,)

    def connect_get_hostname(self, call: Call) -> tuple[str]:
        return (socket.gethostname(),)

    def connect_list_all_domains(self, call: Call, need_results: int, flags: int) -> tuple[list[DomainRef], int]:
        check_flags(call, flags, FILTERS)
        found = self.directory.select(flags)
        return [entry.domain_ref() for entry in found] if need_results else [], len(found)

    def connect_num_of_domains(self, call: Call) -> tuple[int]:
        return (len(self.directory.select(_ACTIVE)),)

    def connect_list_domains(self, call: Call, maxids: int) -> tuple[list[int]]:
        return ([entry.summary.id for entry in self.directory.select(_ACTIVE)][:maxids],)

    def connect_num_of_defined_domains(self, call: Call) -> tuple[int]:
        return (len(self.directory.select(_INACTIVE)),)

    def connect_list_defined_domains(self, call: Call, maxnames: int) -> tuple[list[str]]:
        return ([entry.name for entry in self.directory.select(_INACTIVE)][:maxnames],)

    async def connect_get_all_domain_stats(
        self, call: Call, doms: list[DomainRef], stats: int, flags: int
    ) -> tuple[list[StatsRecord]]:
        kinds = self.sought_kinds(call, stats, flags)
        entries = self._entries(doms, flags)
        loop = asyncio.get_running_loop()
        asked = [(entry.domain_ref(), loop.create_future()) for entry in entries]
        for entry, (_, told) in zip(entries, asked, strict=True):
            if not send(entry.ref, TellFigures(kinds, told)):
                told.set_result([])
        return ([StatsRecord(ref, await told) for ref, told in asked],)

    def sought_kinds(self, call: Call, stats: int, flags: int) -> int:
        """The kinds of figures that are asked for, of those that there are. Raises InvalidArgument."""
        check_flags(call, flags, _STATS_FLAGS)
        unknown = stats & ~self.figures
        if flags & ConnectGetAllDomainStatsFlags.ENFORCE_STATS and unknown:
            words = f"Stats types bits 0x{unknown:x} are not supported by {self.figures_from}"
            raise InvalidArgument(words, code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        return stats & self.figures if stats else self.figures

    def _entries(self, doms: list[DomainRef], flags: int) -> list[Entry]:
        """The domains that a question for figures is about. Raises NoDomain for one that is named and not there."""
        selected = self.directory.select(flags & _STATS_FILTERS)
        if not doms:
            return selected
        named = [self.directory.by_uuid(dom.uuid) for dom in doms]
        return [entry for entry in named if entry in selected]

    def domain_lookup_by_id(self, call: Call, id: int) -> tuple[DomainRef]:
        return (self.directory.by_id(id).domain_ref(),)

    def domain_lookup_by_name(self, call: Call, name: str) -> tuple[DomainRef]:
        return (self.directory.by_name(name).domain_ref(),)

    def domain_lookup_by_uuid(self, call: Call, uuid: bytes) -> tuple[DomainRef]:
        return (self.directory.by_uuid(uuid).domain_ref(),)

    def domain_define_xml_flags(self, call: Call, xml: str, flags: int) -> object:
        check_flags(call, flags, DomainDefineFlags.VALIDATE)
        return checked(
            self.runtime,
            xml,
            DOMAIN,
            flags & DomainDefineFlags.VALIDATE,
            lambda: self.hand_over(call, self.read_definition(xml), "define"),
        )

    def domain_define_xml(self, call: Call, xml: str) -> object:
        return self.domain_define_xml_flags(call, xml, 0)

    def domain_create_xml_with_files(self, call: Call, xml_desc: str, flags: int) -> object:
        return self.domain_create_xml(call, xml_desc, flags)

    def domain_create_xml(self, call: Call, xml: str, flags: int) -> object:
        check_flags(call, flags, START_FLAGS)
        asked = flags & DomainCreateFlags.VALIDATE
        return checked(self.runtime, xml, DOMAIN, asked, lambda: self._create(call, xml, flags))

    def _create(self, call: Call, xml: str, flags: int) -> object:
        return self.hand_over_to_start(call, self.read_definition(xml), "create", flags)

    def read_definition(self, xml: str) -> DomainDefinition:
        """What a caller's XML says, with a UUID. Raises XMLError and UnsupportedConfig."""
        definition = parse_domain(xml, strict=self.strict)
        # Here, where the error can tell the line.
        validate(definition, xml)
        self.check_definition(definition)
        if definition.uuid is None:
            definition = dataclasses.replace(definition, uuid=str(uuid.uuid4()))
        return definition

    def hand_over_to_start(self, call: Call, definition: DomainDefinition, method: str, *args: Any) -> object:
        """As ``hand_over``, to a domain that is to be started. Raises OperationInvalid for one that runs."""
        entry = self.directory.claim(definition.name, uuid_bytes(definition))
        if entry is not None and entry.summary.id >= 0:
            raise OperationInvalid(
                f"domain '{entry.name}' is already active", domain=ErrorDomain.DOMAIN, object=entry.name
            )
        return self.hand_over(call, definition, method, *args)

    def hand_over(self, call: Call, definition: DomainDefinition, method: str, *args: Any) -> object:
        entry = self.admit(definition)
        entry.handed_over += 1
        return call.forward(entry.ref, method, definition, *args)
