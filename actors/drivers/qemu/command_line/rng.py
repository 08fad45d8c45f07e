"""Sources of randomness: -object for the host's side and -device for the guest's."""

from __future__ import annotations

from .....wire.documents.domain import Rng
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias

DEFAULT_SOURCE = "/dev/urandom"
DEFAULT_PERIOD = 1000  # ms


def rngs(board: Board) -> list[str]:
    """The arguments of all sources."""
    return [word for rng in board.definition.devices.rngs for word in _rng(board, rng)]


def _rng(board: Board, rng: Rng) -> list[str]:
    name = f"obj{alias(rng)}"
    if rng.backend == "random":
        backend = board.object(label(rng), "rng-random", id=name, filename=rng.source or DEFAULT_SOURCE)
    elif rng.source is None:
        backend = board.object(label(rng), "rng-builtin", id=name)
    else:
        raise UnsupportedConfig(f"{label(rng)}: backend 'builtin' with a source")
    return backend + board.device(rng, board.virtio("rng"), rng=name, **_rate(rng))


def _rate(rng: Rng) -> dict[str, int]:
    if rng.rate_bytes is None:
        if rng.rate_period is not None:
            raise UnsupportedConfig(f"{label(rng)}: a rate's period without its bytes")
        return {}
    period = DEFAULT_PERIOD if rng.rate_period is None else rng.rate_period
    if not rng.rate_bytes or not period:
        raise UnsupportedConfig(f"{label(rng)}: a rate of 0")
    return {"max-bytes": rng.rate_bytes, "period": period}
