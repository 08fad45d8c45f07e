"""Numbers from the wire as members of our enumerations, and members as words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TypeVar

Member = TypeVar("Member", bound=IntEnum)
Flag = TypeVar("Flag", bound=int)

# Who asks for parameters says that it can read text among them (virTypedParameterFlags, VIR_TYPED_PARAM_STRING_OKAY).
STRINGS_TOO = 4


def member_or_number(kind: type[Member], number: int) -> Member | int:
    """The member of ``kind`` with that number; the number itself where a newer daemon says what we do not know."""
    try:
        return kind(number)
    except ValueError:
        return number


def words_of(member: IntEnum | int) -> str:
    """A member's name as words; a number that has no name is told as such."""
    return member.name.lower().replace("_", " ") if isinstance(member, IntEnum) else f"unknown ({member})"


def bits(wishes: Mapping[Flag, bool]) -> int:
    """The flags that are wished for, together."""
    return sum(int(flag) for flag, wished in wishes.items() if wished)


def impact(live: bool, config: bool) -> int:
    """virDomainModificationImpact: the running guest, the definition, both, or (neither) whichever there is."""
    return (1 if live else 0) | (2 if config else 0)
