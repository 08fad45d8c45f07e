"""Passes on what a client and a daemon say over a unix socket, and keeps it."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path

from virtactor.wire.framing import Packet, PacketReader

# libvirt's port, by which the dissector knows whose packets these are.
LIBVIRT_PORT = 16509
_CLIENT_PORT = 40000
_SEGMENT_MAX = 32768


class Recorder:
    """Listens at ``at`` for clients of the daemon that listens at ``behind``, until it is closed.

    ``packets`` is all that was said; ``said`` too, as bytes: the client's number, whether the client said it, and what.
    """

    def __init__(self, at: Path, behind: Path) -> None:
        self.packets: list[Packet] = []
        self.said: list[tuple[int, bool, bytes]] = []
        self._behind = behind
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(at))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more; a shutdown wakes whoever waits for a client."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        number = 0
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                daemon = socket.socket(socket.AF_UNIX)
                daemon.connect(str(self._behind))
                for source, sink, mine in ((client, daemon, True), (daemon, client, False)):
                    threading.Thread(target=self._pass, args=(source, sink, number, mine), daemon=True).start()
                number += 1

    def _pass(self, source: socket.socket, sink: socket.socket, number: int, mine: bool) -> None:
        reader = PacketReader()
        with source, suppress(OSError):
            while data := source.recv(1 << 16):
                self.said.append((number, mine, data))
                self.packets += reader.feed(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def capture(self) -> bytes:
        """What was said as a capture file (pcap, raw IPv4), as if each client had come over TCP."""
        out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101)]
        sent: dict[tuple[int, bool], int] = {}
        for at, (number, mine, data) in enumerate(self.said):
            for start in range(0, len(data), _SEGMENT_MAX):
                piece = data[start : start + _SEGMENT_MAX]
                mine_sent, theirs_sent = sent.get((number, mine), 1), sent.get((number, not mine), 1)
                packet = _segment(_CLIENT_PORT + number, mine, mine_sent, theirs_sent, piece)
                sent[number, mine] = mine_sent + len(piece)
                out.append(struct.pack("<IIII", at, 0, len(packet), len(packet)) + packet)
        return b"".join(out)


def _segment(port: int, mine: bool, sequence: int, acknowledged: int, data: bytes) -> bytes:
    """A TCP segment in an IPv4 packet between two ends of 127.0.0.1, without checksums."""
    source, target = (port, LIBVIRT_PORT) if mine else (LIBVIRT_PORT, port)
    tcp = struct.pack(">HHIIBBHHH", source, target, sequence, acknowledged, 5 << 4, 0x18, 65535, 0, 0)
    loopback = socket.inet_aton("127.0.0.1")
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0, loopback, loopback)
    return ip + tcp + data
