"""Sizes as virsh shows them."""

from __future__ import annotations

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def pretty(size: int) -> str:
    """Bytes with the largest unit of which there is one: ``1.50 GiB``."""
    value, power = float(size), 0
    while value >= 1024 and power < len(_UNITS) - 1:
        value, power = value / 1024, power + 1
    return f"{value:.2f} {_UNITS[power]}"
