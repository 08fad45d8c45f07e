"""XML text -> a model's value, strictly or as leniently as libvirt.

Strictly read, what the text says is either in the value or in an error: elements and attributes that no field claims
are collected while reading and refused together, each with its path and line. libvirt itself passes over them, over
text where none belongs and over all but the first of what may come once: that is what ``strict=False`` does. No
document type, no entities, no network; size and depth are bounded.
"""

from __future__ import annotations

import copy
import re
from typing import Any, NoReturn, TypeVar

from lxml import etree

from ..enums.error import ErrorDomain, ErrorNumber
from ..errors import UnsupportedConfig, XMLError
from .binding import NAMESPACES, SECOND, At, ElementCodec, Subtree, Verbatim
from .schema import Kept, Nested, Node, Opaque, Refused, Shape, Slot, shape_of

Model = TypeVar("Model")

# The longest string that libvirt's protocol carries.
MAX_CHARACTERS = 4 * 1024 * 1024
# Leftovers named in one error.
MAX_NAMED = 10

_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}
_DOCTYPE = re.compile(r"(?:\s|<\?.*?\?>|<!--.*?-->)*<!DOCTYPE", re.DOTALL)


def read_document(text: str, root: str, cls: type[Model], *, strict: bool = True) -> Model:
    """Read a document whose root element is named `root` into an instance of the model class `cls`.

    Raises XMLError for text that is not well-formed, lacks something or has an impossible value, and
    UnsupportedConfig, naming all of it, for what the model has no place for.
    """
    return read_element(parse(text, root), cls, strict=strict)


def parse(text: str, root: str) -> etree._Element:
    """The root element of a well-formed document; raises XMLError unless it is named `root`."""
    element = parse_any(text)
    if element.tag != root:
        raise XMLError(
            f"the root element is <{element.tag}>, expected <{root}>", domain=ErrorDomain.XML, line=element.sourceline
        )
    return element


def parse_any(text: str) -> etree._Element:
    """The root element of a well-formed document, whatever its name. Raises XMLError."""
    if len(text) > MAX_CHARACTERS:
        raise XMLError(f"the document is longer than {MAX_CHARACTERS} characters")
    if _DOCTYPE.match(text):
        raise XMLError("a document type declaration is not accepted", line=1)
    # A parser of its own for each document: lxml serializes threads that share one, and keeps its last errors.
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False)
    try:
        element = etree.fromstring(text.encode("utf-8"), parser)
    except UnicodeEncodeError:
        raise XMLError("the text has characters that are not Unicode scalar values") from None
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        raise XMLError(f"line {line}: {error.msg}", code=ErrorNumber.XML_DETAIL, line=line) from None
    return element


def read_element(element: etree._Element, cls: type[Model], *, strict: bool = True) -> Model:
    """Read an element that is parsed already; see `read_document`."""
    reading = _Reading(strict)
    value = reading.shaped(element, shape_of(cls))
    reading.refuse_leftovers()
    return value


def path_of(element: etree._Element) -> str:
    """Where an element stands, as "/domain/devices/disk"."""
    names = [_shown(ancestor) for ancestor in element.iterancestors()]
    return "/" + "/".join([*reversed(names), _shown(element)])


def _tag(element: etree._Element) -> str:
    """A tag as models have it: with our prefix for libvirt's own namespaces."""
    tag = str(element.tag)
    if not tag.startswith("{"):
        return tag
    name = etree.QName(element)
    return f"{_PREFIXES[name.namespace]}:{name.localname}" if name.namespace in _PREFIXES else tag


def _shown(element: etree._Element) -> str:
    name = etree.QName(element)
    return f"{element.prefix}:{name.localname}" if element.prefix else name.localname


class _Reading:
    """One pass over one document."""

    __slots__ = ("_leftovers", "_strict")

    def __init__(self, strict: bool) -> None:
        self._strict = strict
        self._leftovers: list[tuple[str, int]] = []

    def refuse_leftovers(self) -> None:
        """The one place where what nobody claimed is refused."""
        if not self._leftovers or not self._strict:
            return
        named = [f"{what} (line {line})" for what, line in self._leftovers[:MAX_NAMED]]
        if more := len(self._leftovers) - MAX_NAMED:
            named += [f"and {more} more"] if more > 0 else []
        raise UnsupportedConfig(", ".join(named), line=self._leftovers[0][1])

    def shaped(self, element: etree._Element, shape: Shape, by: str | None = None) -> Any:
        """Read an element into its class."""
        values: dict[str, Any] = {}
        self._node(element, shape.node, values, by)
        for name, at in shape.required.items():
            if name not in values:
                self._missing(element, at)
        for name in shape.collected:
            if name in values:
                values[name] = tuple(values[name])
        return shape.cls(**values)

    def _node(self, element: etree._Element, node: Node, values: dict[str, Any], by: str | None = None) -> None:
        self._attributes(element, node, values, by)
        if node.sized:
            self._sized(element, *node.sized, values)
        if node.present:
            values[node.present] = True
        text = self._children(element, node, values)
        if node.text:
            # Between children white space is layout.
            if text and not (len(element) and text.isspace()):
                self._store(element, node.text, text, "", values)
        elif self._strict and not node.sized and text and not text.isspace():
            raise XMLError(f"{_at(element)} has the text {text.strip()[:40]!r}, expected none", line=element.sourceline)

    def _attributes(self, element: etree._Element, node: Node, values: dict[str, Any], by: str | None) -> None:
        for name, text in element.items():
            slot = node.attributes.get(name)
            if slot is not None:
                self._store(element, slot, text, name, values)
            elif name != by and name not in node.units and not (node.sized and name in dict(node.sized[1].attributes)):
                self._leave(element, name)

    def _children(self, element: etree._Element, node: Node, values: dict[str, Any]) -> str:
        """Read all children; returns the element's text, that around comments and children included."""
        text = element.text or ""
        seen = set()
        for child in element:
            if child.tail and (node.text or not child.tail.isspace()):
                text += child.tail
            if not isinstance(child.tag, str):
                continue
            tag = _tag(child)
            place = node.children.get(tag)
            if place is None:
                self._leave(child)
                continue
            if tag in seen and not place.many:
                tag = f"{tag}{SECOND}"
                second = node.children.get(tag)
                if second is None or tag in seen:
                    if not self._strict:
                        continue
                    raise XMLError(f"{_at(child)} is given twice, expected once", line=child.sourceline)
                place = second
            seen.add(tag)
            if isinstance(place, Node):
                self._node(child, place, values)
            elif isinstance(place, Nested):
                self._nested(child, place, values)
            elif isinstance(place, Kept):
                values[place.name] = _kept(child)
            else:
                self._opaque(child, place, values)
        return text

    def _nested(self, element: etree._Element, place: Nested, values: dict[str, Any]) -> None:
        kind = element.get(place.by) if place.by else None
        shape = place.shapes.get(kind)
        if shape is None:
            self._unknown_kind(element, place, kind)
        value = self.shaped(element, shape, place.by)
        if place.many:
            values.setdefault(place.name, []).append(value)
        else:
            values[place.name] = value

    def _unknown_kind(self, element: etree._Element, place: Nested, kind: str | None) -> NoReturn:
        if kind in place.known:
            raise UnsupportedConfig(f"{_at(element)}: {place.by}={kind!r}", line=element.sourceline)
        expected = ", ".join(repr(tag) for tag in place.shapes)
        raise XMLError(f"{_at(element)}: {place.by} is {kind!r}, expected one of {expected}", line=element.sourceline)

    def _opaque(self, element: etree._Element, place: Opaque, values: dict[str, Any]) -> None:
        """An application's elements: each needs a namespace, by which it is found again, and has it for itself."""
        for name in element.keys():  # noqa: SIM118 - an lxml element is a sequence of its children
            self._leave(element, name)
        kept: dict[str, Verbatim] = {}
        for child in element.iterchildren(etree.Element):
            namespace = etree.QName(child).namespace
            if not namespace:
                raise XMLError(f"{_at(child)} has no namespace, expected one of its own", line=child.sourceline)
            if namespace in kept:
                raise XMLError(f"{_at(child)}: namespace {namespace!r} is there already", line=child.sourceline)
            # A copy declares the namespaces that it uses, and no others that happen to be in scope.
            xml = etree.tostring(copy.deepcopy(child), encoding="unicode", with_tail=False)
            kept[namespace] = Verbatim(namespace, xml)
        values[place.name] = list(kept.values())

    def _sized(self, element: etree._Element, name: str, codec: ElementCodec, values: dict[str, Any]) -> None:
        try:
            values[name] = codec.read(dict(element.items()), element.text or "")
        except ValueError:
            shown = etree.tostring(element, encoding="unicode", with_tail=False)[:80]
            raise XMLError(f"{_at(element)} is {shown}, expected {codec.expects}", line=element.sourceline) from None

    def _store(self, element: etree._Element, slot: Slot, text: str, attribute: str, values: dict[str, Any]) -> None:
        try:
            value = slot.scaled.read(text, element.get(slot.scaled.unit, "")) if slot.scaled else slot.read(text)
        except Refused:
            where = f"{_at(element)}: {attribute}=" if attribute else f"{_at(element)}: "
            raise UnsupportedConfig(f"{where}{text!r}", line=element.sourceline) from None
        except ValueError:
            where = f"{_at(element)}: {attribute}" if attribute else _at(element)
            # libvirt reads attributes in one place, and elements where they are meant.
            domain = ErrorDomain.XML if attribute else ErrorDomain.NONE
            raise XMLError(
                f"{where} is {text[:80]!r}, expected {slot.expects}",
                code=slot.code,
                domain=domain,
                line=element.sourceline,
            ) from None
        if slot.many:
            values.setdefault(slot.name, []).append(value)
        else:
            values[slot.name] = value

    def _leave(self, element: etree._Element, attribute: str | None = None) -> None:
        path = path_of(element)
        if attribute is not None:
            self._leftovers.append((f"attribute {attribute!r} of {path}", element.sourceline or 0))
        else:
            self._leftovers.append((f"element {path}", element.sourceline or 0))

    def _missing(self, element: etree._Element, at: At) -> NoReturn:
        what = f"attribute {at.path!r}" if "@" in at.path else f"element {at.path!r}"
        raise XMLError(f"{_at(element)} lacks something, expected {what}", code=at.missing, line=element.sourceline)


def _kept(element: etree._Element) -> Subtree:
    children = tuple((_shown(child), _kept(child)) for child in element.iterchildren(etree.Element))
    text = "" if children else (element.text or "").strip()
    return Subtree(tuple((str(name), str(value)) for name, value in element.items()), text, children)


def _at(element: etree._Element) -> str:
    return f"line {element.sourceline}: {path_of(element)}"
