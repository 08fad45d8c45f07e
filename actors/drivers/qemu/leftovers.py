"""The processes that an earlier daemon of this root has started, found by their command lines.

QEMU's argument `-pidfile` names a file in the daemon's run directory: it marks it as ours and tells its domain. The
programs that serve a guest beside QEMU are known by their names and by a file UUID.* there that an argument names.
"""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from .process import Identity

PID_FILE = b"-pidfile"
HELPERS = ("passt", "swtpm", "virtiofsd")


def processes_of(run: Path) -> dict[str, Identity]:
    """The live processes whose pid file is in the directory ``run``, by the UUID that it is named after."""
    ours = run.resolve()
    found: dict[str, Identity] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        pid_file = _pid_file(entry)
        if pid_file is None or pid_file.parent.resolve() != ours:
            continue
        identity = Identity.of(int(entry.name))
        if identity is not None and identity.is_alive():
            found[pid_file.stem] = identity
    return found


def helpers_of(run: Path) -> dict[str, list[Identity]]:
    """The live programs that serve guests of the daemon with the run directory ``run``, by the guest's UUID."""
    folders = b"|".join(re.escape(os.fsencode(folder)) for folder in {run, run.resolve()})
    file = re.compile(rb"(?:" + folders + rb")/([0-9a-f-]{36})\.")
    found: dict[str, list[Identity]] = {}
    for entry in Path("/proc").iterdir():
        words = _command(entry) if entry.name.isdigit() else []
        if not words or os.path.basename(os.fsdecode(words[0])) not in HELPERS:
            continue
        match = file.search(b"\0".join(words))
        identity = Identity.of(int(entry.name)) if match else None
        if match and identity is not None and identity.is_alive():
            found.setdefault(match[1].decode(), []).append(identity)
    return found


def end_at_once(identity: Identity) -> None:
    """Kill a process, this very one; one that has ended meanwhile is passed over."""
    try:
        pidfd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return
    try:
        # The pidfd came first: what has that pid and start time now is what it stands for.
        if identity.is_alive():
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os.close(pidfd)


def _pid_file(entry: Path) -> Path | None:
    words = _command(entry)
    if PID_FILE not in words[:-1]:
        return None
    return Path(os.fsdecode(words[words.index(PID_FILE) + 1]))


def _command(entry: Path) -> list[bytes]:
    """The words of a process's command line; none when it has ended meanwhile, or is not ours to look at."""
    try:
        return (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
