"""What was opened and chosen for one start of a guest, which its definition cannot say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class OpenedVsock:
    """A descriptor of the kernel's vhost-vsock, and the guest's number that was given to it."""

    descriptor: int
    cid: int


@dataclass(frozen=True, slots=True)
class DescriptorSet:
    """Descriptors by which QEMU is to open one file, and the number of the set that they are.

    read_only: whether they can all only be read from, or (False) only written to as well; None where QEMU may choose.
    """

    number: int
    descriptors: tuple[int, ...]
    read_only: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a start has at hand. Descriptors are numbers that the new process inherits unchanged.

    monitor: a unix socket for QMP that listens already, or the place where one is to listen.
    sockets: by alias, where unix character devices listen, whatever their document says: a path, or a descriptor that
        listens already. Channels without a path of their own need one.
    vnc_port: the TCP port of a display with an automatic one; None lets QEMU take the first free from 5900 on.
    spice_port: the TCP port of a SPICE display with an automatic one, which QEMU cannot choose.
    display_socket: where a display listens that is to listen on a socket, and does not say where.
    companions: by alias, the sockets of programs that were started beside QEMU: a TPM's, a virtiofs share's.
    vsock: the kernel's side of the sockets to the host, where a number was to be chosen.
    descriptor_sets: by name, the groups of files that disks are read and written through.
    pid_file: written by QEMU when it is up.
    host_sysinfo: what the host's firmware tells, by table and entry, for guests that tell the same.
    memory_directory: where files for guests' memory are made; they have no name there.
    user: the user and group that the process runs as.
    now: when the guest starts, with its time zone; the base of clocks that are neither UTC nor the host's.
    """

    monitor: int | Path
    sockets: Mapping[str, Path | int] = field(default_factory=dict)
    vnc_port: int | None = None
    spice_port: int | None = None
    display_socket: Path | None = None
    companions: Mapping[str, Path] = field(default_factory=dict)
    vsock: OpenedVsock | None = None
    descriptor_sets: Mapping[str, DescriptorSet] = field(default_factory=dict)
    pid_file: Path | None = None
    host_sysinfo: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    memory_directory: Path = Path("/var/tmp")
    user: tuple[int, int] = field(default_factory=lambda: (os.geteuid(), os.getegid()))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
