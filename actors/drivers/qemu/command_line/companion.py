"""The programs that run beside QEMU and serve it: swtpm is a TPM, virtiofsd a directory of the host's.

Each is given a socket that listens already, so that QEMU can be started beside it and nobody waits for a socket to
appear. Each ends by itself when QEMU closes its connection, whatever becomes of the daemon meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .....wire.documents.domain import DomainDefinition, Filesystem, Tpm
from .....wire.documents.domain.devices.filesystem import FilesystemServer
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import alias
from .filesystem import is_virtiofs

SWTPM = "swtpm"
SWTPM_SETUP = "swtpm_setup"
VIRTIOFSD = "virtiofsd"
# Where distributions put what is not for people to call.
ELSEWHERE = ("/usr/lib/qemu", "/usr/libexec", "/usr/libexec/qemu")
BANKS = ("sha1", "sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True)
class Companion:
    """One program: ``argv`` with its name first, and what has to be done before.

    directory: is made, with nobody else's access, when it is not there.
    setup: a command that is run once, when the directory is new.
    """

    alias: str
    name: str
    argv: tuple[str, ...]
    directory: Path | None = None
    setup: tuple[str, ...] = ()


def served(definition: DomainDefinition) -> list[str]:
    """The aliases of the devices that a companion serves."""
    devices = definition.devices
    modules = [each for each in devices.tpms if each.backend == "emulator"]
    shares = [each for each in devices.filesystems if is_virtiofs(each) and each.source_socket is None]
    return [alias(each) for each in (*modules, *shares)]


def companions(definition: DomainDefinition, sockets: Mapping[str, int], states: Path) -> list[Companion]:
    """The programs for a live definition. ``sockets`` are the descriptors that they inherit, by alias; ``states`` is
    where this guest's TPM keeps itself. Raises UnsupportedConfig."""
    devices = definition.devices
    wanted = served(definition)
    found = [_tpm(each, sockets[alias(each)], states) for each in devices.tpms if each.alias in wanted]
    return found + [_share(each, sockets[alias(each)]) for each in devices.filesystems if each.alias in wanted]


def _tpm(module: Tpm, socket: int, states: Path) -> Companion:
    kind = "tpm2" if module.version != "1.2" else "tpm1.2"
    directory = states / kind
    version = ("--tpm2",) if kind == "tpm2" else ()
    log = () if module.debug is None else ("--log", f"file=-,level={module.debug}")
    banks = [bank for bank in BANKS if getattr(module, bank)]
    if banks and kind != "tpm2":
        raise UnsupportedConfig(f"{label(module)}: active_pcr_banks are for version 2.0")
    setup = (SWTPM_SETUP, "--tpm2", "--tpmstate", str(directory), "--pcr-banks", ",".join(banks), "--not-overwrite")
    return Companion(
        alias=alias(module),
        name=label(module),
        argv=(
            *(SWTPM, "socket", "--ctrl", f"type=unixio,fd={socket}", "--terminate"),
            *("--tpmstate", f"dir={directory},mode=0600", *version, *log),
        ),
        directory=directory,
        setup=setup if banks else (),
    )


def _share(share: Filesystem, socket: int) -> Companion:
    server = share.server or FilesystemServer()
    options = {
        "cache": server.cache,
        "sandbox": server.sandbox,
        "xattr": server.xattr,
        "flock": server.flock,
        "posix_lock": server.posix_lock,
    }
    words = [f"source={(share.source_directory or '').replace(',', chr(92) + ',')}"]
    for name, value in options.items():
        if isinstance(value, bool):
            words.append(name if value else f"no_{name}")
        elif value is not None:
            words.append(f"{name}={value}")
    pool = () if server.threads is None else (f"--thread-pool-size={server.threads}",)
    return Companion(
        alias=alias(share),
        name=label(share),
        argv=(server.path or VIRTIOFSD, f"--fd={socket}", "-o", ",".join(words), *pool),
    )
