"""`python -m benchmarks`: runs the measures (all, or those named) and prints what they found."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from .bench import Bench
from .daemons import Unavailable, Virtactord
from .libvirtd import Libvirtd
from .results import Row, save, table

MEASURES = (
    "roundtrip",
    "throughput",
    "crossed",
    "listing",
    "starts",
    "fleet",
    "statistics",
    "definitions",
    "memory",
    "isolation",
    "scale",
    "idle",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0 when all ran, whatever they found; 1 when something failed to."""
    arguments = _arguments(argv)
    notes: list[str] = []
    measured: dict[str, list[Row]] = {}
    failed: dict[str, str] = {}
    with ExitStack() as stack:
        bench = _bench(arguments, stack, notes)
        for note in notes:
            print(note)
        for name in arguments.measures:
            _run(name, bench, measured, failed)
    _summarize(measured, failed)
    if arguments.json is not None:
        save(arguments.json, measured, failed, notes)
    return 1 if failed else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="NAME", help=f"{', '.join(MEASURES)}; default: all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured to FILE too")
    parser.add_argument(
        "--effort", type=float, default=1.0, help="scales repetitions and numbers of guests (default 1)"
    )
    parser.add_argument("--without-libvirtd", action="store_true", help="measure virtactord alone")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.measures) - set(MEASURES):
        parser.error(f"no measure is named {', '.join(sorted(unknown))} (there are {', '.join(MEASURES)})")
    arguments.measures = arguments.measures or list(MEASURES)
    return arguments


def _bench(arguments: argparse.Namespace, stack: ExitStack, notes: list[str]) -> Bench:
    """The daemons, started; the stack ends them and all guests."""
    ours = Virtactord()
    stack.callback(ours.stop)
    libvirtd = None
    if not arguments.without_libvirtd:
        try:
            libvirtd = Libvirtd()
        except Unavailable as reason:
            notes.append(f"libvirtd: skipped, {reason}")
        else:
            stack.callback(libvirtd.stop)
    bench = Bench(ours, libvirtd, arguments.effort)
    stack.callback(bench.guests.end)
    return bench


def _run(name: str, bench: Bench, measured: dict[str, list[Row]], failed: dict[str, str]) -> None:
    module = importlib.import_module(f".measures.{name}", __package__)
    began = time.monotonic()
    described, *_ = (module.__doc__ or "").splitlines()
    print(f"\n{name}: {described}", flush=True)
    rows = measured.setdefault(name, [])
    try:
        rows += module.measure(bench)
    except Exception as error:
        failed[name] = f"{type(error).__name__}: {error}"
        traceback.print_exc()
    if rows:
        print(table(rows))
    print(f"({time.monotonic() - began:.0f} s)", flush=True)


def _summarize(measured: dict[str, list[Row]], failed: dict[str, str]) -> None:
    verdicts = [row.verdict for rows in measured.values() for row in rows if row.verdict]
    print(f"\n{verdicts.count('met')} of {len(verdicts)} targets met.")
    for name, why in failed.items():
        print(f"{name} failed: {why}")


if __name__ == "__main__":
    sys.exit(main())
