"""Flags: which a call takes, and which of a domain's two definitions it is about.

What libvirt's library refuses before any driver is asked has the words of its public functions, and the area DOMAIN;
what a driver refuses has the name of the driver's function.
"""

from __future__ import annotations

from typing import NamedTuple

from ....wire.enums.domain import DomainModificationImpact
from ....wire.enums.error import ErrorDomain
from ...call import Call
from ..refusals import refusal

LIVE, CONFIG = int(DomainModificationImpact.LIVE), int(DomainModificationImpact.CONFIG)
IMPACTS = LIVE | CONFIG
# VIR_TYPED_PARAM_STRING_OKAY: the caller understands parameters that are text, as all of ours do.
TEXT_OKAY = 4


class Impact(NamedTuple):
    """Which definitions a call changes."""

    live: bool
    config: bool


def check_flags(call: Call, flags: int, allowed: int) -> None:
    """Refuse flags that a call does not know, by their number. Raises InvalidArgument."""
    # The complement of an IntFlag has only bits that the flag knows.
    if unknown := flags & ~int(allowed):
        raise refusal(f"unsupported flags (0x{unknown:x}) in function {function_of(call)}", ErrorDomain.NONE)


def function_of(call: Call) -> str:
    """What libvirt calls the function of a driver's that answers a call ("testDomainGetState")."""
    driver = call.session.driver
    api = call.row.api or call.row.name
    return api if driver is None or not api.startswith("vir") else driver.name + api[3:]


def check_one_impact(flags: int) -> None:
    """Refuse a question about both definitions at once. Raises InvalidArgument."""
    if flags & IMPACTS == IMPACTS:
        raise refusal("Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")


def check_not_zero(call: Call, name: str, value: int) -> None:
    """Refuse a number that must not be zero. Raises InvalidArgument."""
    if value == 0:
        raise refusal(f"{name} in {call.row.api} must not be zero")
