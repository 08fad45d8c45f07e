"""The elements of libvirt's namespace for QEMU, under any prefix."""

from __future__ import annotations

import pytest
from virtactor.wire.documents.domain import QemuCommandLine, QemuVariable, format_domain, parse_domain
from virtactor.wire.errors import UnsupportedConfig

URI = "http://libvirt.org/schemas/domain/qemu/1.0"
PLAIN = "<name>x</name><memory>1</memory><os><type>hvm</type></os>"


def test_arguments_are_read_under_any_prefix_and_written_under_ours() -> None:
    inside = "<q:commandline><q:arg value='-a'/><q:arg value='b'/><q:env name='A' value='1'/></q:commandline>"
    definition = parse_domain(f"<domain type='qemu' id='3' xmlns:q='{URI}'>{PLAIN}{inside}</domain>")

    assert definition.qemu_command_line == QemuCommandLine(
        arguments=("-a", "b"), environment=(QemuVariable(name="A", value="1"),)
    )
    text = format_domain(definition)
    assert text.startswith(f"<domain type='qemu' id='3' xmlns:qemu='{URI}'>\n")
    assert text.endswith(
        "  <qemu:commandline>\n    <qemu:arg value='-a'/>\n    <qemu:arg value='b'/>\n"
        "    <qemu:env name='A' value='1'/>\n  </qemu:commandline>\n</domain>\n"
    )
    assert parse_domain(text) == definition


def test_the_namespace_is_declared_only_where_it_is_used() -> None:
    text = format_domain(parse_domain(f"<domain type='qemu' xmlns:qemu='{URI}'>{PLAIN}</domain>"))
    assert "xmlns" not in text


def test_what_the_namespace_does_not_have_is_refused() -> None:
    with pytest.raises(UnsupportedConfig, match="element /domain/q:command"):
        parse_domain(f"<domain type='qemu' xmlns:q='{URI}'>{PLAIN}<q:command/></domain>")
    with pytest.raises(UnsupportedConfig, match="element /domain/q:commandline"):
        parse_domain(f"<domain type='qemu' xmlns:q='urn:other'>{PLAIN}<q:commandline/></domain>")
