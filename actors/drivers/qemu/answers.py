"""What QEMU binaries said of themselves, kept on disk.

A binary is asked again when its file, the host's kernel or the access to /dev/kvm has changed (the last two because
they decide whether KVM works). The cache is a file for each binary and question; one that is damaged is set aside, one
that is out of date is overwritten. A cache that cannot be written costs time, not service.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ....wire.errors import ProcessFailure
from .accelerator import KVM_DEVICE

logger = logging.getLogger("virtactor.qemu.capabilities")

T = TypeVar("T")
CACHE_FORMAT = 3


async def cached(
    binary: str,
    directory: Path,
    question: str,
    ask: Callable[[], Awaitable[T]],
    encode: Callable[[T], dict[str, Any]],
    decode: Callable[[Mapping[str, Any]], T],
) -> T:
    """The answer from the cache if it is still true, else what ``ask`` gives, which is kept.

    ``question`` tells apart what is asked of one binary. Raises ProcessFailure when there is no such binary.
    """
    loop = asyncio.get_running_loop()
    stamp = await loop.run_in_executor(None, _stamp, binary)
    name = hashlib.sha256(f"{binary}{question}".encode()).hexdigest()[:32]
    file = directory / f"{name}.json"
    known = await loop.run_in_executor(None, _load, file, stamp, decode)
    if known is not None:
        return known
    answer = await ask()
    await loop.run_in_executor(None, _save, file, stamp, binary, encode(answer))
    return answer


def _stamp(binary: str) -> dict[str, Any]:
    """What must be unchanged for a cached answer to be true. Raises ProcessFailure when there is no such binary."""
    try:
        stat = os.stat(binary)
    except OSError as error:
        raise ProcessFailure(f"{binary}: {error.strerror}", errno=error.errno) from error
    kernel = os.uname()
    return {
        "format": CACHE_FORMAT,
        "binary": binary,
        "size": stat.st_size,
        "mtime": stat.st_mtime_ns,
        "kernel": f"{kernel.release} {kernel.version}",
        "kvm_device": os.access(KVM_DEVICE, os.R_OK | os.W_OK),
    }


def _load(file: Path, stamp: Mapping[str, Any], decode: Callable[[Mapping[str, Any]], T]) -> T | None:
    try:
        text = file.read_bytes()
    except OSError:
        return None
    try:
        content = json.loads(text)
        if content["stamp"] != stamp:
            return None
        return decode(content["capabilities"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        aside = file.with_suffix(".damaged")
        logger.warning("%s is damaged and set aside as %s: %r", file, aside.name, error)
        with suppress(OSError):
            os.replace(file, aside)
        return None


def _save(file: Path, stamp: Mapping[str, Any], binary: str, answer: Mapping[str, Any]) -> None:
    content = json.dumps({"stamp": stamp, "capabilities": answer}, indent=1)
    temporary = file.with_suffix(f".{secrets.token_hex(4)}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(content)
        os.replace(temporary, file)
    except OSError as error:
        logger.warning("what %s can do is not cached: %s", binary, error)
        with suppress(OSError):
            temporary.unlink()
