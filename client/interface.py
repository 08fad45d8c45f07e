"""The host's network interfaces, as their caller sees them: libvirt's ``virInterfacePtr`` with Python's shapes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..wire.enums.network import ConnectListAllInterfacesFlags, InterfaceDefineFlags, InterfaceXMLFlags
from ..wire.table import ROWS
from .objects import HostObject, HostObjects
from .values import bits

_NUM = ROWS["connect_num_of_interfaces"]
_NAMES = ROWS["connect_list_interfaces"]
_NUM_DEFINED = ROWS["connect_num_of_defined_interfaces"]
_DEFINED_NAMES = ROWS["connect_list_defined_interfaces"]
_BY_NAME = ROWS["interface_lookup_by_name"]
_BY_MAC = ROWS["interface_lookup_by_mac_string"]
_DEFINE = ROWS["interface_define_xml"]
_XML = ROWS["interface_get_xml_desc"]
_UNDEFINE = ROWS["interface_undefine"]
_START = ROWS["interface_create"]
_DESTROY = ROWS["interface_destroy"]
_IS_ACTIVE = ROWS["interface_is_active"]
_BEGIN = ROWS["interface_change_begin"]
_COMMIT = ROWS["interface_change_commit"]
_ROLLBACK = ROWS["interface_change_rollback"]


class Interface(HostObject):
    """An interface of the host, found or made through ``host.interfaces``. One that is gone raises NoInterface."""

    __slots__ = ()

    @property
    def mac(self) -> str:
        """Its MAC address, as last heard; empty where it has none."""
        return self._ref.mac

    @property
    def key(self) -> str:
        return self._ref.name

    def start(self, *, deadline: float | None = None) -> None:
        """Bring it up (virInterfaceCreate)."""
        self._call(_START, 0, deadline=deadline)

    def destroy(self, *, deadline: float | None = None) -> None:
        """Take it down (virInterfaceDestroy)."""
        self._call(_DESTROY, 0, deadline=deadline)

    def undefine(self, *, deadline: float | None = None) -> None:
        """Remove its configuration (virInterfaceUndefine)."""
        self._call(_UNDEFINE, deadline=deadline)

    def xml(self, *, inactive: bool = False, deadline: float | None = None) -> str:
        """Its state as XML; ``inactive`` gives its configuration (virInterfaceGetXMLDesc)."""
        return self._call(_XML, int(InterfaceXMLFlags.INACTIVE) if inactive else 0, deadline=deadline)[0]

    def is_active(self, *, deadline: float | None = None) -> bool:
        """Whether it is up (virInterfaceIsActive)."""
        return self._call(_IS_ACTIVE, deadline=deadline)[0] == 1


class Interfaces(HostObjects[Interface]):
    """``host.interfaces``: iterable, ``len``, ``in``, and ``host.interfaces[name]``."""

    thing = Interface
    list_all = ROWS["connect_list_all_interfaces"]

    def list(
        self,
        flags: ConnectListAllInterfacesFlags | int = 0,
        *,
        active: bool = False,
        inactive: bool = False,
        deadline: float | None = None,
    ) -> list[Interface]:
        """The interfaces that pass the filter, all without one (virConnectListAllInterfaces)."""
        wishes = {ConnectListAllInterfacesFlags.ACTIVE: active, ConnectListAllInterfacesFlags.INACTIVE: inactive}
        return self._all(int(flags) | bits(wishes), deadline)

    def names(self, *, inactive: bool = False, deadline: float | None = None) -> list[str]:
        """The names of those that are up, or of those that are not (virConnectListInterfaces, …DefinedInterfaces)."""
        count, names = (_NUM_DEFINED, _DEFINED_NAMES) if inactive else (_NUM, _NAMES)
        return self._names(count, names, deadline=deadline)

    def lookup(self, key: str, *, deadline: float | None = None) -> Interface:
        """The interface with that name (virInterfaceLookupByName). Raises NoInterface."""
        if not isinstance(key, str):
            raise TypeError(f"{key!r} is no name")
        return self._one(_BY_NAME, key, deadline=deadline)

    def lookup_mac(self, mac: str, *, deadline: float | None = None) -> Interface:
        """The interface with that MAC address (virInterfaceLookupByMACString). Raises NoInterface.

        Several interfaces may share one: then InvalidArgument or OperationFailed is raised.
        """
        return self._one(_BY_MAC, mac, deadline=deadline)

    def define(self, xml: str, *, validate: bool = False, deadline: float | None = None) -> Interface:
        """Configure an interface, or change its configuration (virInterfaceDefineXML)."""
        flags = int(InterfaceDefineFlags.VALIDATE) if validate else 0
        return self._one(_DEFINE, xml, flags, deadline=deadline)

    # Changes that are taken back unless they are confirmed.

    @contextmanager
    def changes(self, *, deadline: float | None = None) -> Iterator[None]:
        """Change configurations for good or not at all: what is done in the ``with`` statement is taken back when it
        raises."""
        self.begin_changes(deadline=deadline)
        try:
            yield
        except BaseException:
            self.rollback_changes(deadline=deadline)
            raise
        self.commit_changes(deadline=deadline)

    def begin_changes(self, *, deadline: float | None = None) -> None:
        """Remember all configurations as they are (virInterfaceChangeBegin)."""
        self._session.call(_BEGIN, 0, deadline=deadline)

    def commit_changes(self, *, deadline: float | None = None) -> None:
        """Forget what was remembered: the changes stay (virInterfaceChangeCommit)."""
        self._session.call(_COMMIT, 0, deadline=deadline)

    def rollback_changes(self, *, deadline: float | None = None) -> None:
        """Restore what was remembered (virInterfaceChangeRollback)."""
        self._session.call(_ROLLBACK, 0, deadline=deadline)
