"""The machine's firmware: -bios for a ROM, and for UEFI two flash chips, the code and (by `<nvram>`) the variables.

Which files these are is in the document: they were chosen when it was defined (`..firmware`). The file of the variables
is made from its template at the start.
"""

from __future__ import annotations

from .....wire.documents.domain import Loader
from .....wire.errors import UnsupportedConfig
from .board import Board
from .syntax import Value, json_option

CODE, VARIABLES = "pflash0", "pflash1"


def machine_switches(board: Board) -> dict[str, Value]:
    """What -machine says of the firmware."""
    os = board.definition.os
    loader = os.loader
    flash = loader is not None and loader.type == "pflash"
    return {
        CODE: f"{CODE}-format" if flash else None,
        VARIABLES: f"{VARIABLES}-format" if flash and os.nvram is not None else None,
        "graphics": _graphics(board),
    }


def _graphics(board: Board) -> bool | None:
    """A firmware that speaks over the serial port is one of a machine without a screen."""
    if not board.definition.os.bios_useserial:
        return None
    if not board.family.root:
        raise UnsupportedConfig(f"bios useserial on machine type {board.family.name}")
    if not board.definition.devices.serials:
        raise UnsupportedConfig("bios useserial without a serial port")
    return False


def firmware(board: Board) -> list[str]:
    """-bios, or the chips' contents."""
    os = board.definition.os
    loader = os.loader
    if loader is None:
        if os.nvram is not None:
            raise UnsupportedConfig("os/nvram without a loader of type 'pflash'")
        if os.firmware == "efi":
            raise UnsupportedConfig("os firmware 'efi': no firmware was chosen")
        if os.firmware_features:
            raise UnsupportedConfig("os/firmware without firmware='efi'")
        return []
    if loader.path is None:
        raise UnsupportedConfig("os/loader without a path")
    if loader.type == "pflash":
        return _flash(board, loader, loader.path)
    return _rom(board, loader, loader.path)


def _rom(board: Board, loader: Loader, path: str) -> list[str]:
    if board.definition.os.nvram is not None:
        raise UnsupportedConfig("os/nvram without a loader of type 'pflash'")
    if loader.secure or loader.stateless or loader.readonly is False:
        raise UnsupportedConfig("os/loader of type 'rom': it cannot be secure or stateless, and is read-only")
    return ["-bios", path]


def _flash(board: Board, loader: Loader, path: str) -> list[str]:
    os = board.definition.os
    if board.family.root is None:
        raise UnsupportedConfig(f"os/loader of type 'pflash' on machine type {board.family.name}")
    if not board.features.acpi:
        raise UnsupportedConfig("os/loader of type 'pflash' without the feature acpi", hint="UEFI needs ACPI")
    if loader.stateless and os.nvram is not None:
        raise UnsupportedConfig("os/nvram with a stateless loader")
    if loader.stateless and loader.readonly is False:
        raise UnsupportedConfig("os/loader: stateless and not read-only")
    words = _chip(CODE, path, readonly=loader.readonly is not False)
    if os.nvram is not None:
        if os.nvram.path is None:
            raise UnsupportedConfig("os/nvram without a path")
        words += _chip(VARIABLES, os.nvram.path, readonly=False)
    return [*words, *_secure(board, loader)]


def _chip(name: str, path: str, *, readonly: bool) -> list[str]:
    storage = {"driver": "file", "filename": path, "node-name": f"{name}-storage", "auto-read-only": True}
    content = {"node-name": f"{name}-format", "read-only": readonly, "driver": "raw", "file": f"{name}-storage"}
    return [*json_option("-blockdev", {**storage, "discard": "unmap"}), *json_option("-blockdev", content)]


def _secure(board: Board, loader: Loader) -> list[str]:
    """Only system management may write to the chips."""
    if not loader.secure:
        return []
    if board.family.name != "q35" or not board.features.smm:
        raise UnsupportedConfig("os/loader: secure", hint="it needs machine type q35 and the feature smm")
    return ["-global", "driver=cfi.pflash01,property=secure,value=on"]
