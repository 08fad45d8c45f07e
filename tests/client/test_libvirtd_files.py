"""Open files between our client and a real libvirtd: what its QEMU driver and its test driver do with them."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator

import pytest
from virtactor.client import Domain, Host, connect
from virtactor.wire.errors import InvalidArgument, NotSupported, VirtError

from ..libvirtd import Libvirtd
from .conftest import PATIENCE, libvirts_test_driver

pytestmark = pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="needs QEMU")

XML = """<domain type='qemu'>
  <name>files</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='/nowhere/disk' fdgroup='image'/><target dev='vda' bus='virtio'/>
    </disk>
    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>
    <memballoon model='none'/>
  </devices>
</domain>"""


@pytest.fixture
def host(libvirtd: Libvirtd) -> Iterator[Host]:
    with connect(libvirtd.uri("qemu"), keepalive_interval=0) as host:
        yield host


@pytest.fixture
def guest(host: Host) -> Iterator[Domain]:
    """A running guest whose disk is a file that has no name."""
    image = os.memfd_create("image")
    try:
        os.truncate(image, 1 << 20)
        guest = host.domains.define(XML)
        with pytest.raises(InvalidArgument, match="file descriptor group 'image' was not associated with the domain"):
            guest.start(paused=True)
        guest.fd_associate("image", [image])
    finally:
        os.close(image)
    guest.start(paused=True)
    yield guest
    guest.destroy()
    guest.undefine()


def test_a_disk_is_a_file_of_the_clients(guest: Domain) -> None:
    (drive,) = guest.monitor_command({"execute": "query-block"})["return"]
    assert drive["inserted"]["image"]["filename"] == "/dev/fdset/0"
    assert drive["inserted"]["image"]["virtual-size"] == 1 << 20


def test_a_display_is_served_at_a_socket(guest: Domain) -> None:
    with guest.open_graphics(skip_auth=True) as sock:
        sock.settimeout(PATIENCE)
        assert sock.recv(12, socket.MSG_WAITALL).startswith(b"RFB ")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        guest.open_graphics(theirs)
        theirs.close()
        ours.settimeout(PATIENCE)
        assert ours.recv(12, socket.MSG_WAITALL).startswith(b"RFB ")


def test_a_monitor_command_takes_a_file_along(guest: Domain) -> None:
    with socket.socket() as file:
        assert guest.monitor_command({"execute": "getfd", "arguments": {"fdname": "x"}}, files=[file])["return"] == {}
        with pytest.raises(InvalidArgument, match="at most 1 fd can be passed to qemu along with a command"):
            guest.monitor_command({"execute": "query-status"}, files=[file, file])


def test_refusals_leave_nothing_open_and_the_connection_usable(host: Host, guest: Domain) -> None:
    with socket.socket() as file:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(10):
            with pytest.raises(NotSupported, match="virDomainCreateXMLWithFiles"):
                host.domains.create(XML, files=[file, file])
            with pytest.raises(VirtError, match="No graphics backend with index 7"):
                guest.open_graphics(display=7)
            guest.open_graphics(skip_auth=True).close()
        assert len(os.listdir("/proc/self/fd")) == before


def test_the_test_driver_takes_files_for_a_start(libvirtd: Libvirtd) -> None:
    with libvirts_test_driver(libvirtd) as host, socket.socket() as file:
        domain = host.domains["test"]
        domain.destroy()
        domain.start(files=[file])
        assert domain.is_active()
