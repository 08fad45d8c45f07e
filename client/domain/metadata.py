"""What is kept with a domain's definition and means nothing to the hypervisor: title, description, others' XML."""

from __future__ import annotations

from ...wire.enums.domain import DomainMetadataType as Type
from ...wire.errors import NoDomainMetadata
from ...wire.table import ROWS
from ..values import impact
from .identity import Part

_GET = ROWS["domain_get_metadata"]
_SET = ROWS["domain_set_metadata"]


class Metadata(Part):
    """``guest.metadata``. What is not there is None, and setting None removes it."""

    __slots__ = ()

    def title(self, *, live: bool = False, config: bool = False, deadline: float | None = None) -> str | None:
        """The domain's title, one line (virDomainGetMetadata)."""
        return self._get(Type.TITLE, None, live, config, deadline)

    def description(self, *, live: bool = False, config: bool = False, deadline: float | None = None) -> str | None:
        """The domain's description (virDomainGetMetadata)."""
        return self._get(Type.DESCRIPTION, None, live, config, deadline)

    def element(
        self, uri: str, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> str | None:
        """The XML that was kept under that namespace (virDomainGetMetadata)."""
        return self._get(Type.ELEMENT, uri, live, config, deadline)

    def set_title(
        self, text: str | None, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> None:
        """Change the title (virDomainSetMetadata)."""
        self._call(_SET, int(Type.TITLE), text, None, None, impact(live, config), deadline=deadline)

    def set_description(
        self, text: str | None, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> None:
        """Change the description (virDomainSetMetadata)."""
        self._call(_SET, int(Type.DESCRIPTION), text, None, None, impact(live, config), deadline=deadline)

    def set_element(
        self,
        uri: str,
        xml: str | None,
        key: str | None = None,
        *,
        live: bool = False,
        config: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Keep XML under a namespace; ``key`` becomes its prefix (virDomainSetMetadata)."""
        self._call(_SET, int(Type.ELEMENT), xml, key, uri, impact(live, config), deadline=deadline)

    def _get(self, type: Type, uri: str | None, live: bool, config: bool, deadline: float | None) -> str | None:
        try:
            return self._call(_GET, int(type), uri, impact(live, config), deadline=deadline)[0]
        except NoDomainMetadata:
            return None
