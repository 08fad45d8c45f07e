"""The domain document: text to a definition and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

from lxml import etree

from ...enums.error import ErrorDomain, ErrorNumber
from ...errors import VirtError, XMLError
from ..reader import parse, parse_any, read_element
from ..writer import write_document
from .definition import DomainDefinition
from .devices import Devices


@dataclass(frozen=True, slots=True)
class PlacedDevice:
    """A device with the field of `Devices` where it belongs, and its element's name."""

    family: str
    tag: str
    device: Any


def parse_domain(text: str, *, strict: bool = True) -> DomainDefinition:
    """The definition that a `<domain>` document gives: what it says, with no defaults added.

    What the model has no place for is refused, or (``strict=False``) passed over as libvirt does. Raises XMLError
    (malformed, incomplete or impossible; `line` is set) and UnsupportedConfig (elements, attributes and values that
    virtactor does not do, each named with its place). Answers to virDomainDefineXML's argument.
    """
    with _in_its_area():
        element = parse(text, "domain")
        if not (element.findtext("name") or "").strip():
            error = XMLError(code=ErrorNumber.NO_NAME, line=element.sourceline)
            error.message = f"missing name information: line {element.sourceline}: /domain, expected element 'name'"
            error.args = (error.message,)
            raise error
        return read_element(element, DomainDefinition, strict=strict)


@contextmanager
def _in_its_area() -> Iterator[None]:
    """Say of errors that say nothing of it that they are about a domain's document."""
    try:
        yield
    except VirtError as error:
        error.domain = error.domain or ErrorDomain.DOMAIN
        raise


def format_domain(definition: DomainDefinition, *, secure: bool = False) -> str:
    """The `<domain>` document of a definition, in libvirt's order and layout.

    `secure` includes passwords (VIR_DOMAIN_XML_SECURE). Answers to virDomainGetXMLDesc.
    """
    return write_document(definition, "domain", secure=secure)


def parse_device(text: str, *, strict: bool = True) -> PlacedDevice:
    """The device that an element of `<devices>` gives. Answers to virDomainAttachDevice's argument.

    Raises XMLError and UnsupportedConfig.
    """
    with _in_its_area():
        return _device(parse_any(text), strict)


def _device(element: etree._Element, strict: bool) -> PlacedDevice:
    for family, tag in Devices.families().items():
        if element.tag == tag:
            return PlacedDevice(family, tag, read_element(element, _class_of(family), strict=strict))
    raise XMLError(f"unknown device type '{element.tag}'", line=element.sourceline)


def _class_of(family: str) -> type:
    hint = get_type_hints(Devices)[family]
    if get_origin(hint) is tuple:
        return get_args(hint)[0]
    return next(arm for arm in get_args(hint) if arm is not type(None))
