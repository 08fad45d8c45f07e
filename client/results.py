"""What came of a call on many guests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Self

from ..wire.errors import OperationFailed, VirtError

if TYPE_CHECKING:
    from .domain import Domain

Progress = Callable[[str, "Domain | VirtError"], None]


class Results(Mapping[str, "Domain | VirtError"]):
    """Outcomes by the guest's name, in the order in which they came: its Domain, or the error that it failed with."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Domain | VirtError] = {}

    def __getitem__(self, name: str) -> Domain | VirtError:
        return self._outcomes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._outcomes)

    def __len__(self) -> int:
        return len(self._outcomes)

    def __repr__(self) -> str:
        return f"<Results: {len(self.domains)} done, {len(self.failed)} failed>"

    def record(self, name: str, outcome: Domain | VirtError) -> str:
        """Add an outcome; a name that is there already gets a number. Returns the name that it has now."""
        unique, number = name, 1
        while unique in self._outcomes:
            number += 1
            unique = f"{name} ({number})"
        self._outcomes[unique] = outcome
        return unique

    @property
    def domains(self) -> dict[str, Domain]:
        """Those that succeeded."""
        return {name: found for name, found in self._outcomes.items() if not isinstance(found, VirtError)}

    @property
    def failed(self) -> dict[str, VirtError]:
        """Those that did not, with why."""
        return {name: found for name, found in self._outcomes.items() if isinstance(found, VirtError)}

    def raise_for_failures(self) -> Self:
        """Raise if any guest failed: its own error when it was one, else OperationFailed that names them all.

        Returns the result itself, to be chained.
        """
        failed = self.failed
        if not failed:
            return self
        first = next(iter(failed.values()))
        if len(failed) == 1:
            raise first
        each = "; ".join(f"{name}: {error.message}" for name, error in failed.items())
        raise OperationFailed(f"{len(failed)} of {len(self)} guests: {each}") from first
