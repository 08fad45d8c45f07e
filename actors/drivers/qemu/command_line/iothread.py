"""Threads of their own for disks and their controllers: -object iothread, and how they are called."""

from __future__ import annotations

from .....wire.documents.domain import DomainDefinition
from .....wire.errors import UnsupportedConfig
from .board import Board

MOST = 1024


def iothread_name(board: Board, name: str, number: int | None) -> str | None:
    """The id in QEMU of the I/O thread of that number. Raises UnsupportedConfig, naming who asks, if there is none."""
    if number is None:
        return None
    if number not in (each[0] for each in iothread_pools(board.definition)):
        raise UnsupportedConfig(f"{name}: there is no iothread {number}")
    return f"iothread{number}"


def iothreads(board: Board) -> list[str]:
    """-object iothread for each, and the pool of QEMU's own thread."""
    words: list[str] = []
    pool = board.definition.default_iothread
    if pool is not None:
        limits = {"thread-pool-min": pool.pool_min, "thread-pool-max": pool.pool_max}
        words += board.object("defaultiothread", "main-loop", id="main-loop", **limits)
    for number, low, high in iothread_pools(board.definition):
        limits = {"thread-pool-min": low, "thread-pool-max": high}
        words += board.object(f"iothread {number}", "iothread", id=f"iothread{number}", **limits)
    return words


def iothread_pools(definition: DomainDefinition) -> list[tuple[int, int | None, int | None]]:
    """The numbers of all I/O threads with their pools' limits: those that have an id, and the rest counted up."""
    told = [(each.id, each.pool_min, each.pool_max) for each in definition.iothread_ids]
    ids = {each[0] for each in told}
    if (definition.iothreads or 0) > MOST:
        raise UnsupportedConfig(f"{definition.iothreads} iothreads", hint=f"at most {MOST}")
    if len(ids) < len(told) or 0 in ids:
        raise UnsupportedConfig("iothreadids: ids must differ and be 1 or more")
    free = (number for number in range(1, len(told) + (definition.iothreads or 0) + 1) if number not in ids)
    return told + [(next(free), None, None) for _ in range((definition.iothreads or 0) - len(told))]
