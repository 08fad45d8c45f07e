"""Starting what runs beside QEMU (command_line/companion.py says what), and finding what an earlier daemon has left.

A companion is started before QEMU, with a socket that listens already, and ends when QEMU closes its connection: it
outlives the daemon as its guest does. What the daemon still sees of it is its end, which is told in the log, and that
it is ended where no QEMU comes. Its environment marks it as ours.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from pathlib import Path

from ....wire.errors import ProcessFailure, SystemFailure, UnsupportedConfig
from ...commands import allowed_environment, run
from .command_line import Companion
from .command_line.companion import ELSEWHERE
from .process import Exit, Identity, Launch, Process, spawn

logger = logging.getLogger("virtactor.qemu")

MARK = "VIRTACTOR_COMPANION"


async def start_companion(companion: Companion, descriptor: int, mark: Path, log: Path) -> Process:
    """Start one; ``mark`` is its guest's path in the run directory, by which a later daemon knows whose it is.

    Raises UnsupportedConfig where its program is not installed, ProcessFailure where its setup fails, SystemFailure.
    """
    argv = [_program(companion, companion.argv[0]), *companion.argv[1:]]
    loop = asyncio.get_running_loop()
    directory = companion.directory
    if directory is not None and await loop.run_in_executor(None, _make, companion, directory) and companion.setup:
        await _set_up(companion, directory)
    environment = {**allowed_environment(), MARK: str(mark)}
    process = await spawn(Launch(argv, log, environment, [descriptor], directory=mark.parent))
    process.watch(lambda exit: _tell(companion, exit))
    return process


def _tell(companion: Companion, exit: Exit) -> None:
    if exit.code not in (0, None):
        logger.warning("%s: %s %s", companion.name, companion.argv[0], exit)


def _program(companion: Companion, name: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *ELSEWHERE])
    found = shutil.which(name, path=path)
    if found is None:
        raise UnsupportedConfig(f"{companion.name}: {name} is not installed")
    return found


def _make(companion: Companion, directory: Path) -> bool:
    """Make the directory of its state; whether it was not there."""
    try:
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700)
    except FileExistsError:
        return False
    except OSError as error:
        raise SystemFailure(f"{companion.name}: {directory}: {error.strerror}", errno=error.errno) from error
    return True


async def _set_up(companion: Companion, directory: Path) -> None:
    """Run its setup; what that has begun and not ended must not be taken for done."""
    try:
        await run([_program(companion, companion.setup[0]), *companion.setup[1:]])
    except BaseException:
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, shutil.rmtree, directory))
        raise


async def end_companions(processes: list[Process]) -> None:
    """End those of a start that failed."""
    for process in processes:
        try:
            await process.kill(0.0)
        except ProcessFailure as error:
            logger.warning("%s", error)


def companions_of(run: Path) -> dict[str, list[Identity]]:
    """The live companions of guests in a run directory, by the guests' UUIDs."""
    ours = run.resolve()
    found: dict[str, list[Identity]] = {}
    for entry in Path("/proc").iterdir():
        mark = _mark(entry) if entry.name.isdigit() else None
        if mark is None or mark.parent.resolve() != ours:
            continue
        identity = Identity.of(int(entry.name))
        if identity is not None and identity.is_alive():
            found.setdefault(mark.name, []).append(identity)
    return found


def _mark(entry: Path) -> Path | None:
    prefix = f"{MARK}=".encode()
    try:
        words = (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return None  # It has ended meanwhile, or is not ours to look at.
    return next((Path(os.fsdecode(word.removeprefix(prefix))) for word in words if word.startswith(prefix)), None)
