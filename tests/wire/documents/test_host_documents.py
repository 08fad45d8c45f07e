"""Documents about hosts: processors, domain capabilities, firmware."""

from __future__ import annotations

import pytest
from hypothesis import given
from virtactor.wire.documents.capabilities import Capabilities, format_capabilities, parse_capabilities
from virtactor.wire.documents.cpu import CpuDescription, DescribedFeature, format_cpu, parse_cpu
from virtactor.wire.documents.domain_capabilities import (
    DomainCapabilities,
    format_domain_capabilities,
    parse_domain_capabilities,
)
from virtactor.wire.documents.sysinfo import Sysinfo, format_sysinfo, parse_sysinfo
from virtactor.wire.enums.error import ErrorDomain, ErrorNumber
from virtactor.wire.errors import UnsupportedConfig, VirtError, XMLError

from .instances import any_of
from .test_round_trip import QUICK

# As libvirt 9.0 prints it, with an element of each kind.
DOMAIN_CAPABILITIES = """\
<domainCapabilities>
  <path>/usr/bin/qemu-system-x86_64</path>
  <domain>qemu</domain>
  <machine>pc-q35-7.2</machine>
  <arch>x86_64</arch>
  <vcpu max='288'/>
  <iothreads supported='yes'/>
  <os supported='yes'>
    <enum name='firmware'/>
    <loader supported='yes'>
      <enum name='type'>
        <value>rom</value>
        <value>pflash</value>
      </enum>
    </loader>
  </os>
  <cpu>
    <mode name='host-passthrough' supported='no'/>
    <mode name='maximum' supported='yes'>
      <enum name='maximumMigratable'>
        <value>on</value>
        <value>off</value>
      </enum>
    </mode>
    <mode name='host-model' supported='yes'>
      <model fallback='forbid'>EPYC</model>
      <vendor>AMD</vendor>
      <feature policy='require' name='acpi'/>
      <feature policy='disable' name='vme'/>
    </mode>
    <mode name='custom' supported='yes'>
      <model usable='yes' vendor='unknown'>qemu64</model>
      <model usable='no' vendor='AMD'>phenom</model>
    </mode>
  </cpu>
  <memoryBacking supported='yes'>
    <enum name='sourceType'>
      <value>file</value>
    </enum>
  </memoryBacking>
  <devices>
    <disk supported='yes'>
      <enum name='bus'>
        <value>virtio</value>
      </enum>
    </disk>
    <hostdev supported='no'/>
  </devices>
  <features>
    <gic supported='no'/>
    <backingStoreInput supported='yes'/>
  </features>
</domainCapabilities>
"""


@QUICK
@given(any_of(CpuDescription))
def test_processors_round_trip(cpu: CpuDescription) -> None:
    assert parse_cpu(format_cpu(cpu)) == cpu


@QUICK
@given(any_of(DomainCapabilities))
def test_domain_capabilities_round_trip(document: DomainCapabilities) -> None:
    assert parse_domain_capabilities(format_domain_capabilities(document)) == document


@QUICK
@given(any_of(Sysinfo))
def test_firmware_round_trips(document: Sysinfo) -> None:
    assert parse_sysinfo(format_sysinfo(document)) == document


@QUICK
@given(any_of(Capabilities))
def test_capabilities_round_trip(document: Capabilities) -> None:
    assert parse_capabilities(format_capabilities(document)) == document


def test_domain_capabilities_are_written_as_libvirt_writes_them() -> None:
    assert format_domain_capabilities(parse_domain_capabilities(DOMAIN_CAPABILITIES)) == DOMAIN_CAPABILITIES


HOSTS = """<cpu>
  <arch>x86_64</arch><model>kvm64</model><vendor>AMD</vendor><microcode version='1'/>
  <signature family='25' model='17' stepping='1'/><counter name='tsc' frequency='1' scaling='no'/>
  <topology sockets='1' dies='1' cores='2' threads='1'/><maxphysaddr mode='emulate' bits='48'/>
  <feature name='vme'/><pages unit='KiB' size='4'/><numa><cell/></numa>
</cpu>"""


def test_what_says_nothing_of_features_is_passed_over() -> None:
    expected = CpuDescription(arch="x86_64", model="kvm64", vendor="AMD", features=(DescribedFeature(name="vme"),))
    assert parse_cpu(HOSTS) == expected
    assert parse_cpu(HOSTS, strict=True) == expected
    assert parse_cpu("<cpu><model>x</model><bogus/></cpu>").model == "x"


@pytest.mark.parametrize(
    ("text", "strict", "kind", "code"),
    [
        ("<cpu><bogus/></cpu>", True, XMLError, ErrorNumber.XML_INVALID_SCHEMA),
        ("<cpu", False, XMLError, ErrorNumber.XML_DETAIL),
        ("", False, XMLError, ErrorNumber.XML_DETAIL),
        ("<foo/>", False, XMLError, ErrorNumber.XML_ERROR),
        ("<cpu match='x'/>", False, XMLError, ErrorNumber.XML_ERROR),
        ("<cpu bogus='1'/>", False, UnsupportedConfig, ErrorNumber.CONFIG_UNSUPPORTED),
        ("<cpu><feature/></cpu>", False, XMLError, ErrorNumber.XML_ERROR),
    ],
)
def test_what_is_no_processor_is_refused(text: str, strict: bool, kind: type[VirtError], code: int) -> None:
    with pytest.raises(kind) as caught:
        parse_cpu(text, strict=strict)
    assert (caught.value.code, caught.value.domain) == (code, ErrorDomain.CPU)
