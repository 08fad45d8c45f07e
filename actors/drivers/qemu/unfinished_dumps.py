"""A dump of a guest's memory whose daemon did not live to finish it.

While it is being written, the guest's status says which name the file has until it is whole. What QEMU writes goes
through the daemon (`pumps.py`), so QEMU gives up by itself when that has ended; the next one removes the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from ....wire.documents.binding import At

_PAUSE = 0.05  # seconds between two questions whether QEMU has given up


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedDump:
    """``part`` is the file's name until it is whole."""

    part: Annotated[str, At("@part")]

    def remove_part(self) -> None:
        """Leave nothing of a file that is not whole."""
        with contextlib.suppress(OSError):
            os.unlink(self.part)


async def until_given_up(ask: Callable[[str], Awaitable[Any]]) -> None:
    """Wait until QEMU is at no dump any more. Raises what ``ask`` does."""
    while (await ask("query-dump"))["status"] == "active":  # noqa: ASYNC110  it tells nobody who did not ask for it
        await asyncio.sleep(_PAUSE)
