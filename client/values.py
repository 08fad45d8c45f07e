"""Numbers from the wire as members of our enumerations."""

from __future__ import annotations

from enum import IntEnum
from typing import TypeVar

Member = TypeVar("Member", bound=IntEnum)


def member_or_number(kind: type[Member], number: int) -> Member | int:
    """The member of ``kind`` with that number; the number itself where a newer daemon says what we do not know."""
    try:
        return kind(number)
    except ValueError:
        return number
