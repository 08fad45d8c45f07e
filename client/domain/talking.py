"""Talking to a guest's devices and to its hypervisor: console, channel, screen, monitor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from ...wire.enums.domain import DomainChannelFlags, DomainConsoleFlags, DomainQemuMonitorCommandFlags
from ...wire.errors import ProtocolError
from ...wire.table import ROWS
from ..streams import Console, Stream
from .identity import Identity

if TYPE_CHECKING:
    import socket

    from ..descriptors import File

_OPEN_CONSOLE = ROWS["domain_open_console"]
_OPEN_CHANNEL = ROWS["domain_open_channel"]
_SCREENSHOT = ROWS["domain_screenshot"]
_OPEN_GRAPHICS = ROWS["domain_open_graphics"]
_OPEN_GRAPHICS_FD = ROWS["domain_open_graphics_fd"]
_MONITOR_COMMAND = ROWS["domain_monitor_command"]
_MONITOR_COMMAND_WITH_FILES = ROWS["domain_monitor_command_with_files"]


class Screenshot(NamedTuple):
    """A picture of a guest's screen: ``mime`` says its format (``image/x-portable-pixmap``, ``image/png``)."""

    mime: str
    data: bytes


class Talking(Identity):
    """The methods that talk to devices and hypervisor."""

    __slots__ = ()

    def open_console(
        self,
        device: str | None = None,
        *,
        force: bool = False,
        safe: bool = False,
        deadline: float | None = None,
    ) -> Console:
        """Talk to a console or serial device, the first one when ``device`` (an alias) is None (virDomainOpenConsole).

        ``force`` takes it from whoever has it open; ``safe`` refuses where that cannot be excluded. Use it in a
        ``with`` statement, or call ``close``.
        """
        flags = (DomainConsoleFlags.FORCE if force else 0) | (DomainConsoleFlags.SAFE if safe else 0)
        return Console(self._session.open_stream(_OPEN_CONSOLE, self._ref, device, int(flags), deadline=deadline))

    def open_channel(self, name: str | None = None, *, force: bool = False, deadline: float | None = None) -> Stream:
        """Talk to a channel of the guest's, the first one when ``name`` is None (virDomainOpenChannel)."""
        flags = DomainChannelFlags.FORCE if force else 0
        return self._session.open_stream(_OPEN_CHANNEL, self._ref, name, int(flags), deadline=deadline)

    def screenshot(self, screen: int = 0, *, deadline: float | None = None) -> Screenshot:
        """A picture of one of the guest's screens (virDomainScreenshot)."""
        stream = self._session.open_stream(_SCREENSHOT, self._ref, screen, 0, deadline=deadline)
        data = b"".join(iter(stream.read, b""))
        stream.finish()
        return Screenshot(stream.result[0] or "", data)

    @overload
    def open_graphics(
        self, sock: None = None, display: int = 0, *, skip_auth: bool = False, deadline: float | None = None
    ) -> socket.socket: ...
    @overload
    def open_graphics(
        self, sock: File, display: int = 0, *, skip_auth: bool = False, deadline: float | None = None
    ) -> None: ...

    def open_graphics(
        self, sock: File | None = None, display: int = 0, *, skip_auth: bool = False, deadline: float | None = None
    ) -> socket.socket | None:
        """A socket at whose other end the guest serves one of its displays (virDomainOpenGraphicsFD).

        ``display`` counts its graphics devices; with ``skip_auth`` no password is asked for. Given a ``sock``, one end
        of a pair, the guest serves the display there (virDomainOpenGraphics); it stays the caller's, who may close it.
        Raises NotSupported where no sockets can pass: over other than unix sockets.
        """
        row, files = (_OPEN_GRAPHICS_FD, ()) if sock is None else (_OPEN_GRAPHICS, (sock,))
        _, brought = self._session.call_with_files(
            row, self._ref, display, int(skip_auth), files=files, deadline=deadline
        )
        if sock is not None:
            return None
        if not brought:
            raise ProtocolError("no socket came with the answer")
        import socket

        return socket.socket(fileno=brought.take())

    @overload
    def monitor_command(
        self, command: str, *, hmp: bool = False, files: Sequence[File] = (), deadline: float | None = None
    ) -> str: ...
    @overload
    def monitor_command(
        self, command: dict[str, Any], *, files: Sequence[File] = (), deadline: float | None = None
    ) -> dict[str, Any]: ...

    def monitor_command(
        self,
        command: str | dict[str, Any],
        *,
        hmp: bool = False,
        files: Sequence[File] = (),
        deadline: float | None = None,
    ) -> str | dict[str, Any]:
        """Send QEMU a monitor command (virDomainQemuMonitorCommand, virDomainQemuMonitorCommandWithFiles).

        Text is QMP as JSON, or a line of the human monitor with ``hmp``, and is answered by QEMU's text. A dict is a
        QMP command (``{"execute": "query-status"}``), answered by the dict that QEMU sent. An open file goes along with
        a command that takes one (``getfd``, ``add-fd``), one at most.
        """
        import json  # Here, as few programs talk to the monitor and it takes a while to import.

        text = command if isinstance(command, str) else json.dumps(command)
        flags = DomainQemuMonitorCommandFlags.HMP if hmp else DomainQemuMonitorCommandFlags.DEFAULT
        if files:
            (answer,), _ = self._session.call_with_files(
                _MONITOR_COMMAND_WITH_FILES, self._ref, text, int(flags), files=files, deadline=deadline
            )
        else:
            (answer,) = self._session.call(_MONITOR_COMMAND, self._ref, text, int(flags), deadline=deadline)
        if isinstance(command, str):
            return answer
        try:
            return json.loads(answer)
        except ValueError as error:
            raise ProtocolError(f"the monitor's answer is not JSON: {error}") from error
