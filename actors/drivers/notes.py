"""What applications and people note on an object: title, description, and elements of applications' own.

Definitions of several kinds have them, in fields of these names.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from lxml import etree

from ...wire.documents.binding import Verbatim
from ...wire.documents.domain import DomainDefinition
from ...wire.documents.network import NetworkDefinition
from ...wire.enums.domain import DomainMetadataType
from ...wire.enums.error import ErrorDomain, ErrorNumber
from ...wire.errors import InvalidArgument
from ..call import Call
from .refusals import refusal

# The types of a network's notes have the same numbers.
_DESCRIPTION, _TITLE, _ELEMENT = DomainMetadataType.DESCRIPTION, DomainMetadataType.TITLE, DomainMetadataType.ELEMENT
Noted = TypeVar("Noted", DomainDefinition, NetworkDefinition)


def check_type(type: int, area: ErrorDomain) -> None:
    """Raises InvalidArgument for a type of notes that there is not."""
    if type not in (_DESCRIPTION, _TITLE, _ELEMENT):
        raise InvalidArgument(f"unknown metadata type '{type}'", domain=area)


def with_note(definition: Noted, type: int, metadata: str | None, key: str | None, uri: str | None) -> Noted:
    """The definition with a note, or without it where ``metadata`` is None. Raises InvalidArgument for no XML."""
    if type == _TITLE:
        return replace(definition, title=metadata or None)
    if type == _DESCRIPTION:
        return replace(definition, description=metadata or None)
    kept = tuple(each for each in definition.metadata if each.namespace != uri)
    if metadata is None:
        return replace(definition, metadata=kept)
    return replace(definition, metadata=(*kept, _element(metadata, key or "", uri or "")))


def check_uri(call: Call, type: int, uri: str | None, area: ErrorDomain) -> None:
    """Refuse to ask for an application's element without its namespace, and for others with one."""
    if type == _ELEMENT and uri is None:
        raise refusal(f"uri in {call.row.api} must not be NULL", area)
    if type in (_TITLE, _DESCRIPTION) and uri is not None:
        raise refusal(f"uri in {call.row.api} must be NULL", area)


def check_note(
    call: Call, type: int, metadata: str | None, key: str | None, uri: str | None, area: ErrorDomain
) -> None:
    """Refuse a note that does not say what its type needs, or more. Raises InvalidArgument."""
    if type == _TITLE and metadata is not None and "\n" in metadata:
        raise refusal("metadata title can't contain newlines", area)
    if type in (_TITLE, _DESCRIPTION):
        for name, value in (("uri", uri), ("key", key)):
            if value is not None:
                raise refusal(f"{name} in {call.row.api} must be NULL", area)
    elif type == _ELEMENT:
        if uri is None:
            raise refusal(f"uri in {call.row.api} must not be NULL", area)
        if metadata is not None and key is None:
            raise refusal(f"key in {call.row.api} must not be NULL", area)


def note_of(definition: Noted, type: int, uri: str | None) -> str | None:
    """What is noted; None where there is nothing."""
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
