"""parse(format(x)) == x for any definition that can be made, and whatever is done to a text, only our errors come."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtactor.wire import cpuset
from virtactor.wire.documents import values
from virtactor.wire.documents.binding import At, Subtree, Verbatim
from virtactor.wire.documents.domain import DomainDefinition, complete, format_domain, parse_domain
from virtactor.wire.errors import InvalidArgument, VirtError

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

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


SUBTREES = st.recursive(
    st.builds(Subtree, st.just((("a", "1"),)), st.text("abc", max_size=3)),
    lambda inner: st.builds(Subtree, st.just(()), st.just(""), st.lists(st.tuples(st.just("b"), inner)).map(tuple)),
    max_leaves=3,
)
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
    return some_of(cls, needed, optional)


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


def of_type(type_: Any, at: At) -> st.SearchStrategy[Any]:
    if get_origin(type_) is tuple:
        item = get_args(type_)[0]
        return METADATA if item is Verbatim else st.lists(of_type(item, at), max_size=2).map(tuple)
    if get_origin(type_) in (Union, UnionType):
        return st.one_of(*(of_type(arm, at) for arm in get_args(type_) if arm is not NoneType))
    if get_origin(type_) is Literal:
        return st.sampled_from(get_args(type_))
    if type_ is Subtree:
        return SUBTREES
    if hasattr(type_, "__dataclass_fields__"):
        return any_of(type_)
    if at.codec is not None:
        return OF_CODEC.get(at.codec, st.integers(0, 7))
    return {bool: st.booleans(), int: st.integers(0, 2**64 - 1), str: XML_TEXT}[type_]


# The slots are an attribute of the size that they are for.
DEFINITIONS = any_of(DomainDefinition).map(
    lambda definition: definition if definition.max_memory is not None else replace(definition, memory_slots=None)
)

GUEST = """\
<domain type='kvm' id='3'>
  <name>guest</name>
  <uuid>11111111-2222-3333-4444-555555555555</uuid>
  <metadata><app:x xmlns:app="urn:app"><app:y k="1">t</app:y></app:x></metadata>
  <memory unit='MiB'>512</memory>
  <vcpu placement='static' current='1'>2</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic eoi='on'/></features>
  <cpu mode='custom'><model fallback='allow'>qemu64</model><topology sockets='1' cores='2' threads='1'/></cpu>
  <clock offset='utc'><timer name='rtc' tickpolicy='catchup'/></clock>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source file='/var/lib/a.qcow2'/>
      <target dev='vda' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x04' function='0x0'/>
    </disk>
    <interface type='user'><mac address='52:54:00:11:22:33'/><model type='virtio'/></interface>
    <serial type='pty'><source path='/dev/pts/3'/><target type='isa-serial' port='0'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <graphics type='vnc' port='5900' autoport='yes' passwd='secret'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
"""
JUNK = [
    "",
    "<",
    ">",
    "'",
    "/",
    "&",
    "&x;",
    "]]>",
    "<!--",
    "<a/>",
    "\x00",
    "\ud800",
    "-1",
    "99999999999999999999999",
    "é",
]


@QUICK
@given(DEFINITIONS)
def test_what_is_formatted_is_parsed_to_the_same_definition(definition: DomainDefinition) -> None:
    text = format_domain(definition, secure=True)

    assert parse_domain(text) == definition
    assert format_domain(parse_domain(text), secure=True) == text


@QUICK
@given(DEFINITIONS)
def test_completing_any_definition_is_refused_or_changes_nothing_the_second_time(definition: DomainDefinition) -> None:
    try:
        once = complete(definition)
    except VirtError:
        return
    assert complete(once) == once


@settings(QUICK, max_examples=300)
@given(st.data())
def test_a_damaged_text_is_refused_by_an_error_of_ours_or_round_trips(data: st.DataObject) -> None:
    text = GUEST
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(st.sampled_from(JUNK) | st.text(max_size=3)) + text[end:]
    assert_refused_or_round_trips(text)


@settings(QUICK, max_examples=300)
@given(st.data())
def test_moved_and_repeated_lines_are_refused_by_an_error_of_ours_or_round_trip(data: st.DataObject) -> None:
    lines = GUEST.splitlines()
    for _ in range(data.draw(st.integers(1, 2))):
        line = data.draw(st.sampled_from(lines))
        lines.insert(data.draw(st.integers(0, len(lines))), line)
        lines.pop(data.draw(st.integers(0, len(lines) - 1)))
    assert_refused_or_round_trips("\n".join(lines))


def assert_refused_or_round_trips(text: str) -> None:
    try:
        definition = parse_domain(text)
    except VirtError:
        return
    assert parse_domain(format_domain(definition, secure=True)) == definition


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\ud800", "\ufffe"])
def test_a_character_that_xml_cannot_carry_is_not_formatted(character: str) -> None:
    definition = parse_domain("<domain type='test'><name>x</name><memory>1</memory><os><type>hvm</type></os></domain>")
    object.__setattr__(definition, "title", character)

    with pytest.raises(InvalidArgument, match="XML cannot carry"):
        format_domain(definition)
