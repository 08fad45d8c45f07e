"""Trusted platform modules: -tpmdev for the host's side and -device for the guest's."""

from __future__ import annotations

from .....wire.documents.domain import Tpm
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias
from .syntax import key_values

MODELS = ("tpm-tis", "tpm-crb")
DEFAULT_DEVICE = "/dev/tpm0"
# What is said of a module -> the backends that it is for.
ONLY_FOR = {
    "version": ("emulator",),
    "persistent_state": ("emulator",),
    "debug": ("emulator",),
    "device": ("passthrough",),
    "encryption": ("emulator",),
    "sha1": ("emulator",),
    "sha256": ("emulator",),
    "sha384": ("emulator",),
    "sha512": ("emulator",),
    "source_type": ("external",),
    "source_mode": ("external",),
    "source_path": ("external",),
}


def tpms(board: Board) -> list[str]:
    """The arguments of all modules. Raises UnsupportedConfig for more than one: QEMU has no more on x86."""
    modules = board.definition.devices.tpms
    if len(modules) > 1:
        raise UnsupportedConfig("more than one tpm")
    return [word for module in modules for word in _tpm(board, module)]


def _tpm(board: Board, module: Tpm) -> list[str]:
    if module.model not in MODELS:
        raise UnsupportedConfig(label(module))
    if module.model == "tpm-crb" and module.version == "1.2":
        raise UnsupportedConfig("Unsupported interface 'tpm-crb' for TPM 1.2")
    for field, backends in ONLY_FOR.items():
        if module.backend not in backends and getattr(module, field) not in (None, False):
            raise UnsupportedConfig(f"{label(module)}: {field.replace('_', ' ')} with backend {module.backend!r}")
    backend = f"tpm-{alias(module)}"
    device = board.bare_device(label(module), module.model, tpmdev=backend, id=alias(module))
    if module.backend == "passthrough":
        path = module.device or DEFAULT_DEVICE
        return ["-tpmdev", key_values("passthrough", id=backend, path=path), *device]
    socket = key_values("socket", id="chrtpm", path=_socket(board, module))
    return ["-chardev", socket, "-tpmdev", key_values("emulator", id=backend, chardev="chrtpm"), *device]


def _socket(board: Board, module: Tpm) -> str:
    """Where the program listens that is the module: one that the start has started, or another's."""
    if module.backend == "external":
        if module.source_type != "unix" or module.source_mode == "bind" or module.source_path is None:
            raise UnsupportedConfig(f"{label(module)}: a source that is no unix socket to connect to")
        return module.source_path
    path = board.resources.companions.get(alias(module))
    if path is None:
        raise UnsupportedConfig(f"{label(module)}: its emulator has no socket")
    return str(path)
