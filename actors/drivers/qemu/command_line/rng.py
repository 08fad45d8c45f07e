"""Sources of randomness: -object for the host's side and -device for the guest's."""

from __future__ import annotations

from .....wire.documents.domain import Rng
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias
from .chardev import host_side, server_end

DEFAULT_SOURCE = "/dev/urandom"
DEFAULT_PERIOD = 1000  # ms


def rngs(board: Board) -> list[str]:
    """The arguments of all sources."""
    return [word for rng in board.definition.devices.rngs for word in _rng(board, rng)]


def _rng(board: Board, rng: Rng) -> list[str]:
    backend = f"obj{alias(rng)}"
    device = board.device(rng, board.virtio("rng", rng.model), **board.virtio_options(rng), rng=backend, **_rate(rng))
    return _backend(board, rng, backend) + device


def _backend(board: Board, rng: Rng, name: str) -> list[str]:
    if rng.backend == "egd":
        if rng.source is not None:
            raise UnsupportedConfig(f"{label(rng)}: backend 'egd' with a file")
        chardev = f"char{alias(rng)}"
        server = host_side(server_end(rng), chardev, board)
        return server + board.object(label(rng), "rng-egd", id=name, chardev=chardev)
    if rng.server_type is not None or rng.servers or rng.server_protocol is not None:
        raise UnsupportedConfig(f"{label(rng)}: backend {rng.backend!r} with a server")
    if rng.backend == "random":
        return board.object(label(rng), "rng-random", id=name, filename=rng.source or DEFAULT_SOURCE)
    if rng.source is not None:
        raise UnsupportedConfig(f"{label(rng)}: backend 'builtin' with a source")
    return board.object(label(rng), "rng-builtin", id=name)


def _rate(rng: Rng) -> dict[str, int]:
    if rng.rate_bytes is None:
        if rng.rate_period is not None:
            raise UnsupportedConfig(f"{label(rng)}: a rate's period without its bytes")
        return {}
    period = DEFAULT_PERIOD if rng.rate_period is None else rng.rate_period
    if not rng.rate_bytes or not period:
        raise UnsupportedConfig(f"{label(rng)}: a rate of 0")
    return {"max-bytes": rng.rate_bytes, "period": period}
