"""A save whose daemon did not live to finish it, and what the next one does about it.

While a guest is being saved, its status says so: the file, the name and inode that it has until it is whole, and
whether the guest ran. The file has its own name only when it is whole, so the next daemon knows which of both is the
guest: with the file under its name that is the file, and QEMU is ended; without it is QEMU, which goes on as before.
Never both, or a disk that the guest has written on would be used with the memory of an earlier moment; never neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from ....wire.documents.binding import At
from ....wire.documents.values import YES_NO

_UNDER_WAY = {"setup", "active", "pre-switchover", "device", "cancelling", "wait-unplug"}
_PAUSE = 0.05  # seconds between two questions whether QEMU has let go of a stream


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedSave:
    """``part`` is the file's name until it is whole, None for a device or a pipe; ``inode`` is known once it is there;
    ``running`` says that the guest ran.
    """

    path: Annotated[str, At("@path")]
    part: Annotated[str | None, At("@part")] = None
    inode: Annotated[int | None, At("@inode")] = None
    running: Annotated[bool, At("@running", YES_NO)] = False

    def is_whole(self) -> bool:
        """Whether the file has its own name."""
        try:
            return self.part is not None and os.stat(self.path).st_ino == self.inode
        except OSError:
            return False

    def remove_part(self) -> None:
        """Leave nothing of a file that is not whole."""
        if self.part is not None:
            with contextlib.suppress(OSError):
                os.unlink(self.part)


async def go_on(ask: Callable[[str], Awaitable[Any]], running: bool) -> None:
    """Have QEMU give up a stream that it writes, and let the guest run again if it did. Raises what ``ask`` does."""
    await ask("migrate_cancel")
    while (await ask("query-migrate")).get("status") in _UNDER_WAY:  # noqa: ASYNC110  nobody tells it to a new daemon
        await asyncio.sleep(_PAUSE)
    if running:
        await ask("cont")
