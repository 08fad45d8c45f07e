"""Network filters and their bindings, as their caller sees them: libvirt's ``virNWFilterPtr`` with Python's shapes."""

from __future__ import annotations

from ..wire.enums.network import NWFilterBindingCreateFlags, NWFilterDefineFlags
from ..wire.table import ROWS
from .objects import HostObject, HostObjects, IdentifiedObject, IdentifiedObjects

_NUM = ROWS["connect_num_of_nwfilters"]
_NAMES = ROWS["connect_list_nwfilters"]
_DEFINE = ROWS["nwfilter_define_xml"]
_DEFINE_FLAGS = ROWS["nwfilter_define_xml_flags"]
_XML = ROWS["nwfilter_get_xml_desc"]
_UNDEFINE = ROWS["nwfilter_undefine"]
_BINDING_BY_PORT = ROWS["nwfilter_binding_lookup_by_port_dev"]
_BINDING_CREATE = ROWS["nwfilter_binding_create_xml"]
_BINDING_XML = ROWS["nwfilter_binding_get_xml_desc"]
_BINDING_DELETE = ROWS["nwfilter_binding_delete"]


class NWFilter(IdentifiedObject):
    """A network filter, found or made through ``host.nwfilters``. One that is gone raises NoNWFilter."""

    __slots__ = ()

    def xml(self, *, deadline: float | None = None) -> str:
        """The filter's XML (virNWFilterGetXMLDesc)."""
        return self._call(_XML, 0, deadline=deadline)[0]

    def undefine(self, *, deadline: float | None = None) -> None:
        """Forget the filter; refused while it is used (virNWFilterUndefine)."""
        self._call(_UNDEFINE, deadline=deadline)


class NWFilters(IdentifiedObjects[NWFilter]):
    """``host.nwfilters``: iterable, ``len``, ``in``, and ``host.nwfilters[name]``."""

    thing = NWFilter
    list_all = ROWS["connect_list_all_nwfilters"]
    by_name = ROWS["nwfilter_lookup_by_name"]
    by_uuid = ROWS["nwfilter_lookup_by_uuid"]

    def list(self, *, deadline: float | None = None) -> list[NWFilter]:
        """All filters (virConnectListAllNWFilters)."""
        return self._all(0, deadline)

    def names(self, *, deadline: float | None = None) -> list[str]:
        """The names of all filters (virConnectListNWFilters)."""
        return self._names(_NUM, _NAMES, deadline=deadline)

    def define(self, xml: str, *, validate: bool = False, deadline: float | None = None) -> NWFilter:
        """Keep a filter, or replace the one with the same UUID and name (virNWFilterDefineXMLFlags)."""
        if validate:
            return self._one(_DEFINE_FLAGS, xml, int(NWFilterDefineFlags.VALIDATE), deadline=deadline)
        return self._one(_DEFINE, xml, deadline=deadline)


class NWFilterBinding(HostObject):
    """A filter on one interface of a guest, found or made through ``host.nwfilter_bindings``."""

    __slots__ = ()

    @property
    def port_dev(self) -> str:
        """The host's interface that is filtered."""
        return self._ref.portdev

    @property
    def name(self) -> str:
        return self._ref.portdev

    @property
    def key(self) -> str:
        return self._ref.portdev

    @property
    def filter_name(self) -> str:
        """The filter that it uses."""
        return self._ref.filtername

    def xml(self, *, deadline: float | None = None) -> str:
        """The binding's XML (virNWFilterBindingGetXMLDesc)."""
        return self._call(_BINDING_XML, 0, deadline=deadline)[0]

    def delete(self, *, deadline: float | None = None) -> None:
        """Filter that interface no more (virNWFilterBindingDelete)."""
        self._call(_BINDING_DELETE, deadline=deadline)


class NWFilterBindings(HostObjects[NWFilterBinding]):
    """``host.nwfilter_bindings``: iterable, ``len``, ``in``, and ``host.nwfilter_bindings["vnet0"]`` by interface."""

    thing = NWFilterBinding
    list_all = ROWS["connect_list_all_nwfilter_bindings"]

    def list(self, *, deadline: float | None = None) -> list[NWFilterBinding]:
        """All bindings (virConnectListAllNWFilterBindings)."""
        return self._all(0, deadline)

    def lookup(self, key: str, *, deadline: float | None = None) -> NWFilterBinding:
        """The binding of that interface (virNWFilterBindingLookupByPortDev). Raises NoNWFilterBinding."""
        if not isinstance(key, str):
            raise TypeError(f"{key!r} is no interface's name")
        return self._one(_BINDING_BY_PORT, key, deadline=deadline)

    def create(self, xml: str, *, validate: bool = False, deadline: float | None = None) -> NWFilterBinding:
        """Filter an interface (virNWFilterBindingCreateXML)."""
        flags = int(NWFilterBindingCreateFlags.VALIDATE) if validate else 0
        return self._one(_BINDING_CREATE, xml, flags, deadline=deadline)
