"""Changes of files that the store makes: what is to be true of a path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Write:
    """The file at ``path`` has this content.

    Without ``durable`` it survives the daemon's death but not the host's: right for the state of running guests, which
    do not survive that either, and free of flushes.
    """

    path: Path
    data: bytes
    mode: int = 0o600
    durable: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """``path`` is a symbolic link to ``target``."""

    path: Path
    target: str
    durable: bool = True


@dataclass(frozen=True, slots=True)
class Remove:
    """There is no file at ``path``; there need not have been one.

    With ``told_first`` it is made durable right after it is made and told, not before: for a file that harms nobody
    when the host loses power within that millisecond, and so is there again.
    """

    path: Path
    durable: bool = True
    told_first: bool = False


Change = Write | Link | Remove
