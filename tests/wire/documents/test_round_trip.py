"""parse(format(x)) == x for any definition that can be made, and whatever is done to a text, only our errors come."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtactor.wire.documents.domain import DomainDefinition, complete, format_domain, parse_domain
from virtactor.wire.errors import InvalidArgument, VirtError

from . import plain_writer
from .instances import DEFINITIONS

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

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
@given(DEFINITIONS, st.booleans())
def test_is_written_as_a_plain_writer_does(definition: DomainDefinition, secure: bool) -> None:
    assert format_domain(definition, secure=secure) == plain_writer.write_document(definition, "domain", secure=secure)


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
