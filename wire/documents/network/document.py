"""The network document: text to a definition and back."""

from __future__ import annotations

from ...enums.error import ErrorDomain
from ...errors import VirtError
from ..reader import read_document
from ..writer import write_document
from .definition import NetworkDefinition


def parse_network(text: str, *, strict: bool = True) -> NetworkDefinition:
    """The definition that a `<network>` document gives: what it says, with no defaults added.

    Raises XMLError (malformed, incomplete or impossible; `line` is set) and UnsupportedConfig (elements, attributes
    and values that virtactor does not do, each named with its place; not ``strict``, unknown elements and attributes
    are passed over, as libvirt does). Answers to virNetworkDefineXML's argument.
    """
    try:
        return read_document(text, "network", NetworkDefinition, strict=strict)
    except VirtError as error:
        error.domain = error.domain or ErrorDomain.NETWORK
        raise


def format_network(definition: NetworkDefinition) -> str:
    """The `<network>` document of a definition, in libvirt's order and layout. Answers to virNetworkGetXMLDesc."""
    return write_document(definition, "network")
