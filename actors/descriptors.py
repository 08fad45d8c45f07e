"""Descriptors that go from hand to hand: whoever has one last closes it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress


def close_all(descriptors: Iterable[int]) -> None:
    """Close descriptors that nobody takes."""
    for descriptor in descriptors:
        with suppress(OSError):
            os.close(descriptor)
