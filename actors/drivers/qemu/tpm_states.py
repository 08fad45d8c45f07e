"""What an emulated TPM remembers, and when it is forgotten: with its domain, unless somebody wants it kept."""

from __future__ import annotations

import shutil

from ....wire.documents.domain import DomainDefinition
from ....wire.enums.domain import DomainUndefineFlagsValues
from ....wire.errors import InvalidArgument
from ...call import Call
from .guest import Guest

_TPM, _KEEP_TPM = int(DomainUndefineFlagsValues.TPM), int(DomainUndefineFlagsValues.KEEP_TPM)


def is_kept(definition: DomainDefinition | None) -> bool:
    """Whether a definition says that its TPM's memory outlives it."""
    return definition is not None and any(module.persistent_state for module in definition.devices.tpms)


class TpmStates(Guest):
    """What undefining a domain, and the end of a transient one, mean for its TPM."""

    _keeps_tpm = False

    async def boot(self, call: Call, live: DomainDefinition, paused: bool) -> DomainDefinition:
        if live.devices.tpms:
            self.around.tpm_states.add(self.text_uuid)
        return await super().boot(call, live, paused)

    async def check_undefine(self, flags: int) -> None:
        await super().check_undefine(flags)
        removed = bool(flags & _TPM)
        kept = bool(flags & _KEEP_TPM)
        if removed and kept:
            raise InvalidArgument("cannot both keep and delete TPM")
        self._keeps_tpm = kept or (not removed and is_kept(self.persistent))

    def _clean_up(self) -> None:
        if self.persistent is None and not self._keeps_tpm:
            self._keeps_tpm = is_kept(self.live)
        super()._clean_up()

    def leave_if_gone(self) -> None:
        if self.has_nothing_left and not self._keeps_tpm:
            states = self.around.tpm_states
            if self.text_uuid in states:
                states.discard(self.text_uuid)
                # Two small files at most.
                shutil.rmtree(self.around.files.tpm(self.text_uuid), ignore_errors=True)
        super().leave_if_gone()
