"""libvirt's own clients hand our daemon open files: libvirt-python, and virsh's --pass-fds and dom-fd-associate."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from ..libvirt_python import WHERE, import_libvirt
from ..system.guests import plain
from ..system.virtactord import PATIENCE

DISK = "<disk type='file'><source file='/nowhere' fdgroup='image'/><target dev='vda' bus='virtio'/></disk>"
DISPLAY = "<graphics type='vnc'/>"
PASSED = (
    "<commandline xmlns='http://libvirt.org/schemas/domain/qemu/1.0'>"
    "<arg value='-add-fd'/><arg value='set=7,fd=3,opaque=mine'/></commandline>"
)
SETS = '{"execute": "query-fdsets"}'


@pytest.fixture
def conn(qemu_uri: str) -> Iterator[Any]:
    conn = import_libvirt().open(qemu_uri)
    yield conn
    for domain in conn.listAllDomains():
        if domain.isActive():
            domain.destroy()
    for domain in conn.listAllDomains():
        domain.undefine()
    conn.close()


@pytest.fixture
def monitor(monkeypatch: pytest.MonkeyPatch) -> Any:
    """libvirt-python's calls for QEMU alone."""
    monkeypatch.syspath_prepend(WHERE)
    return importlib.import_module("libvirt_qemu")


@pytest.fixture
def file() -> Iterator[int]:
    number = os.memfd_create("image")
    os.truncate(number, 1 << 20)
    yield number
    os.close(number)


def test_libvirt_python_hands_files_to_disks_and_starts(conn: Any, monitor: Any, file: int) -> None:
    domain = conn.defineXML(plain("web", DISK, PASSED))
    domain.FDAssociate("image", [file])
    domain.createWithFiles([file], 1)
    sets = monitor.qemuMonitorCommand(domain, SETS, 0)
    assert '"opaque": "mine"' in sets
    assert '"opaque": "image"' in sets
    created = conn.createXMLWithFiles(plain("made", "", PASSED), [file], 1)
    assert '"opaque": "mine"' in monitor.qemuMonitorCommand(created, SETS, 0)


def test_libvirt_python_opens_displays_and_sends_files_to_monitors(conn: Any, monitor: Any, file: int) -> None:
    domain = conn.createXML(plain("seen", DISPLAY), 1)
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(fileno=domain.openGraphicsFD(0, 1)) as given:
        domain.openGraphics(0, theirs.fileno(), 1)
        for sock in (ours, given):
            sock.settimeout(PATIENCE)
            assert sock.recv(12, socket.MSG_WAITALL).startswith(b"RFB ")
    answer, files = monitor.qemuMonitorCommandWithFiles(domain, '{"execute": "add-fd"}', [file], 0)
    assert '"fdset-id": 0' in answer
    assert files == []


def test_virsh_hands_files_over(qemu_uri: str, conn: Any, file: int) -> None:
    conn.defineXML(plain("web", DISK, PASSED))
    monitor = f'qemu-monitor-command web --pass-fds {file} \'{{"execute": "add-fd"}}\''
    commands = f"dom-fd-associate web image {file}; start web --paused --pass-fds {file}; {monitor}"
    done = subprocess.run(
        ["virsh", "-q", "-c", qemu_uri, commands], pass_fds=[file], capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '"fdset-id"' in done.stdout
