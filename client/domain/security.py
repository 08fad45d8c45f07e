"""A domain's security labels, and what a confidential guest's owner may ask and set."""

from __future__ import annotations

from collections.abc import Mapping

from ...wire.params import ParamValue, values_of
from ...wire.table import ROWS
from ...wire.table.structs import SecurityLabel
from . import parameters
from .identity import Part

_LABEL = ROWS["domain_get_security_label"]
_LABELS = ROWS["domain_get_security_label_list"]
_LAUNCH_INFO = ROWS["domain_get_launch_security_info"]
_SET_LAUNCH_STATE = ROWS["domain_set_launch_security_state"]


class Security(Part):
    """``guest.security``."""

    __slots__ = ()

    def label(self, *, deadline: float | None = None) -> SecurityLabel:
        """The label of the first security driver; empty where there is none (virDomainGetSecurityLabel)."""
        return SecurityLabel(*self._call(_LABEL, deadline=deadline))

    def labels(self, *, deadline: float | None = None) -> list[SecurityLabel]:
        """The labels of all of them (virDomainGetSecurityLabelList)."""
        return self._call(_LABELS, deadline=deadline)[0]

    def launch_info(self, *, deadline: float | None = None) -> dict[str, ParamValue]:
        """What proves a confidential guest's beginning (virDomainGetLaunchSecurityInfo)."""
        return values_of(self._call(_LAUNCH_INFO, 0, deadline=deadline)[0])

    def set_launch_state(self, values: Mapping[str, str | int], *, deadline: float | None = None) -> None:
        """Put a secret into such a guest before it runs (virDomainSetLaunchSecurityState)."""
        params = parameters.typed(values, parameters.LAUNCH_SECURITY)
        self._call(_SET_LAUNCH_STATE, params, 0, deadline=deadline)
