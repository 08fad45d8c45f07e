"""What was measured: a row for each number, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SCALES = {"s": (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)), "B": (("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1))}


@dataclass(frozen=True, slots=True)
class Target:
    """What a row should come to: its ratio to the reference, or else its value, at most or at least ``limit``."""

    limit: float
    at_least: bool = False
    ratio: bool = True

    def share(self, found: float) -> float:
        """How much of the limit is used; above 1 the target is missed."""
        wanted, given = (found, self.limit) if self.at_least else (self.limit, found)
        if given == wanted == 0:
            return 0.0
        return given / wanted if wanted else math.inf


@dataclass(frozen=True, slots=True)
class Row:
    """One number of virtactord's, and the number that it is held against; ``unit`` is s, B, /s or a plain word."""

    what: str
    unit: str
    value: float
    reference: float | None = None
    against: str = ""
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the reference; None where there is none."""
        if self.reference is None:
            return None
        return self.value / self.reference if self.reference else math.inf

    @property
    def share(self) -> float | None:
        """How much of its target is used; None without a target, or without the reference that it speaks of."""
        if self.target is None:
            return None
        found = self.ratio if self.target.ratio else self.value
        return None if found is None else self.target.share(found)

    @property
    def verdict(self) -> str:
        return "" if self.share is None else "met" if self.share <= 1 else "missed"


def middle(samples: Iterable[float]) -> float:
    """The median."""
    return statistics.median(samples)


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that so many per cent do not exceed."""
    return sorted(samples)[max(0, math.ceil(len(samples) * percent / 100) - 1)]


def amount(value: float, unit: str) -> str:
    """A number with its unit, three digits of it."""
    if math.isinf(value):
        return "no answer"
    scales = SCALES.get(unit, ((unit, 1.0),))
    name, size = next((scale for scale in scales if abs(value) >= scale[1]), scales[-1])
    return f"{_digits(value / size) if name else f'{value:,.0f}'} {name}".replace(" /s", "/s").strip()


def _digits(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 or number == 0 else f"{number:#.3g}"


HEADER = ("", "virtactord", "against", "", "ratio", "target", "of target", "")


def lines(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """The table's cells, without the header."""
    return [
        (
            row.what,
            amount(row.value, row.unit),
            row.against,
            "" if row.reference is None else amount(row.reference, row.unit),
            "" if row.ratio is None else _ratio(row.ratio),
            "" if row.target is None else _wanted(row.target, row.unit),
            "" if row.share is None else f"{row.share:.0%}" if math.isfinite(row.share) else "",
            row.verdict,
        )
        for row in rows
    ]


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if math.isfinite(ratio) else ""


def _wanted(target: Target, unit: str) -> str:
    sign = ">=" if target.at_least else "<="
    return f"{sign} {target.limit:.2f}" if target.ratio else f"{sign} {amount(target.limit, unit)}"


def table(rows: Sequence[Row], header: bool = True) -> str:
    """Rows as aligned text; names to the left, numbers to the right."""
    cells = [HEADER, *lines(rows)] if header else lines(rows)
    widths = [max(map(len, column)) for column in zip(HEADER, *cells, strict=True)]
    widths[0] = max(widths[0], 46)
    return "\n".join(
        "  ".join(_aligned(cell, width, at) for at, (cell, width) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in cells
    )


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column in (0, 2, 7) else cell.rjust(width)


def save(path: Path, measured: dict[str, list[Row]], failed: dict[str, str], notes: Sequence[str]) -> None:
    """Write all as JSON: seconds, bytes and ratios as they were measured; null where nothing answered."""
    document = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"processors": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()},
        "notes": list(notes),
        "failed": failed,
        "measured": {name: [_document(row) for row in rows] for name, rows in measured.items()},
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def _document(row: Row) -> dict[str, Any]:
    fields = {**asdict(row), "ratio": row.ratio, "share": row.share, "verdict": row.verdict}
    return {key: None if isinstance(value, float) and math.isinf(value) else value for key, value in fields.items()}
