"""The emulators of this host: which binary a definition runs with, and what it can do.

Each binary is probed once (capabilities.py keeps the result on disk as well) and again when its file changes. Several
that are wanted at once are probed in parallel, and all who want the same one wait for the same probe.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
from pathlib import Path
from typing import Any

from ....wire.documents.domain_capabilities import format_domain_capabilities
from ....wire.errors import UnsupportedConfig
from ...runtime import Runtime
from .capabilities import Capabilities, Machine, find_emulators, probe
from .cpu_models import QemuCpus, qemu_cpus
from .domain_capabilities import domain_capabilities


class Emulators:
    """Made by the driver; ``preferred`` is the configured binary for definitions that name none, empty for none."""

    def __init__(self, runtime: Runtime, cache: Path, preferred: str) -> None:
        self._runtime = runtime
        self._cache = cache
        self._preferred = preferred
        self._found: dict[str, str] | None = None
        self._probes: dict[tuple[str, int, int], asyncio.Task[Capabilities]] = {}
        self._documents: dict[tuple[object, ...], str] = {}
        self._cpus: dict[tuple[str, int, int, str], asyncio.Task[QemuCpus]] = {}

    async def capabilities(self, binary: str | None, arch: str | None) -> Capabilities:
        """What ``binary`` can do, or the emulator for ``arch`` (the host's when None).

        Raises UnsupportedConfig when there is none, ProcessFailure when it does not answer the probe.
        """
        path = binary or self._binary_for(arch or platform.machine())
        key = _file_of(path)
        found = self._probes.get(key)
        if found is None:
            found = self._probes[key] = self._runtime.spawn(probe(path, self._cache), f"probe {path}")
            found.add_done_callback(lambda done: self._forget_failure(self._probes, key, done))
        return await asyncio.shield(found)

    async def all(self) -> list[Capabilities]:
        """What all emulators of this host can do."""
        binaries = sorted({*self._emulators().values(), *([self._preferred_binary()] if self._preferred else ())})
        return await asyncio.gather(*(self.capabilities(binary, None) for binary in binaries))

    async def cpus(self, capabilities: Capabilities, accelerator: str) -> QemuCpus:
        """The processors that an x86 emulator makes with an accelerator (``tcg``, ``kvm``). Raises ProcessFailure."""
        key = (*_file_of(capabilities.binary), accelerator)
        found = self._cpus.get(key)
        if found is None:
            work = qemu_cpus(capabilities.binary, capabilities.arch, accelerator, self._cache)
            found = self._cpus[key] = self._runtime.spawn(work, f"processors of {capabilities.binary}")
            found.add_done_callback(lambda done: self._forget_failure(self._cpus, key, done))
        return await asyncio.shield(found)

    async def domain_document(
        self, capabilities: Capabilities, arch: str, machine: Machine, type: str, accelerator: str | None
    ) -> str:
        """The `<domainCapabilities>` of an emulator, machine and domain type; x86 ones have an ``accelerator``."""
        key = (*_file_of(capabilities.binary), arch, machine.name, type)
        found = self._documents.get(key)
        if found is None:
            cpus = await self.cpus(capabilities, accelerator) if accelerator is not None else None
            document = await self._runtime.in_thread(domain_capabilities, capabilities, arch, machine, type, cpus)
            found = self._documents[key] = format_domain_capabilities(document)
        return found

    def stop(self) -> None:
        """End the probes that are under way."""
        for found in (*self._probes.values(), *self._cpus.values()):
            found.cancel()

    def _forget_failure(self, found: dict[Any, Any], key: object, done: asyncio.Future[Any]) -> None:
        if done.cancelled() or done.exception() is not None:
            found.pop(key, None)

    def _binary_for(self, arch: str) -> str:
        if self._preferred:
            return self._preferred_binary()
        binary = self._emulators().get(arch)
        if binary is None:
            raise UnsupportedConfig(
                f"there is no emulator for architecture {arch} on this host", hint=f"install qemu-system-{arch}"
            )
        return binary

    def _preferred_binary(self) -> str:
        binary = shutil.which(self._preferred)
        if binary is None:
            raise UnsupportedConfig(
                f"the configured emulator '{self._preferred}' is not an executable file",
                hint="see [qemu] emulator in virtactord.toml",
            )
        return binary

    def _emulators(self) -> dict[str, str]:
        if not self._found:
            self._found = find_emulators()
        return self._found


def _file_of(path: str) -> tuple[str, int, int]:
    """What a binary is known by; it is another one when its file has changed. Raises UnsupportedConfig."""
    if not os.access(path, os.X_OK):
        raise UnsupportedConfig(f"emulator '{path}' is not an executable file")
    stat = os.stat(path)
    return path, stat.st_size, stat.st_mtime_ns
