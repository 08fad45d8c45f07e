"""The processors that documents describe: `<cpu>` elements, alone or in what libvirt's tools print.

A document may hold several one after the other, which makes it no XML by itself.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ..wire.enums.error import ErrorNumber
from ..wire.errors import XMLError

_PLACES = ("./cpu", "./domain/cpu", "./capabilities/host/cpu")
_HOST_MODEL = "./domainCapabilities/cpu/mode[@name='host-model'][@supported='yes']"
_PROLOGUE = re.compile(r"<\?xml\s.*?\?>", re.DOTALL)


def cpus_in(text: str) -> list[str]:
    """Each `<cpu>` of a document as XML of its own, also those within domains, capabilities and domain capabilities.

    Of domain capabilities it is what `host-model` stands for. Raises XMLError for text that is no XML.
    """
    try:
        root = ElementTree.fromstring(f"<all>{_PROLOGUE.sub('', text)}</all>")
    except ElementTree.ParseError as error:
        raise XMLError(str(error), code=ErrorNumber.XML_DETAIL, line=error.position[0]) from None
    found = [cpu for place in _PLACES for cpu in root.findall(place)]
    found += [_cpu_of(mode) for mode in root.findall(_HOST_MODEL)]
    return [_alone(cpu) for cpu in found]


def _cpu_of(mode: ElementTree.Element) -> ElementTree.Element:
    """What a mode of domain capabilities stands for, as a domain would say it."""
    cpu = ElementTree.Element("cpu", {"mode": "custom", "match": "exact"})
    cpu.extend(mode)
    return cpu


def _alone(element: ElementTree.Element) -> str:
    element.tail = None
    return ElementTree.tostring(element, encoding="unicode")
