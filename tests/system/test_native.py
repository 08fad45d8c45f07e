"""Domains as QEMU's command lines: what is told is what a start runs."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from virtactor.client import Host, InvalidArgument, NotSupported, UnsupportedConfig

from .guests import AGENT, PTY, plain
from .virtactord import Virtactord

DEVICES = f"{PTY}{AGENT}<graphics type='vnc' port='5999' autoport='no'/><interface type='user'/>"


def test_a_document_is_told_as_what_its_start_runs(shared: Virtactord, host: Host) -> None:
    domain = host.domains.define(plain("a b", DEVICES))
    told = shlex.split(host.domains.to_native("qemu-argv", domain.xml()))
    binary = next(index for index, word in enumerate(told) if "=" not in word)
    assert told[0] == "LC_ALL=C"
    domain.start(paused=True)

    pid = shared.qemu_of(domain.uuid)
    run = Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    differing = {(told_word, word) for told_word, word in zip(told[binary:], run, strict=True) if told_word != word}
    assert {told_word.replace(f"{shared.run}/{domain.uuid}", "RUN") for told_word, _ in differing} == {
        "socket,id=charmonitor,path=RUN.monitor,server=on,wait=off",
        "socket,id=charchannel0,path=RUN.agent-0,server=on,wait=off",
    }
    assert all("fd=" in word for _, word in differing)


def test_another_configuration_than_qemus_is_refused(host: Host) -> None:
    with pytest.raises(InvalidArgument, match="unsupported config type xen-xl"):
        host.domains.to_native("xen-xl", plain("a"))


def test_a_document_that_cannot_run_has_no_command_line(host: Host) -> None:
    with pytest.raises(UnsupportedConfig, match="element /domain/devices/lease"):
        host.domains.to_native("qemu-argv", plain("a", "<lease><key>k</key><target path='/l'/></lease>"))


def test_a_command_line_is_no_document_as_with_libvirt(host: Host) -> None:
    with pytest.raises(NotSupported, match="virConnectDomainXMLFromNative"):
        host.domains.from_native("qemu-argv", "qemu -m 3")
