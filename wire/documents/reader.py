"""XML text -> a model's value, strictly or as leniently as libvirt.

Strictly read, what the text says is either in the value or in an error: elements and attributes that no field claims
are collected while reading and refused together, each with its path and line. libvirt itself passes over them, over
text where none belongs and over all but the first of what may come once: that is what ``strict=False`` does. No
document type, no entities, no network; size and depth are bounded.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, TypeVar

from lxml import etree

from ..enums.error import ErrorDomain, ErrorNumber
from ..errors import UnsupportedConfig, VirtError, XMLError
from .binding import NAMESPACES, SECOND, At, ElementCodec, Subtree, Verbatim
from .schema import Kept, Nested, Node, Opaque, Refused, Shape, Slot, shape_of

Model = TypeVar("Model")

# The longest string that libvirt's protocol carries.
MAX_CHARACTERS = 4 * 1024 * 1024
# Leftovers named in one error.
MAX_NAMED = 10
# How much a name must be like another (1 is the same) to be taken for a slip of the hand.
LIKENESS = 0.7

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
            f"line {element.sourceline}: the root element is <{element.tag}>, expected <{root}>",
            domain=ErrorDomain.XML,
            line=element.sourceline,
        )
    return element


def parse_any(text: str) -> etree._Element:
    """The root element of a well-formed document, whatever its name. Raises XMLError."""
    if len(text) > MAX_CHARACTERS:
        raise XMLError(f"the document is longer than {MAX_CHARACTERS} characters")
    if _DOCTYPE.match(text):
        raise XMLError("line 1: a document type declaration is not accepted", line=1)
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


def problems_of(element: etree._Element, cls: type) -> list[VirtError]:
    """All that reading an element strictly would refuse, in the order of lines."""
    reading = _Reading(strict=True, problems=[])
    reading.shaped(element, shape_of(cls))
    return sorted(reading.all_problems(), key=lambda problem: problem.line or 0)


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
    """One pass over one document. With a list of `problems` it goes on after what it would refuse, and what it reads is
    of no use."""

    __slots__ = ("_leftovers", "_problems", "_strict")

    def __init__(self, strict: bool, problems: list[VirtError] | None = None) -> None:
        self._strict = strict
        self._problems = problems
        self._leftovers: list[_Leftover] = []

    def refuse_leftovers(self) -> None:
        """The one place where what nobody claimed is refused."""
        if not self._leftovers or not self._strict:
            return
        named = [
            f"{leftover.name} (line {leftover.line}{hint and ', '}{hint})"
            for leftover, hint in _hinted(self._leftovers[:MAX_NAMED])
        ]
        if more := len(self._leftovers) - MAX_NAMED:
            named += [f"and {more} more"] if more > 0 else []
        raise UnsupportedConfig(", ".join(named), line=self._leftovers[0].line)

    def all_problems(self) -> list[VirtError]:
        unknown = [
            UnsupportedConfig(
                f"line {leftover.line}: {leftover.name} is unknown{hint and ', '}{hint}", line=leftover.line
            )
            for leftover, hint in _hinted(self._leftovers)
        ]
        return [*(self._problems or ()), *unknown]

    def _refuse(self, error: VirtError) -> None:
        if self._problems is None:
            raise error from None
        self._problems.append(error)

    def shaped(self, element: etree._Element, shape: Shape, by: str | None = None) -> Any:
        """Read an element into its class."""
        values: dict[str, Any] = {}
        self._node(element, shape.node, values, by)
        for name, at in shape.required.items():
            if name not in values:
                self._missing(element, at)
                values[name] = None
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
            self._unexpected_text(element, text)

    def _unexpected_text(self, element: etree._Element, text: str) -> None:
        self._refuse(
            XMLError(f"{_at(element)} has the text {text.strip()[:40]!r}, expected none", line=element.sourceline)
        )

    def _attributes(self, element: etree._Element, node: Node, values: dict[str, Any], by: str | None) -> None:
        for name, text in element.items():
            slot = node.attributes.get(name)
            if slot is not None:
                self._store(element, slot, text, name, values)
            elif name != by and name not in node.units and not (node.sized and name in dict(node.sized[1].attributes)):
                self._leave(element, node, name, by)
        for name, text in node.bare:
            if name not in element.attrib:
                self._store(element, node.attributes[name], text, name, values)

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
                self._leave(child, node)
                continue
            if tag in seen and not place.many:
                tag = f"{tag}{SECOND}"
                second = node.children.get(tag)
                if second is None or tag in seen:
                    if not self._strict:
                        continue
                    self._refuse(XMLError(f"{_at(child)} is given twice, expected once", line=child.sourceline))
                    continue
                place = second
            seen.add(tag)
            if isinstance(place, Node):
                self._plain(child, place, values)
            elif isinstance(place, Nested):
                self._nested(child, place, values)
            elif isinstance(place, Kept):
                values[place.name] = self._kept(child, place)
            else:
                self._opaque(child, place, values)
        return text

    def _plain(self, element: etree._Element, node: Node, values: dict[str, Any]) -> None:
        """Read an element that has no class; one that may come again has its value."""
        if node.repeats is None or not self._strict:
            self._node(element, node, values)
            return
        before = len(values.get(node.repeats, ()))
        self._node(element, node, values)
        if len(values.get(node.repeats, ())) == before:
            what = f"attribute {next(iter(node.attributes))!r}" if node.attributes else "a text"
            self._refuse(XMLError(f"{_at(element)} is empty, expected {what}", line=element.sourceline))

    def _kept(self, element: etree._Element, place: Kept) -> Subtree:
        """An element as it was said, if it may say that."""
        if self._strict:
            pattern = place.pattern()[1]
            if isinstance(pattern, Node):
                self._node(element, pattern, {})
            else:
                self.shaped(element, pattern)
        return _subtree(element)

    def _nested(self, element: etree._Element, place: Nested, values: dict[str, Any]) -> None:
        kind = element.get(place.by) if place.by else None
        shape = place.shapes.get(kind)
        if shape is None:
            self._unknown_kind(element, place, kind)
        value = None if shape is None else self.shaped(element, shape, place.by)
        if place.many:
            values.setdefault(place.name, []).append(value)
        else:
            values[place.name] = value

    def _unknown_kind(self, element: etree._Element, place: Nested, kind: str | None) -> None:
        line = element.sourceline
        if kind in place.known:
            self._refuse(UnsupportedConfig(f"{_at(element)}: {place.by}={kind!r}", line=line))
            return
        said = f"{place.by} is {kind!r}" if kind is not None else f"the attribute {place.by!r} is missing"
        expected = ", ".join(repr(tag) for tag in place.shapes)
        self._refuse(XMLError(f"{_at(element)}: {said}, expected one of {expected}", line=line))

    def _opaque(self, element: etree._Element, place: Opaque, values: dict[str, Any]) -> None:
        """An application's elements: each needs a namespace, by which it is found again, and has it for itself."""
        for name in element.keys():  # noqa: SIM118 - an lxml element is a sequence of its children
            self._leave(element, None, name)
        texts = [element.text or "", *(child.tail or "" for child in element)]
        if self._strict and (text := "".join(texts).strip()):
            self._unexpected_text(element, text)
        kept: dict[str, Verbatim] = {}
        for child in element.iterchildren(etree.Element):
            namespace = etree.QName(child).namespace
            if not namespace:
                self._refuse(XMLError(f"{_at(child)} has no namespace, expected one of its own", line=child.sourceline))
                continue
            if namespace in kept:
                text = f"{_at(child)}: namespace {namespace!r} is there already, expected one of its own"
                self._refuse(XMLError(text, line=child.sourceline))
            # A copy declares the namespaces that it uses, and no others that happen to be in scope.
            xml = etree.tostring(copy.deepcopy(child), encoding="unicode", with_tail=False)
            kept[namespace] = Verbatim(namespace, xml)
        values[place.name] = list(kept.values())

    def _sized(self, element: etree._Element, name: str, codec: ElementCodec, values: dict[str, Any]) -> None:
        try:
            values[name] = codec.read(dict(element.items()), element.text or "")
        except ValueError:
            shown = etree.tostring(element, encoding="unicode", with_tail=False)[:80]
            values[name] = None
            self._refuse(XMLError(f"{_at(element)} is {shown}, expected {codec.expects}", line=element.sourceline))

    def _store(self, element: etree._Element, slot: Slot, text: str, attribute: str, values: dict[str, Any]) -> None:
        try:
            value = slot.scaled.read(text, element.get(slot.scaled.unit, "")) if slot.scaled else slot.read(text)
        except Refused:
            value = None
            where = f"{_at(element)}: {attribute}=" if attribute else f"{_at(element)}: "
            self._refuse(UnsupportedConfig(f"{where}{text!r}", line=element.sourceline))
        except ValueError:
            value = None
            self._bad_value(element, slot, text, attribute)
        if slot.many:
            values.setdefault(slot.name, []).append(value)
        else:
            values[slot.name] = value

    def _bad_value(self, element: etree._Element, slot: Slot, text: str, attribute: str) -> None:
        where = f"{_at(element)}: {attribute}" if attribute else _at(element)
        # libvirt reads attributes in one place, and elements where they are meant.
        domain = ErrorDomain.XML if attribute else ErrorDomain.NONE
        said = repr(text[:80])
        if slot.scaled is not None and (unit := element.get(slot.scaled.unit)) is not None:
            said += f" with {slot.scaled.unit}={unit[:20]!r}"
        self._refuse(
            XMLError(
                f"{where} is {said}, expected {slot.expects}", code=slot.code, domain=domain, line=element.sourceline
            )
        )

    def _leave(
        self, element: etree._Element, node: Node | None, attribute: str | None = None, by: str | None = None
    ) -> None:
        """Note what nobody claims: an attribute, or the element itself; `node` says what there is place for."""
        expected: Iterable[str] = ()
        if node is not None and attribute is not None:
            sized = dict(node.sized[1].attributes) if node.sized else {}
            expected = (*((by,) if by else ()), *node.attributes, *node.units, *sized)
        elif node is not None:
            expected = (tag for tag in node.children if not tag.endswith(SECOND))
        self._leftovers.append(_Leftover(element, attribute, tuple(expected)))

    def _missing(self, element: etree._Element, at: At) -> None:
        path = at.path.removeprefix("@")
        what = "a text" if path == "." else f"attribute {path!r}" if "@" in at.path else f"element {path!r}"
        text = f"{_at(element)} lacks something, expected {what}"
        self._refuse(XMLError(text, code=at.missing, line=element.sourceline))


class _Leftover:
    """An element, or one of its attributes, that has no place in the model, and what would have had one there."""

    __slots__ = ("attribute", "element", "expected")

    def __init__(self, element: etree._Element, attribute: str | None, expected: tuple[str, ...]) -> None:
        self.element = element
        self.attribute = attribute
        self.expected = expected

    @property
    def line(self) -> int:
        return self.element.sourceline or 0

    @property
    def parent(self) -> etree._Element | None:
        return self.element if self.attribute is not None else self.element.getparent()

    @property
    def name(self) -> str:
        """What and where it is."""
        path = path_of(self.element)
        return f"attribute {self.attribute!r} of {path}" if self.attribute is not None else f"element {path}"

    def hint(self, *, listing: bool) -> str:
        """The one thing that was probably meant or, where `listing`, all that there is place for."""
        name = self.attribute or etree.QName(self.element).localname
        if meant := get_close_matches(name, self.expected, 1, LIKENESS):
            return f"did you mean {meant[0]!r}?"
        one_of = "one of " if len(self.expected) > 1 else ""
        return f"expected {one_of}{', '.join(map(repr, self.expected)) or 'none'}" if listing else ""


def _hinted(leftovers: list[_Leftover]) -> Iterator[tuple[_Leftover, str]]:
    """Each leftover with its hint; what there is place for is listed once for each element and kind."""
    listed = set()
    for leftover in leftovers:
        key = (leftover.parent, leftover.attribute is None)
        yield leftover, leftover.hint(listing=key not in listed)
        listed.add(key)


def _subtree(element: etree._Element) -> Subtree:
    """An element as it was said, without what is of a namespace."""
    said = [(str(name), str(value)) for name, value in element.items() if not str(name).startswith("{")]
    children = [child for child in element.iterchildren(etree.Element) if not str(child.tag).startswith("{")]
    text = "" if children else "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
    return Subtree(tuple(said), text, tuple((_shown(child), _subtree(child)) for child in children))


def _at(element: etree._Element) -> str:
    return f"line {element.sourceline}: {path_of(element)}"
