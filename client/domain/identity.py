"""What names a domain, and how it is called: the ground that its methods and parts stand on."""

from __future__ import annotations

import uuid as uuids
from typing import TYPE_CHECKING, Any, Self

from ...wire.params import ParamValue, values_of
from ...wire.table import ROWS, DomainRef, Row
from ..values import STRINGS_TOO, impact

if TYPE_CHECKING:
    from ..reconnect import Session
    from .domain import Domain

_LOOKUP_BY_UUID = ROWS["domain_lookup_by_uuid"]


class Identity:
    """A domain's name, UUID and id, and the session it is called over."""

    __slots__ = ("_ref", "_session")

    def __init__(self, session: Session, ref: DomainRef) -> None:
        self._session = session
        self._ref = ref

    @property
    def name(self) -> str:
        return self._ref.name

    @property
    def uuid(self) -> uuids.UUID:
        return uuids.UUID(bytes=self._ref.uuid)

    @property
    def id(self) -> int | None:
        """The number of the running guest, None while it is off; as last heard, see :meth:`refresh`."""
        return None if self._ref.id < 0 else self._ref.id

    @property
    def ref(self) -> DomainRef:
        """What names the domain in a call of a row (``host.call``)."""
        return self._ref

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self._ref.uuid == other._ref.uuid

    def __hash__(self) -> int:
        return hash(self._ref.uuid)

    def __repr__(self) -> str:
        number = "" if self.id is None else f" id={self.id}"
        return f"<{type(self).__name__} {self.name} {self.uuid}{number}>"

    def update(self, ref: DomainRef) -> None:
        """Take over what the daemon said of it elsewhere: its name and id may have changed."""
        self._ref = ref

    def refresh(self, *, deadline: float | None = None) -> Self:
        """Look the domain up again by its UUID, for its present name and id; returns itself."""
        (self._ref,) = self._session.call(_LOOKUP_BY_UUID, self._ref.uuid, deadline=deadline)
        return self

    def _call(self, row: Row, *args: Any, deadline: float | None = None) -> tuple[Any, ...]:
        """Call a row whose first argument is this domain."""
        return self._session.call(row, self._ref, *args, deadline=deadline)


class Part:
    """Some of a domain's methods, by subject. It lasts as long as it is used: the domain makes it when asked for it."""

    __slots__ = ("_domain",)

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._domain.name}>"

    def _call(self, row: Row, *args: Any, deadline: float | None = None) -> tuple[Any, ...]:
        """Call a row whose first argument is the domain."""
        return self._domain._call(row, *args, deadline=deadline)

    def _parameters(
        self, row: Row, *args: Any, live: bool, config: bool, deadline: float | None = None
    ) -> dict[str, ParamValue]:
        """What a row tells as typed parameters, text among them, and how many there are."""
        params, _ = self._call(row, *args, impact(live, config) | STRINGS_TOO, deadline=deadline)
        return values_of(params)

    def _ask(self, row: Row, *args: Any, deadline: float | None = None) -> tuple[Any, ...]:
        """Call a row about the host."""
        return self._domain._session.call(row, *args, deadline=deadline)
