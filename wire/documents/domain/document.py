"""The domain document: text to a definition and back."""

from ..reader import read_document
from ..writer import write_document
from .definition import DomainDefinition


def parse_domain(text: str, *, strict: bool = True) -> DomainDefinition:
    """The definition that a `<domain>` document gives: what it says, with no defaults added.

    What the model has no place for is refused, or (``strict=False``) passed over as libvirt does. Raises XMLError
    (malformed, incomplete or impossible; `line` is set) and UnsupportedConfig (elements, attributes and values that
    virtactor does not do, each named with its place). Answers to virDomainDefineXML's argument.
    """
    return read_document(text, "domain", DomainDefinition, strict=strict)


def format_domain(definition: DomainDefinition, *, secure: bool = False) -> str:
    """The `<domain>` document of a definition, in libvirt's order and layout.

    `secure` includes passwords (VIR_DOMAIN_XML_SECURE). Answers to virDomainGetXMLDesc.
    """
    return write_document(definition, "domain", secure=secure)
