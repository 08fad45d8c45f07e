"""What applications and people note on a domain: title, description, and elements of applications' own."""

from __future__ import annotations

from dataclasses import replace

from lxml import etree

from ....wire.documents.binding import Verbatim
from ....wire.documents.domain import DomainDefinition
from ....wire.enums.domain import DomainMetadataType
from ....wire.enums.error import ErrorDomain, ErrorNumber
from ....wire.errors import InvalidArgument, NoDomainMetadata
from ....wire.table import ROWS, DomainRef
from ...call import Call
from .domain_object import DomainObject
from .flags import IMPACTS, check_one_impact, refusal

_ROW = ROWS["domain_event_callback_metadata_change"]
_DESCRIPTION, _TITLE, _ELEMENT = DomainMetadataType.DESCRIPTION, DomainMetadataType.TITLE, DomainMetadataType.ELEMENT


class Metadata(DomainObject):
    """Calls about notes."""

    def domain_get_metadata(self, call: Call, dom: DomainRef, type: int, uri: str | None, flags: int) -> tuple[str]:
        check_one_impact(flags)
        _check_uri(call, type, uri)
        self.check_flags(call, flags, IMPACTS)
        if type not in (_DESCRIPTION, _TITLE, _ELEMENT):
            raise InvalidArgument("unknown metadata type", domain=ErrorDomain.DOMAIN, code=ErrorNumber.INVALID_ARG)
        found = _note(self.definition_for(flags), type, uri)
        if found is None:
            raise NoDomainMetadata("Requested metadata element is not present", domain=ErrorDomain.DOMAIN)
        return (found,)

    async def domain_set_metadata(
        self, call: Call, dom: DomainRef, type: int, metadata: str | None, key: str | None, uri: str | None, flags: int
    ) -> None:
        _check_note(call, type, metadata, key, uri)
        self.check_flags(call, flags, IMPACTS)
        if type not in (_DESCRIPTION, _TITLE, _ELEMENT):
            raise InvalidArgument("unknown metadata type", domain=ErrorDomain.DOMAIN)
        element = _element(metadata, key or "", uri or "") if type == _ELEMENT and metadata is not None else None

        def noted(definition: DomainDefinition) -> DomainDefinition:
            if type == _TITLE:
                return replace(definition, title=metadata or None)
            if type == _DESCRIPTION:
                return replace(definition, description=metadata or None)
            kept = tuple(each for each in definition.metadata if each.namespace != uri)
            return replace(definition, metadata=(*kept, element) if element else kept)

        await self.change_documents(flags, noted)
        self.publish(_ROW, type, uri)


def _check_uri(call: Call, type: int, uri: str | None) -> None:
    if type == _ELEMENT and uri is None:
        raise refusal(f"uri in {call.row.api} must not be NULL")
    if type in (_TITLE, _DESCRIPTION) and uri is not None:
        raise refusal(f"uri in {call.row.api} must be NULL")


def _check_note(call: Call, type: int, metadata: str | None, key: str | None, uri: str | None) -> None:
    if type == _TITLE and metadata is not None and "\n" in metadata:
        raise refusal("metadata title can't contain newlines")
    if type in (_TITLE, _DESCRIPTION):
        for name, value in (("uri", uri), ("key", key)):
            if value is not None:
                raise refusal(f"{name} in {call.row.api} must be NULL")
    elif type == _ELEMENT:
        if uri is None:
            raise refusal(f"uri in {call.row.api} must not be NULL")
        if metadata is not None and key is None:
            raise refusal(f"key in {call.row.api} must not be NULL")


def _note(definition: DomainDefinition, type: int, uri: str | None) -> str | None:
    if type == _TITLE:
        return definition.title
    if type == _DESCRIPTION:
        return definition.description
    found = next((each for each in definition.metadata if each.namespace == uri), None)
    return None if found is None else _without_namespace(found)


def _element(xml: str, key: str, uri: str) -> Verbatim:
    """An application's element in the namespace of its own. Raises InvalidArgument for what is no XML."""
    try:
        root = etree.fromstring(xml.encode(), etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InvalidArgument(str(error), domain=ErrorDomain.DOMAIN, code=ErrorNumber.XML_DETAIL) from None
    named = etree.Element(f"{{{uri}}}{etree.QName(root).localname}", nsmap={key: uri})
    for name, value in root.attrib.items():
        named.set(name, value)
    named.text = root.text
    named.extend(list(root))
    for element in named.iter(etree.Element):
        if not etree.QName(element).namespace:
            element.tag = f"{{{uri}}}{element.tag}"
    etree.cleanup_namespaces(named, top_nsmap={key: uri})
    return Verbatim(uri, etree.tostring(named, encoding="unicode"))


def _without_namespace(kept: Verbatim) -> str:
    """An application's element as it was given: its namespace is what it was asked for by."""
    root = etree.fromstring(kept.xml)
    for element in root.iter(etree.Element):
        name = etree.QName(element)
        if name.namespace == kept.namespace:
            element.tag = name.localname
    etree.cleanup_namespaces(root)
    return etree.tostring(root, encoding="unicode")
