"""The QEMU processes that an earlier daemon of this root has started, found by their command lines.

Their argument `-pidfile` names a file in the daemon's run directory: it marks them as ours and tells their domain.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from .process import Identity

PID_FILE = b"-pidfile"


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
    try:
        words = (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return None  # It has ended meanwhile, or is not ours to look at.
    if PID_FILE not in words[:-1]:
        return None
    return Path(os.fsdecode(words[words.index(PID_FILE) + 1]))
