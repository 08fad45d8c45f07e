"""Files that callers hand over, with a real QEMU: disks that only the client can open, displays, monitor commands."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import guest
import pytest
from virtactor.client import Domain, Host
from virtactor.wire.enums.domain import DomainState
from virtactor.wire.errors import InvalidArgument, NotSupported, OperationInvalid, UnsupportedConfig, VirtError
from virtactor.wire.lanes import LANES
from virtactor.wire.table import ROWS

from .guests import Shell, linux, plain
from .virtactord import PATIENCE, Virtactord, clear, wait_until

MIB = 1 << 20
DISK = "<disk type='file'>{}<source file='/nowhere/disk.img' fdgroup='{}'/><target dev='vda' bus='virtio'/>{}</disk>"
PASSED = (
    "<commandline xmlns='http://libvirt.org/schemas/domain/qemu/1.0'>"
    "<arg value='-chardev'/><arg value='socket,id=first,fd=3'/>"
    "<arg value='-mon'/><arg value='chardev=first,mode=control'/>"
    "<arg value='-add-fd'/><arg value='set=7,fd=4,opaque=second'/></commandline>"
)


def disk(group: str = "image", more: str = "", driver: str = "") -> str:
    return DISK.format(driver, group, more)


class Image:
    """A disk's image that has no name: who has no descriptor of it cannot open it."""

    def __init__(self, folder: Path, content: bytes = b"") -> None:
        number, path = tempfile.mkstemp(dir=folder)
        os.write(number, content)
        os.truncate(number, MIB)
        os.close(number)
        self.writable = os.open(path, os.O_RDWR)
        self.readable = os.open(path, os.O_RDONLY)
        os.unlink(path)

    def close(self) -> None:
        os.close(self.writable)
        os.close(self.readable)


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Image]:
    image = Image(tmp_path, b"written by the client")
    yield image
    image.close()


@pytest.fixture(params=LANES)
def host(shared: Virtactord, request: pytest.FixtureRequest) -> Iterator[Host]:
    """A connection in each lane; the daemon has no more open afterwards than before."""
    with shared.connect(lane=request.param) as host:
        list(host.domains)
        before = descriptors_of(shared.pid)
        yield host
        clear(host)
    wait_until(lambda: descriptors_of(shared.pid) <= before)


def descriptors_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def sets_of(domain: Domain) -> dict[int, list[str]]:
    """QEMU's sets of descriptors, and what they are called."""
    answer = domain.monitor_command({"execute": "query-fdsets"})
    return {each["fdset-id"]: [fd["opaque"] for fd in each["fds"]] for each in answer["return"]}


# -- disks -------------------------------------------------------------------------------------------------------------


def test_a_guest_reads_and_writes_a_disk_that_only_its_client_could_open(
    host: Host, image: Image, guest_image: guest.Guest
) -> None:
    domain = host.domains.define(linux(guest_image, "writer", disk()))
    domain.fd_associate("image", [image.writable])
    domain.start()
    with Shell(domain) as shell:
        shell.boots()
        assert "written by the client" in shell.run("head -c 21 /dev/vda")
        shell.run("echo written by the guest | dd of=/dev/vda conv=fsync,notrunc")
    assert os.pread(image.readable, 20, 0) == b"written by the guest"
    assert "fdgroup='image'" in domain.xml()
    assert "file='/nowhere/disk.img'" in domain.xml()
    assert sets_of(domain) == {1000: ["image"]}


def test_a_start_without_its_group_says_which_is_missing(host: Host) -> None:
    domain = host.domains.define(plain("lonely", disk("mine")))
    with pytest.raises(InvalidArgument, match="file descriptor group 'mine' was not associated with the domain"):
        domain.start()
    assert domain.state()[0] is DomainState.SHUTOFF


def test_a_group_is_any_clients_and_ends_with_its_connection(host: Host, shared: Virtactord, image: Image) -> None:
    domain = host.domains.define(plain("borrowed", disk()))
    with shared.connect() as lender:
        lender.domains["borrowed"].fd_associate("image", [image.writable])
        domain.start(paused=True)
        domain.destroy()
    wait_until(lambda: refused(domain))
    domain.fd_associate("image", [image.writable])
    domain.start(paused=True)


def refused(domain: Domain) -> bool:
    """Whether a start is refused; one that is not is undone."""
    try:
        domain.start(paused=True)
    except InvalidArgument:
        return True
    domain.destroy()
    return False


def test_a_group_serves_many_starts_and_is_replaced_by_its_name(host: Host, image: Image, tmp_path: Path) -> None:
    domain = host.domains.define(plain("again", disk()))
    other = Image(tmp_path, b"another")
    try:
        domain.fd_associate("image", [image.readable])
        domain.fd_associate("image", [other.writable])
        for _ in range(3):
            domain.start(paused=True)
            domain.destroy()
    finally:
        other.close()


def test_a_guest_outlives_the_connection_that_its_files_came_by(host: Host, shared: Virtactord, image: Image) -> None:
    with shared.connect() as lender:
        domain = lender.domains.define(plain("heir", disk()))
        domain.fd_associate("image", [image.writable])
        domain.start(paused=True)
    assert sets_of(host.domains["heir"]) == {1000: ["image"]}


def test_a_disk_is_opened_by_the_descriptor_whose_mode_it_needs(host: Host, image: Image) -> None:
    domain = host.domains.define(plain("both", disk()))
    domain.fd_associate("image", [image.readable, image.writable])
    domain.start(paused=True)
    assert sets_of(domain) == {1000: ["image", "image"]}
    assert is_read_only(domain) is False


def test_a_readonly_disk_needs_a_readable_file_only(host: Host, image: Image) -> None:
    domain = host.domains.define(plain("reader", disk(more="<readonly/>")))
    domain.fd_associate("image", [image.readable])
    domain.start(paused=True)
    assert is_read_only(domain) is True


def is_read_only(domain: Domain) -> bool:
    (drive,) = domain.monitor_command({"execute": "query-block"})["return"]
    return drive["inserted"]["ro"]


def test_a_file_that_cannot_be_written_is_refused_in_qemus_words(host: Host, image: Image) -> None:
    domain = host.domains.define(plain("stuck", disk()))
    domain.fd_associate("image", [image.readable])
    with pytest.raises(VirtError, match="Block node is read-only"):
        domain.start(paused=True)


def test_what_would_need_the_path_is_refused(host: Host, image: Image) -> None:
    domain = host.domains.define(plain("pathless", disk()))
    domain.fd_associate("image", [image.writable])
    domain.start(paused=True)
    with pytest.raises(NotSupported, match="block info is not supported for FD passed disk image"):
        domain.disks["vda"].info()
    with pytest.raises(UnsupportedConfig, match="transient"):
        host.domains.define(plain("fleeting", disk(more="<transient/>")))


def test_no_files_and_unknown_flags_are_refused(host: Host, image: Image) -> None:
    domain = host.domains.define(plain("strict", disk()))
    with pytest.raises(InvalidArgument, match="no files"):
        domain.fd_associate("image", [])
    with pytest.raises(InvalidArgument, match="no descriptor came with the call"):
        host.call("domain_fd_associate", domain.ref, "image", 0)
    with pytest.raises(InvalidArgument, match="unsupported flags"):
        host._session.call_with_files(ROWS["domain_fd_associate"], domain.ref, "image", 4, files=[image.writable])


# -- files of a start --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transient", [False, True])
def test_the_files_of_a_start_are_qemus_from_3_on(host: Host, image: Image, transient: bool) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        xml = plain("passed", disk(), PASSED)
        if transient:
            domain = host.domains.create(xml.replace(disk(), ""), paused=True, files=[theirs, image.writable])
        else:
            domain = host.domains.define(xml)
            domain.fd_associate("image", [image.writable])
            domain.start(paused=True, files=[theirs, image.writable])
        theirs.close()
        ours.settimeout(PATIENCE)
        assert "QMP" in json.loads(ours.makefile().readline())
        assert sets_of(domain) == {7: ["second"], **({} if transient else {1000: ["image"]})}
        assert domain.monitor_command({"execute": "query-name"})["return"] == {"name": "passed"}


def test_a_start_that_fails_leaves_no_file_open(host: Host, image: Image) -> None:
    domain = host.domains.define(plain("failing", "", PASSED.replace("fd=4", "fd=99")))
    with pytest.raises(VirtError, match="fd is not valid"):
        domain.start(files=[image.writable, image.readable])
    domain.undefine()  # The fixture counts what the daemon has open.


# -- the monitor -------------------------------------------------------------------------------------------------------


def test_a_monitor_command_takes_a_file_along(host: Host, image: Image) -> None:
    domain = host.domains.create(plain("told"), paused=True)
    answer = domain.monitor_command({"execute": "add-fd", "arguments": {"fdset-id": 5}}, files=[image.writable])
    assert answer["return"]["fdset-id"] == 5
    text = domain.monitor_command('{"execute": "getfd", "arguments": {"fdname": "mine"}}', files=[image.readable])
    assert json.loads(text) == {"return": {}}
    assert domain.monitor_command("info status", hmp=True, files=[image.readable]).startswith("VM status: paused")
    with pytest.raises(InvalidArgument, match="at most 1 fd can be passed to qemu along with a command"):
        domain.monitor_command({"execute": "add-fd"}, files=[image.writable, image.readable])
    domain.destroy()
    with pytest.raises(OperationInvalid):
        host.domains.define(plain("off")).monitor_command({"execute": "add-fd"}, files=[image.writable])


# -- displays ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [False, True])
def test_a_display_is_served_at_a_socket(host: Host, given: bool) -> None:
    domain = host.domains.create(plain("seen", "<graphics type='vnc' passwd='secret'/>"), paused=True)
    ours: socket.socket
    if given:
        ours, theirs = socket.socketpair()
        with theirs:
            domain.open_graphics(theirs, skip_auth=True)
    else:
        ours = domain.open_graphics(skip_auth=True)
    with ours:
        assert security_of(ours) == [1]  # none
    with domain.open_graphics() as guarded:
        assert security_of(guarded) == [2]  # a password


def security_of(sock: socket.socket) -> list[int]:
    """What a VNC server wants to know of who comes."""
    sock.settimeout(PATIENCE)
    version = sock.recv(12, socket.MSG_WAITALL)
    assert version.startswith(b"RFB ")
    sock.sendall(version)
    (count,) = sock.recv(1)
    return list(sock.recv(count, socket.MSG_WAITALL))
