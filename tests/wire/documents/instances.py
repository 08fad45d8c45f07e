"""Any instance of a document's class, for hypothesis to draw, made from where its fields say they stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from virtactor.wire import cpuset
from virtactor.wire.documents import interface, values
from virtactor.wire.documents.binding import At, Subtree, Verbatim
from virtactor.wire.documents.domain import DomainDefinition, Nvram, Rng
from virtactor.wire.documents.network import definition, ip
from virtactor.wire.documents.storage import permissions, volume

XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from("\t\n\r'\"<&>"),
    min_size=1,
    max_size=12,
)
OF_CODEC: dict[Any, st.SearchStrategy[Any]] = {
    values.YES_NO: st.booleans(),
    values.ON_OFF: st.booleans(),
    values.SIGNED: st.integers(-(2**63), 2**63 - 1),
    values.HEX2: st.integers(0, 0xFF),
    values.SLOT: st.integers(0, 0x1F),
    values.HEX4: st.integers(0, 0xFFFF),
    values.HEX4_CAPITALS: st.integers(0, 0xFFFF),
    values.HEX8: st.integers(0, 0xFFFFFFFF),
    values.DECIMAL_OR_HEX: st.integers(0, 2**31 - 1),
    values.UUID: st.uuids().map(str),
    values.MAC: st.binary(min_size=5, max_size=5).map(lambda octets: "52:" + octets.hex(":")),
    values.NAME: XML_TEXT.filter(lambda text: text.strip() and not set("/\n") & set(text) and text not in (".", "..")),
    values.SIZE_KIB: st.integers(0, 2**54 - 1),
    values.SIZE_ROUND: st.integers(0, 2**54 - 1),
    values.SIZE_BYTES: st.integers(0, 2**64 - 1),
    values.SIZE_MIB: st.integers(0, 2**44 - 1),
    values.SCALED_KIB: st.integers(0, 2**54 - 1),
    values.SCALED_USAGE: st.integers(0, 2**54 - 1),
    values.LONG_HEX: st.integers(0, 2**64 - 1),
    values.ANY_HEX: st.integers(0, 2**64 - 1),
    values.OCTAL: st.integers(0, 0o7777),
    definition.VLAN_ID: st.integers(0, 4095),
    ip.ADDRESS: st.ip_addresses().map(str),
    interface.HARDWARE_ADDRESS: st.binary(min_size=6, max_size=6).map(lambda octets: octets.hex(":")),
    permissions.OCTAL: st.integers(0, 0o7777),
    permissions.SIZE_BYTES: st.integers(0, 2**64 - 1),
    permissions.CLUSTER_BYTES: st.integers(0, 2**64 - 1),
    volume.COMPAT: st.sampled_from(["0.10", "1.1", "3"]),
    values.CPUSET: st.frozensets(st.integers(0, 99), min_size=1, max_size=5).map(cpuset.format_numbers),
}
METADATA = st.lists(
    st.builds(
        lambda number, text: Verbatim(f"urn:{number}", f'<a:b xmlns:a="urn:{number}" c="{text}"><a:d/>{text}</a:b>'),
        st.integers(0, 99),
        st.text("abc \n"[:-1], max_size=5),
    ),
    max_size=2,
    unique_by=lambda item: item.namespace,
).map(tuple)


_FILE = Subtree((("file", "/a"),))
_SERVED = Subtree((("protocol", "nbd"),), children=(("host", Subtree((("name", "h"), ("port", "1")))),))
_CHAIN = Subtree(
    (("type", "file"), ("index", "1")),
    children=(
        ("format", Subtree((("type", "raw"),))),
        ("source", _FILE),
        ("backingStore", Subtree((("type", "network"),), children=(("source", _SERVED), ("backingStore", Subtree())))),
    ),
)
# What is kept as it was said, by the element.
KEPT: dict[str, list[Subtree]] = {
    "source": [Subtree(), _FILE, _SERVED],
    "backingStore": [Subtree(), _CHAIN],
    "mirror": [Subtree((("type", "file"), ("job", "copy")), children=(("source", _FILE),))],
    "reservations": [Subtree((("managed", "yes"),))],
    "identity": [Subtree((("user", "a"), ("group", "1")))],
}
# What does not say a thing both as a text and in elements: white space between the two would belong to the text.
FITTING: dict[type, Callable[[Any], Any]] = {
    Nvram: lambda nvram: nvram if nvram.path is None else replace(nvram, source=None),
    Rng: lambda rng: rng if rng.source is None else replace(rng, servers=(), server_protocol=None),
}
# A model has hundreds of fields that may be left out: a few of them are said at a time.
SAID = 6


def any_of(cls: type) -> st.SearchStrategy[Any]:
    """Any instance of a model class, made from where its fields say they stand."""
    hints = get_type_hints(cls, include_extras=True)
    needed: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for field in fields(cls):
        assert get_origin(hints[field.name]) is Annotated
        type_, at = get_args(hints[field.name])
        required = field.default is MISSING and field.default_factory is MISSING
        (needed if required else optional)[field.name] = of_type(type_, at)
    return some_of(cls, needed, optional).map(FITTING.get(cls, lambda instance: instance))


@st.composite
def some_of(
    draw: st.DrawFn,
    cls: type,
    needed: dict[str, st.SearchStrategy[Any]],
    optional: dict[str, st.SearchStrategy[Any]],
) -> Any:
    names = draw(st.lists(st.sampled_from(sorted(optional)), max_size=SAID, unique=True)) if optional else []
    parts = {**needed, **{name: optional[name] for name in names}}
    return cls(**{name: draw(part) for name, part in parts.items()})


def _limit(codec: Any) -> int:
    """The largest number that a codec is known to read."""
    limits = [int(value) for form in codec.text.forms for name, value in form.facets if name == "maxInclusive"]
    return limits[0] if limits else 7


def of_type(type_: Any, at: At) -> st.SearchStrategy[Any]:
    if get_origin(type_) is tuple:
        item = get_args(type_)[0]
        return METADATA if item is Verbatim else st.lists(of_type(item, at), max_size=2).map(tuple)
    if get_origin(type_) in (Union, UnionType):
        return st.one_of(*(of_type(arm, at) for arm in get_args(type_) if arm is not NoneType))
    if get_origin(type_) is Literal:
        return st.sampled_from(get_args(type_))
    if type_ is Subtree:
        return st.sampled_from(KEPT[at.path.rpartition("/")[2]])
    if hasattr(type_, "__dataclass_fields__"):
        return any_of(type_)
    if at.codec is not None:
        return OF_CODEC[at.codec] if at.codec in OF_CODEC else st.integers(0, _limit(at.codec))
    return {bool: st.booleans(), int: st.integers(0, 2**64 - 1), str: XML_TEXT}[type_]


# The slots are an attribute of the size that they are for.
DEFINITIONS = any_of(DomainDefinition).map(
    lambda definition: definition if definition.max_memory is not None else replace(definition, memory_slots=None)
)
