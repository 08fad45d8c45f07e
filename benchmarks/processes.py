"""What the kernel says of a daemon's process."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

TICK = 1 / os.sysconf("SC_CLK_TCK")
_SWITCHES = re.compile(r"^(?:non)?voluntary_ctxt_switches:\s+(\d+)$", re.MULTILINE)


class Activity(NamedTuple):
    """How often a process's threads were switched to, and its processor time in seconds."""

    switches: int
    seconds: float


def memory(pid: int) -> int:
    """The process's proportional share of memory (PSS), in bytes."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB$", text, re.MULTILINE)
    assert found is not None, text
    return int(found[1]) * 1024


def activity(pid: int) -> Activity:
    """What the process has done since it began."""
    threads = Path(f"/proc/{pid}/task").glob("*/status")
    switches = sum(int(number) for status in threads for number in _SWITCHES.findall(status.read_text()))
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Activity(switches, (int(fields[11]) + int(fields[12])) * TICK)
