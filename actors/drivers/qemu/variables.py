"""The variables of a guest's UEFI: a file of its own, made from a template at its first start and kept from then on."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from ....wire.documents.domain import DomainDefinition
from ....wire.enums.domain import DomainCreateFlags, DomainUndefineFlagsValues
from ....wire.enums.domain_tuning import DomainSaveRestoreFlags
from ....wire.errors import InvalidArgument, OperationFailed, OperationInvalid, UnsupportedConfig
from ...call import Call
from .guest import Guest

MODE = 0o600
_NVRAM, _KEEP_NVRAM = int(DomainUndefineFlagsValues.NVRAM), int(DomainUndefineFlagsValues.KEEP_NVRAM)


def variables_of(definition: DomainDefinition) -> Path | None:
    """Where the file is, None for a guest that has none."""
    nvram = definition.os.nvram
    return None if nvram is None or nvram.path is None else Path(nvram.path)


def make_variables(definition: DomainDefinition, *, anew: bool = False) -> None:
    """Make the file from its template unless it is there, or in any case (``anew``).

    The file is there as a whole or not at all. Raises UnsupportedConfig when there is nothing to make it from,
    OperationFailed when it cannot be written.
    """
    nvram, path = definition.os.nvram, variables_of(definition)
    if nvram is None or path is None or (path.exists() and not anew):
        return
    if nvram.template is None:
        raise UnsupportedConfig(
            f"os/nvram: {path} is not there, and nothing says what it begins with", hint="name its template"
        )
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
            file.write(Path(nvram.template).read_bytes())
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise OperationFailed(f"os/nvram {path}: cannot be made from {nvram.template}: {error.strerror}") from error


def remove_variables(path: Path) -> None:
    """Remove the file. Raises OperationFailed."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OperationFailed(f"failed to remove nvram: {path}: {error.strerror}") from error


# The flag of a call that starts a guest by which its variables are made anew.
RESET_FLAGS: Mapping[str, int] = {
    "domain_create_with_flags": DomainCreateFlags.RESET_NVRAM,
    "domain_create_xml": DomainCreateFlags.RESET_NVRAM,
    "domain_create_xml_with_files": DomainCreateFlags.RESET_NVRAM,
    "domain_restore_flags": DomainSaveRestoreFlags.RESET_NVRAM,
    "domain_restore_params": DomainSaveRestoreFlags.RESET_NVRAM,
}


class Variables(Guest):
    """What starts and ends of a domain mean for its variables."""

    # What is removed with the definition.
    _given_up: Path | None = None

    async def boot(self, call: Call, live: DomainDefinition, paused: bool) -> DomainDefinition:
        if variables_of(live) is not None:
            flag = RESET_FLAGS.get(call.row.name)
            anew = flag is not None and bool(call.args[-1] & flag)
            await self.runtime.in_thread(lambda: make_variables(live, anew=anew))
        return await super().boot(call, live, paused)

    async def check_undefine(self, flags: int) -> None:
        await super().check_undefine(flags)
        removed = flags & _NVRAM
        if removed and flags & _KEEP_NVRAM:
            raise InvalidArgument("cannot both keep and delete nvram")
        assert self.persistent is not None
        path = variables_of(self.persistent)
        there = path is not None and await self.runtime.in_thread(path.exists)
        if there and not removed and not flags & _KEEP_NVRAM:
            raise OperationInvalid("cannot undefine domain with nvram", object=self.name)
        self._given_up = path if removed else None

    async def delete_definition(self) -> None:
        given_up, self._given_up = self._given_up, None
        if given_up is not None:
            await self.runtime.in_thread(remove_variables, given_up)
        await super().delete_definition()
