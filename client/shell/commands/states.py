"""The question for a domain's state, and its answer in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....wire.table import ROWS, DomainRef
from ...domain import state_and_reason
from ..wording import reason_word, state_word

if TYPE_CHECKING:
    from ...bulk import Errand

_STATE = ROWS["domain_get_state"]


def ask_state(ref: DomainRef) -> Errand[tuple[str, str]]:
    """The errand that asks for the words of a domain's state and of its reason."""
    state, reason = state_and_reason(*(yield _STATE, (ref, 0)))
    return state_word(state), reason_word(reason)
