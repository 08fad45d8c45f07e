"""What was opened and chosen for one start of a guest, which its definition cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a start has at hand. Descriptors are numbers that the new process inherits unchanged.

    monitor: a listening unix socket for QMP.
    sockets: by alias, where unix character devices listen, whatever their document says: a path, or a descriptor that
        listens already. Channels without a path of their own need one.
    vnc_port: the TCP port of a display with an automatic one; None lets QEMU take the first free from 5900 on.
    pid_file: written by QEMU when it is up.
    now: when the guest starts, with its time zone; the base of clocks that are neither UTC nor the host's.
    """

    monitor: int
    sockets: Mapping[str, Path | int] = field(default_factory=dict)
    vnc_port: int | None = None
    pid_file: Path | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
