"""What a caller does to a running machine from outside: keys, pictures, interrupts, looks at its memory and disks."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pykka

from ....wire.enums.domain import DomainChannelFlags, DomainState
from ....wire.enums.domain_jobs import DomainBlockResizeFlags
from ....wire.enums.domain_tuning import DomainMemoryFlags, DomainMessageType, DomainOpenGraphicsFlags
from ....wire.enums.error import ErrorNumber
from ....wire.errors import InvalidArgument, NotSupported, OperationFailed, OperationInvalid, SystemFailure
from ....wire.params import TypedParam
from ....wire.table import DomainRef
from ....wire.table.structs import SecurityLabel
from ...call import Call
from ...connection.file_streams import Download
from ...connection.streams import DescriptorStream
from ...descriptors import close_all
from ...lifecycle import Happening
from ..domain.disks import find_disk
from ..domain.flags import refusal
from .command_line.image import node_names
from .guest_figures import GuestFigures, is_of
from .keys import key_values
from .notes import messages
from .talking import Talking

MOST_PEEK = 4 * 1024 * 1024
BYTES_PER_KIB = 1024
_DEFAULT_HOLD = 100  # ms
_MOST_SECONDS = 60
# By virDomainDirtyRateCalcFlags.
_RATES = {0: "page-sampling", 1: "dirty-bitmap", 2: "dirty-ring"}


class Controls(Talking, GuestFigures):
    """Calls that act on the machine."""

    # -- keys, pictures, interrupts ------------------------------------------------------------------------------------

    async def domain_send_key(
        self, call: Call, dom: DomainRef, codeset: int, holdtime: int, keycodes: list[int], flags: int
    ) -> None:
        self.check_flags(call, flags, 0)
        keys = key_values(codeset, keycodes)
        self.require_active()
        await self.execute(call, "send-key", {"keys": keys, "hold-time": holdtime or _DEFAULT_HOLD})

    async def domain_inject_nmi(self, call: Call, dom: DomainRef, flags: int) -> None:
        self.check_flags(call, flags, 0)
        self.require_active()
        await self.execute(call, "inject-nmi")

    async def domain_screenshot(
        self, call: Call, dom: DomainRef, screen: int, flags: int
    ) -> tuple[pykka.ActorRef[Download], str]:
        self.check_flags(call, flags, 0)
        self.require_active()
        videos = self.definition.devices.videos
        if not videos:
            raise OperationFailed("no screens to take screenshot from", code=ErrorNumber.INTERNAL_ERROR)
        if screen >= sum(each.heads or 1 for each in videos):
            raise OperationInvalid("no such screen ID", object=self.name)
        which = {"head": screen, "device": videos[0].alias} if screen else {}
        fd = await self.written_by_qemu(call, "screendump", {"format": "png", **which})
        return Download.start(self.runtime, fd, f"screenshot of {self.name}"), "image/png"

    async def written_by_qemu(self, call: Call, command: str, arguments: dict[str, Any]) -> int:
        """What a command writes to the file that it is told, as a descriptor of a file that nobody sees."""
        path = self.around.files.run / f"{self.text_uuid}.look"
        try:
            await self.execute(call, command, {**arguments, "filename": str(path)})
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            path.unlink(missing_ok=True)

    async def domain_pm_wakeup(self, call: Call, dom: DomainRef, flags: int) -> None:
        self.check_flags(call, flags, 0)
        self.require_active()
        if self.state is not DomainState.PMSUSPENDED:
            raise OperationInvalid("Unable to wake up domain: it is not suspended", object=self.name)
        await self.execute(call, "system_wakeup")
        self.happen(Happening.WOKE_UP)
        await self.live_state_saved()

    # -- memory and disks ----------------------------------------------------------------------------------------------

    async def domain_memory_peek(self, call: Call, dom: DomainRef, offset: int, size: int, flags: int) -> tuple[bytes]:
        both = DomainMemoryFlags.VIRTUAL | DomainMemoryFlags.PHYSICAL
        if flags & both == both:
            raise refusal("Flags 'VIR_MEMORY_VIRTUAL' and 'VIR_MEMORY_PHYSICAL' are mutually exclusive")
        if flags not in (DomainMemoryFlags.VIRTUAL, DomainMemoryFlags.PHYSICAL):
            raise InvalidArgument("flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL")
        _check_size(size)
        self.require_active()
        command = "memsave" if flags == DomainMemoryFlags.VIRTUAL else "pmemsave"
        fd = await self.written_by_qemu(call, command, {"val": offset, "size": size})
        try:
            return (os.pread(fd, size, 0),)
        finally:
            os.close(fd)

    async def domain_block_peek(
        self, call: Call, dom: DomainRef, path: str, offset: int, size: int, flags: int
    ) -> tuple[bytes]:
        self.check_flags(call, flags, 0)
        _check_size(size)
        disk = find_disk(self.definition, path)
        if disk is None or disk.path is None:
            raise InvalidArgument(f"invalid disk or path '{path}'")
        if disk.driver is not None and disk.driver.type not in (None, "raw"):
            raise InvalidArgument(f"peeking is only supported for disk with 'raw' format not '{disk.driver.type}'")
        return (await self.runtime.in_thread(_read, disk.path, offset, size),)

    async def domain_block_resize(self, call: Call, dom: DomainRef, disk: str, size: int, flags: int) -> None:
        if not disk:
            raise refusal(f"disk in {call.row.api} must not be NULL")
        self.check_flags(call, flags, DomainBlockResizeFlags.BYTES)
        self.require_active()
        found = find_disk(self.definition, disk)
        if found is None or found.alias is None:
            raise InvalidArgument(f"disk '{disk}' was not found in the domain config")
        node = await self._node(call, found.alias, disk)
        size = size if flags & DomainBlockResizeFlags.BYTES else size * BYTES_PER_KIB
        await self.execute(call, "block_resize", {"node-name": node, "size": size})

    async def domain_set_block_threshold(
        self, call: Call, dom: DomainRef, dev: str, threshold: int, flags: int
    ) -> None:
        self.check_flags(call, flags, 0)
        self.require_active()
        disk = find_disk(self.definition, dev)
        if disk is None or disk.alias is None:
            raise InvalidArgument(f"block device '{dev}' was not found", code=ErrorNumber.INVALID_ARG)
        await self._node(call, disk.alias, dev)  # Which says when there is no medium.
        # What a host's administrator enlarges in time is the image, whatever is in it.
        node = node_names(disk).storage
        await self.execute(call, "block-set-write-threshold", {"node-name": node, "write-threshold": threshold})

    async def _node(self, call: Call, alias: str, name: str) -> str:
        """What QEMU calls the topmost node of a drive. Raises InvalidArgument for one without a medium."""
        for each in await self.execute(call, "query-block"):
            if is_of(each, alias) and "inserted" in each:
                return str(each["inserted"]["node-name"])
        raise InvalidArgument(f"disk '{name}' is empty")

    async def domain_start_dirty_rate_calc(self, call: Call, dom: DomainRef, seconds: int, flags: int) -> None:
        if not 1 <= seconds <= _MOST_SECONDS:
            raise InvalidArgument(f"seconds={seconds} is invalid, please choose value within [1, {_MOST_SECONDS}].")
        if flags not in _RATES:
            raise InvalidArgument(f"dirty rate of flags 0x{flags:x}", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        self.require_active()
        await self.execute(call, "calc-dirty-rate", {"calc-time": seconds, "mode": _RATES[flags]})

    # -- channels and displays -----------------------------------------------------------------------------------------

    def domain_open_channel(
        self, call: Call, dom: DomainRef, name: str | None, flags: int
    ) -> tuple[pykka.ActorRef[DescriptorStream]]:
        self.check_flags(call, flags, DomainChannelFlags.FORCE)
        self.require_active()
        for channel in self.definition.devices.channels:
            if name in (None, channel.alias, channel.name):
                if channel.type != "unix" or channel.source_path is None:
                    raise OperationFailed(
                        f"channel {channel.name} is not using a UNIX socket", code=ErrorNumber.INTERNAL_ERROR
                    )
                force = bool(flags & DomainChannelFlags.FORCE)
                return (self.consoles.open(channel.source_path, call.session, force=force, is_socket=True),)
        raise OperationFailed(f"cannot find channel {name or '<null>'}", code=ErrorNumber.INTERNAL_ERROR)

    async def domain_open_graphics(self, call: Call, dom: DomainRef, idx: int, flags: int) -> None:
        descriptors = call.take_descriptors()
        try:
            if not descriptors:
                raise InvalidArgument("open graphics: no descriptor came with the call")
            await self._give_display(call, idx, flags, descriptors[0])
        finally:
            close_all(descriptors)

    async def domain_open_graphics_fd(self, call: Call, dom: DomainRef, idx: int, flags: int) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with ours, theirs:
            await self._give_display(call, idx, flags, theirs.fileno())
            call.attach(ours.detach())

    async def _give_display(self, call: Call, idx: int, flags: int, fd: int) -> None:
        """Have QEMU serve a display to whoever has the other end of a socket."""
        self.check_flags(call, flags, DomainOpenGraphicsFlags.SKIPAUTH)
        self.require_active()
        displays = self.definition.devices.graphics
        if idx >= len(displays):
            raise OperationFailed(f"No graphics backend with index {idx}", code=ErrorNumber.INTERNAL_ERROR)
        kind = displays[idx].type
        if kind not in ("vnc", "spice"):
            raise OperationFailed(
                f"Can only open VNC or SPICE graphics backends, not {kind}", code=ErrorNumber.INTERNAL_ERROR
            )
        await self.execute(call, "getfd", {"fdname": "display"}, fds=(fd,))
        skip = bool(flags & DomainOpenGraphicsFlags.SKIPAUTH)
        await self.execute(call, "add_client", {"protocol": kind, "fdname": "display", "skipauth": skip})

    # -- notes ---------------------------------------------------------------------------------------------------------

    async def domain_get_messages(self, call: Call, dom: DomainRef, flags: int) -> tuple[list[str]]:
        self.check_flags(call, flags, DomainMessageType.DEPRECATION | DomainMessageType.TAINTING)
        if self.live is None:
            return ([],)
        return (list(messages(self.live, await self.around.capabilities(self.live), flags, self.deeds)),)

    def domain_get_security_label(self, call: Call, dom: DomainRef) -> tuple[str, int]:
        """There is no security driver, as the host's capabilities say."""
        return "", 0

    def domain_get_security_label_list(self, call: Call, dom: DomainRef) -> tuple[list[SecurityLabel], int]:
        return [], 0

    def domain_get_launch_security_info(self, call: Call, dom: DomainRef, flags: int) -> tuple[list[TypedParam]]:
        self.require_active()
        return ([],)

    def domain_set_launch_security_state(
        self, call: Call, dom: DomainRef, params: list[TypedParam], flags: int
    ) -> None:
        raise NotSupported("launch security is not there for this guest", code=ErrorNumber.OPERATION_UNSUPPORTED)


def _check_size(size: int) -> None:
    if size > MOST_PEEK:
        raise InvalidArgument(f"size {size} is more than {MOST_PEEK} bytes")


def _read(path: str, offset: int, size: int) -> bytes:
    try:
        with Path(path).open("rb") as file:
            file.seek(offset)
            data = file.read(size)
    except OSError as error:
        raise SystemFailure(f"{path}: failed to open or read: {error.strerror}", errno=error.errno) from error
    if len(data) < size:
        raise SystemFailure(f"{path}: failed to seek or read {size} bytes at {offset}")
    return data
