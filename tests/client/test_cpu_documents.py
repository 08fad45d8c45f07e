"""Descriptions of processors within other documents."""

from __future__ import annotations

import pytest
from virtactor.client.cpu_documents import cpus_in
from virtactor.wire.documents.cpu import parse_cpu
from virtactor.wire.errors import XMLError

DOCUMENT = """<?xml version='1.0'?>
<cpu><model>a</model></cpu>
<domain><cpu mode='custom'><model>b</model></cpu><devices/></domain>
<capabilities><host><cpu><arch>x86_64</arch><model>c</model></cpu></host><guest><cpu/></guest></capabilities>
<domainCapabilities><cpu>
  <mode name='maximum' supported='yes'/>
  <mode name='host-model' supported='yes'>
    <model fallback='forbid'>d</model><vendor>AMD</vendor><feature policy='disable' name='x'/>
  </mode>
</cpu></domainCapabilities>
"""


def test_processors_are_found_wherever_they_stand() -> None:
    found = [parse_cpu(xml) for xml in cpus_in(DOCUMENT)]
    assert [cpu.model for cpu in found] == ["a", "b", "c", "d"]
    assert (found[3].mode, found[3].vendor, found[3].features[0].policy) == ("custom", "AMD", "disable")


def test_a_mode_that_is_not_supported_is_no_processor() -> None:
    assert cpus_in("<domainCapabilities><cpu><mode name='host-model' supported='no'/></cpu></domainCapabilities>") == []


def test_what_is_no_xml_is_refused() -> None:
    with pytest.raises(XMLError) as caught:
        cpus_in("<cpu")
    assert caught.value.line == 1
