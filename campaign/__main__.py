"""Runs a campaign and prints what it came to; ends with 1 when something was found."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .rounds import Campaign, Report

INSIDE = "VIRTACTOR_CAMPAIGN"
DISK = "128m"


def main() -> int:
    parser = argparse.ArgumentParser(prog="campaign")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # A mount namespace of its own: the small disk is seen by nobody else and goes with the last process.
    private = ["unshare", "--mount", "--propagation", "private"]
    if INSIDE not in os.environ and _works(private):
        os.execvpe(private[0], [*private, sys.executable, "-m", "campaign", *sys.argv[1:]], {**os.environ, INSIDE: "1"})
    report = _run(arguments.rounds, arguments.seed, mounted=INSIDE in os.environ)
    print(text(report))
    return 1 if report.findings else 0


def _run(rounds: int, seed: int, mounted: bool) -> Report:
    root = Path(tempfile.mkdtemp(prefix="vc"))
    log = root.with_suffix(".log")
    if mounted:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", root], check=True)
    campaign = Campaign(root, log, seed, mounted, clock=_works(["unshare", "--time", "--monotonic", "1", "--fork"]))
    try:
        report = campaign.run(rounds)
        if not report.findings:
            log.unlink(missing_ok=True)
        return report
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", root], check=True)
        shutil.rmtree(root, ignore_errors=True)
        if log.exists():
            print(f"the daemon's log: {log}")


def _works(prefix: list[str]) -> bool:
    """Whether this host lets us run a command so."""
    try:
        return subprocess.run([*prefix, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def text(report: Report) -> str:
    """The report as it is printed."""
    lines = [
        f"seed {report.seed}: {report.rounds} rounds in {report.seconds:.0f} s, {report.adopted} times a guest adopted",
        *(f"{count:7}  {what}" for what, count in sorted(report.counts.items()) if count),
        f"{len(report.findings)} findings",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
