"""The memory balloon: -device. How far it is blown up and how often it tells, the monitor sets (see `preparation`)."""

from __future__ import annotations

from .....wire.errors import UnsupportedConfig
from .board import Board


def memballoon(board: Board) -> list[str]:
    """The balloon's arguments."""
    balloon = board.definition.devices.memballoon
    if balloon is None:
        return []
    if balloon.model != "none":
        return board.device(
            balloon,
            board.virtio("balloon", balloon.model),
            **board.virtio_options(balloon),
            **{"deflate-on-oom": balloon.autodeflate, "free-page-reporting": balloon.free_page_reporting},
        )
    board.refuse_virtio_options("memballoon 'none'", balloon)
    if balloon.autodeflate or balloon.free_page_reporting or balloon.stats_period:
        raise UnsupportedConfig("memballoon 'none' with settings")
    return []
