"""What a caller sees of an operation, in a form in which two drivers can be compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lxml import etree

# Made up anew by each driver, or a time.
_VOLATILE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|([0-9a-f]{2}:){5}[0-9a-f]{2}|\b1[67]\d{8}\b")


@dataclass(frozen=True)
class Outcome:
    """The result, or the code and domain of the error. ``message`` is shown, not compared."""

    result: Any = None
    code: int = 0
    domain: int = 0
    message: str = ""

    def same_as(self, other: Outcome) -> bool:
        return (self.result, self.code, self.domain) == (other.result, other.code, other.domain)


def outcome(libvirt: Any, operation: Callable[..., Any], connection: Any, drawn: tuple[Any, ...]) -> Outcome:
    """Do it and see."""
    try:
        return Outcome(seen(operation(connection, *drawn)))
    except libvirt.libvirtError as error:
        return Outcome(None, error.get_error_code(), error.get_error_domain(), error.get_error_message())
    except (LookupError, TypeError, ValueError) as error:  # What libvirt-python itself refuses.
        return Outcome(type(error).__name__, message=str(error))


def seen(value: Any) -> Any:
    """A result without what is another in each driver: objects by name, documents by their elements."""
    if isinstance(value, str):
        return _document(value) if value.lstrip().startswith("<") else _VOLATILE.sub("?", value)
    if isinstance(value, list | tuple):
        return [seen(item) for item in value]
    if isinstance(value, dict):
        return {key: seen(item) for key, item in value.items()}
    for name in ("name", "getName"):
        if callable(named := getattr(value, name, None)):
            return named()
    return value


def _document(text: str) -> Any:
    return _element(etree.fromstring(text))


def _element(element: Any) -> Any:
    attributes = {name: _VOLATILE.sub("?", value) for name, value in sorted(element.attrib.items())}
    text = _VOLATILE.sub("?", (element.text or "").strip())
    return (element.tag, attributes, text, [_element(child) for child in element if isinstance(child.tag, str)])
