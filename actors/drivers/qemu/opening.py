"""What one start of a guest opens and chooses before QEMU runs: sockets, ports, numbers, media that are there.

What was chosen is told in the live definition, as it would be if the document had said it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....wire.documents.domain import Disk, DomainDefinition, Graphics
from ....wire.errors import OperationFailed, SystemFailure, UnsupportedConfig
from ....wire.framing import DESCRIPTORS_MAX
from ...commands import FIRST_FILE
from ...unix_sockets import listen_unix
from .command_line import Resources, listens_for, served
from .command_line.graphics import DEFAULT_LISTEN, MAX_PORT, VNC_BASE
from .command_line.onboard import MAX_CID, MIN_CID, takes_a_number
from .command_line.resources import DescriptorSet, OpenedVsock
from .files import QemuFiles

VHOST_VSOCK = "/dev/vhost-vsock"
# _IOW(0xAF, 0x60, __u64): gives a guest its number on the descriptor of its vhost.
SET_GUEST_CID = 0x4008AF60
# The sets of files of disks' groups are numbered from here on; those of callers' own arguments may be below.
FIRST_SET = 1000
# Below are the numbers of the files that a caller hands over for a start.
_FIRST_INHERITED = FIRST_FILE + DESCRIPTORS_MAX


@dataclass(frozen=True, slots=True)
class Handed:
    """What callers handed over that a start uses: the groups of its disks by name, and the files of QEMU's own.

    The descriptors are somebody else's to close, when QEMU has its own.
    """

    groups: Mapping[str, Sequence[int]] = field(default_factory=dict)
    files: Sequence[int] = ()


class Opening:
    """The opened things of one start; ``opened`` closes the daemon's ends of them when QEMU has its own.

    live: the definition with what was chosen. companions: the descriptors of the programs beside QEMU, by alias.
    """

    def __init__(self, files: QemuFiles, live: DomainDefinition, handed: Handed, opened: contextlib.ExitStack) -> None:
        self._files = files
        self._handed = handed
        self._uuid = live.uuid or ""
        self._opened = opened
        self.live = live
        self.descriptors: list[int] = []
        self.companions: dict[str, int] = {}

    def resources(self, **more: Any) -> Resources:
        """Open and choose. Raises SystemFailure, and UnsupportedConfig for what this host does not have."""
        given: dict[str, Any] = {
            "monitor": self._listen(self._files.monitor(self._uuid)),
            "sockets": self._channels(),
            "spice_port": self._spice_port(),
            "display_socket": self._display_socket(),
            "companions": self._companions(),
            "vsock": self._vsock(),
            "descriptor_sets": self._descriptor_sets(),
            "pid_file": self._files.pid(self._uuid),
            "memory_directory": self._files.memory,
        }
        return Resources(**given, **more)

    def _listen(self, path: Path) -> int:
        return self._inherit(self._opened.enter_context(listen_unix(path)).fileno())

    def _inherit(self, descriptor: int) -> int:
        """What QEMU is to know one of ours by."""
        copy = inheritable(descriptor)
        self._opened.callback(os.close, copy)
        self.descriptors.append(copy)
        return copy

    def _descriptor_sets(self) -> dict[str, DescriptorSet]:
        """The groups of files of disks."""
        sets = {
            name: DescriptorSet(number, tuple(descriptors), _read_only(descriptors))
            for number, (name, descriptors) in enumerate(self._handed.groups.items(), FIRST_SET)
        }
        self.descriptors.extend(descriptor for each in sets.values() for descriptor in each.descriptors)
        return sets

    def _channels(self) -> dict[str, Path | int]:
        """Sockets for channels that do not say where they listen."""
        sockets: dict[str, Path | int] = {}
        channels = list(self.live.devices.channels)
        for number, channel in enumerate(channels):
            if listens_for(channel) and channel.alias is not None:
                path = self._files.agent(self._uuid, number)
                sockets[channel.alias] = self._listen(path)
                channels[number] = dataclasses.replace(channel, source_mode="bind", source_path=str(path))
        self._change(channels=tuple(channels))
        return sockets

    def _companions(self) -> dict[str, Path]:
        """Sockets for the programs beside QEMU. It connects by their names alone: it runs in their directory."""
        places: dict[str, Path] = {}
        for alias in served(self.live):
            path = self._files.companion(self._uuid, alias)
            listener = self._opened.enter_context(listen_unix(path))
            listener.setblocking(True)  # They wait for QEMU in accept.
            self.companions[alias] = listener.fileno()
            places[alias] = Path(path.name)
        return places

    def _spice_port(self) -> int | None:
        display = self._display(lambda each: each.type == "spice" and bool(each.autoport or each.port == -1))
        if display is None:
            return None
        taken = {each.port for each in self.live.devices.graphics if each.port is not None}
        listen = display.listens[0].address if display.listens else display.listen
        port = _free_port(listen or DEFAULT_LISTEN, taken)
        self._change_display(display, port=port)
        return port

    def _display_socket(self) -> Path | None:
        display = self._display(lambda each: any(on.type == "socket" and on.socket is None for on in each.listens))
        if display is None:
            return None
        path = self._files.display(self._uuid)
        listens = tuple(dataclasses.replace(on, socket=str(path)) for on in display.listens)
        self._change_display(display, listens=listens, socket=str(path) if display.type == "vnc" else None)
        return path

    def _vsock(self) -> OpenedVsock | None:
        device = self.live.devices.vsock
        if device is None:
            return None
        try:
            descriptor = os.open(VHOST_VSOCK, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise UnsupportedConfig(
                f"vsock: {VHOST_VSOCK}: {error.strerror}", hint="the kernel's vhost_vsock"
            ) from error
        self._opened.callback(os.close, descriptor)
        cid = _take_cid(descriptor, None if takes_a_number(device) else device.cid)
        self._change(vsock=dataclasses.replace(device, cid=cid))
        return OpenedVsock(self._inherit(descriptor), cid)

    def _display(self, fits: Callable[[Graphics], bool]) -> Graphics | None:
        return next((each for each in self.live.devices.graphics if fits(each)), None)

    def _change_display(self, display: Graphics, **changes: Any) -> None:
        graphics = self.live.devices.graphics
        changed = (dataclasses.replace(each, **changes) if each is display else each for each in graphics)
        self._change(graphics=tuple(changed))

    def _change(self, **families: Any) -> None:
        self.live = dataclasses.replace(self.live, devices=dataclasses.replace(self.live.devices, **families))


def inheritable(descriptor: int) -> int:
    """A copy of a descriptor, out of the way of the numbers of a caller's files. Raises SystemFailure."""
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST_INHERITED)
    except OSError as error:
        raise SystemFailure(f"cannot copy a descriptor: {error.strerror}", errno=error.errno) from error


def _read_only(descriptors: Sequence[int]) -> bool | None:
    """Whether they can only be read from; None where some can, and some can be written to too."""
    modes = {fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY for descriptor in descriptors}
    return modes.pop() if len(modes) == 1 else None


def with_present_media(definition: DomainDefinition, incoming: bool = False) -> DomainDefinition:
    """The definition without the sources that are not there and need not be: such drives are empty, such disks are left
    out. A guest that was saved does without what it needed to boot. It looks at files, so it blocks. Raises
    OperationFailed for one that must be there and says so.
    """
    disks = tuple(found for disk in definition.devices.disks if (found := _present(disk, incoming)) is not None)
    return dataclasses.replace(definition, devices=dataclasses.replace(definition.devices, disks=disks))


def _present(disk: Disk, incoming: bool) -> Disk | None:
    path = disk.source or disk.source_dev
    if disk.startup_policy in (None, "default") or path is None or disk.fd_group is not None or os.path.exists(path):
        return disk
    if disk.startup_policy != "optional" and not (incoming and disk.startup_policy == "requisite"):
        raise OperationFailed(f"disk {disk.target!r}: {path} is not there")
    if disk.device in ("cdrom", "floppy"):
        return dataclasses.replace(disk, source=None, source_dev=None, startup_policy=None)
    return None


def _free_port(address: str, taken: set[int]) -> int:
    """A TCP port that nobody listens on at the moment, counted from 5900."""
    try:
        family, *_, place = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UnsupportedConfig(f"graphics listen address {address!r}: {error.strerror}") from error
    for port in range(VNC_BASE, MAX_PORT):
        if port in taken:
            continue
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((place[0], port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise SystemFailure(f"cannot listen on {address}: {error.strerror}", errno=error.errno) from error
            return port
    raise OperationFailed("no port is free for graphics")


def _take_cid(descriptor: int, wanted: int | None) -> int:
    """Give the guest of a vhost-vsock its number, the wanted one or the first that is free."""
    for cid in range(MIN_CID, MAX_CID) if wanted is None else (wanted,):
        try:
            fcntl.ioctl(descriptor, SET_GUEST_CID, struct.pack("=Q", cid))
        except OSError as error:
            if error.errno == errno.EADDRINUSE and wanted is None:
                continue
            raise SystemFailure(f"vsock: number {cid}: {error.strerror}", errno=error.errno) from error
        return cid
    raise OperationFailed("vsock: no number is free")
