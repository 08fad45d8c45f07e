"""A model class -> the RELAX NG grammar of its document: the third thing that is compiled from the bindings.

A grammar says what the reader reads strictly: the elements and attributes of a class in any order, which of them must
be there, and the texts that their codecs take. It has a pattern by name for every class, so that it can be read beside
the class, with the class's docstring; one for every set of values and every union that has a name in the classes'
modules; and one for every data type. What no grammar can say (a set's range that ends before it begins, sizes that do
not fit 64 bits, two elements of one namespace in `<metadata>`) is the reader's to refuse.

Rejected: a grammar by hand (it would drift), and one that follows libvirt's (ours refuses what we would drop).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from lxml import etree

from ..binding import NAMESPACES, SECOND, Datatype, Lexical
from ..schema import Kept, Nested, Node, Opaque, Shape, Slot, shape_of
from ..values import TEXT

RELAX_NG = "http://relaxng.org/ns/structure/1.0"
ANNOTATIONS = "http://relaxng.org/ns/compatibility/annotations/1.0"
TYPES = "http://www.w3.org/2001/XMLSchema-datatypes"

# What applications keep in a document.
_APPLICATIONS = "applications"
_ANYTHING = "anything"
_NOT_EMPTY = "someText"


def grammar(root: str, cls: type, within: tuple[str, type] | None = None) -> etree._Element:
    """The grammar of documents whose root element is named `root` and is read as `cls`.

    What the grammar of the class `within` has is not repeated but included from its file, whose name stands before
    the class. Raises TypeError for a binding that RELAX NG has no words for.
    """
    made = _Grammar()
    if within is not None:
        made.include(*within)
    made.begin(root, cls)
    patterns = made.patterns
    names = {str(element.get("name", "")) for pattern in patterns for element in pattern.iter()}
    prefixes = {
        prefix: uri for prefix, uri in NAMESPACES.items() if any(name.startswith(f"{prefix}:") for name in names)
    }
    element = etree.Element(f"{{{RELAX_NG}}}grammar", nsmap={None: RELAX_NG, "a": ANNOTATIONS, **prefixes})
    element.extend(patterns)
    return element


class _Grammar:
    """One grammar in the making. Patterns that are named are made once, when they are first referred to."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}
        self._aliases: dict[tuple[Any, ...], str] = {}
        self._start: etree._Element | None = None
        self._patterns: list[etree._Element] = []
        self._types: list[etree._Element] = []

    def begin(self, root: str, cls: type) -> None:
        """Make the patterns of documents, instead of those that an included grammar begins with."""
        start = _make("start", _named("element", root, self._class(shape_of(cls))))
        if self._start is None:
            self._start = start
        else:
            self._start.append(start)

    def include(self, file: str, cls: type) -> None:
        """Refer to the patterns of another grammar, from its file."""
        self._class(shape_of(cls))
        self._patterns.clear()
        self._types.clear()
        self._start = _make("include")
        self._start.set("href", file)

    @property
    def patterns(self) -> list[etree._Element]:
        """All patterns: those of classes in the order in which they are referred to first, then those of texts."""
        assert self._start is not None
        return [self._start, *self._patterns, *sorted(self._types, key=lambda define: str(define.get("name")))]

    # -- named patterns ------------------------------------------------------------------------------------------------

    def _define(self, name: str, what: Any, make: Callable[[], list[etree._Element]], note: str = "") -> etree._Element:
        """A reference to the pattern of that name, which is made if it is not there yet."""
        if name not in self._made:
            self._made[name] = what
            define = _named("define", name)
            # Its place is before those that it refers to.
            (self._types if isinstance(what, Datatype) else self._patterns).append(define)
            if note:
                etree.SubElement(define, f"{{{ANNOTATIONS}}}documentation").text = note
            define.extend(make())
        elif self._made[name] != what:
            raise TypeError(f"two patterns would be named {name}")
        return _named("ref", name)

    def _class(self, shape: Shape) -> etree._Element:
        cls = shape.cls
        self._aliases = _aliases_of(cls) | self._aliases
        return self._define(
            cls.__name__, cls, lambda: self._content(shape.node, frozenset(shape.required)), inspect.getdoc(cls) or ""
        )

    def _datatype(self, datatype: Datatype | None, where: str, known: tuple[str, ...] = ()) -> etree._Element:
        if datatype is None:
            raise TypeError(f"{where}: its codec does not say what texts it reads")
        if datatype == TEXT.text:
            return _make("text")
        if known:
            return _choice([self._datatype(datatype, where), *_values(known)])

        def pattern() -> etree._Element:
            return _choice([*_values(datatype.values), *map(_data, datatype.forms)])

        name = datatype.name or self._aliases.get(datatype.values)
        return self._define(name, datatype, lambda: [pattern()]) if name else pattern()

    # -- elements ------------------------------------------------------------------------------------------------------

    def _content(self, node: Node, required: frozenset[str]) -> list[etree._Element]:
        """What an element has: its attributes, then its text and children in any order."""
        attributes = list(self._attributes(node, required))
        children = [
            self._child(tag, place, node, required) for tag, place in node.children.items() if not tag.endswith(SECOND)
        ]
        text = self._text(node, required)
        if text is not None and children and text.tag != f"{{{RELAX_NG}}}text":
            raise TypeError(f"{text.tag} beside elements: {', '.join(node.children)}")
        inner = [*children, *([text] if text is not None else [])]
        content = inner if len(inner) < 2 else [_make("interleave", *inner)]
        return [*attributes, *content] or [_make("empty")]

    def _attributes(self, node: Node, required: frozenset[str]) -> Iterator[etree._Element]:
        for name, slot in node.attributes.items():
            attribute = _named("attribute", name, self._value(slot))
            yield attribute if slot.name in required or slot.many else _make("optional", attribute)
            if slot.scaled is not None:
                unit = self._datatype(slot.scaled.unit_text, slot.name)
                yield _make("optional", _named("attribute", slot.scaled.unit, unit))
        for name, datatype in node.sized[1].attributes if node.sized else ():
            yield _make("optional", _named("attribute", name, self._datatype(datatype, name)))

    def _value(self, slot: Slot) -> etree._Element:
        return self._datatype(slot.text, slot.name, slot.known)

    def _text(self, node: Node, required: frozenset[str]) -> etree._Element | None:
        if node.sized:
            name, codec = node.sized
            return self._datatype(codec.text, name)
        if node.text is None:
            return None
        slot = node.text
        needed = slot.name in required or slot.many
        value = self._value(slot)
        if value.tag != f"{{{RELAX_NG}}}text":
            return value if needed else _make("optional", value)
        return self._define(_NOT_EMPTY, None, _some_text) if needed and not node.children else value

    def _child(
        self, tag: str, place: Node | Nested | Opaque | Kept, parent: Node, required: frozenset[str]
    ) -> etree._Element:
        child = _named("element", tag, *self._child_content(place, required))
        second = parent.children.get(tag + SECOND)
        if second is not None:
            again = _named("element", tag, *self._child_content(second, required))
            return _make("optional", child, _make("optional", again))
        if place.many:
            return _make("zeroOrMore", child)
        return child if _is_required(place, required) else _make("optional", child)

    def _child_content(self, place: Node | Nested | Opaque | Kept, required: frozenset[str]) -> list[etree._Element]:
        if isinstance(place, Node):
            return self._content(place, required)
        if isinstance(place, Opaque):
            return [self._define(_APPLICATIONS, None, self._applications)]
        if isinstance(place, Kept):
            return [self._kept(place)]
        if place.by is None:
            return [self._class(shape) for shape in place.shapes.values()]
        return [self._union(place, place.by)]

    def _kept(self, place: Kept) -> etree._Element:
        name, inner = place.pattern()
        if isinstance(inner, Shape):
            return self._class(inner)
        return self._define(name, inner, lambda: self._content(inner, frozenset()))

    def _union(self, place: Nested, by: str) -> etree._Element:
        arms = [
            _make("group", _named("attribute", by, *_values((tag,))), self._class(shape))
            for tag, shape in place.shapes.items()
            if tag is not None
        ]
        if place.known:
            rest = _named("attribute", by, _choice(_values(place.known)))
            arms.append(_make("group", rest, self._define(_ANYTHING, None, _anything)))
        name = self._aliases.get(tuple(shape.cls for shape in place.shapes.values()))
        return self._define(name, place.shapes, lambda: [_choice(arms)]) if name else _choice(arms)

    def _applications(self) -> list[etree._Element]:
        anything = self._define(_ANYTHING, None, _anything)
        none = _make("nsName")
        none.set("ns", "")
        element = _make("element", _make("anyName", _make("except", none)), anything)
        return [_make("zeroOrMore", element)]


def _is_required(place: Node | Nested | Opaque | Kept, required: frozenset[str]) -> bool:
    """Whether an element must be there because something that it has must."""
    if not isinstance(place, Node):
        return place.name in required
    named = {slot.name for slot in place.attributes.values()}
    named |= {place.text.name} if place.text else set()
    named |= {place.sized[0]} if place.sized else set()
    return bool(named & required) or any(_is_required(child, required) for child in place.children.values())


def _aliases_of(cls: type) -> dict[tuple[Any, ...], str]:
    """The names that sets of values and unions of classes have in the modules of a class and its bases."""
    modules = [vars(sys.modules[base.__module__]) for base in cls.__mro__ if base is not object]
    return {
        get_args(value): name
        for module in modules
        for name, value in module.items()
        if not name.startswith("_") and (get_origin(value) is Literal or isinstance(value, UnionType))
    }


def _make(tag: str, *children: etree._Element) -> etree._Element:
    element = etree.Element(f"{{{RELAX_NG}}}{tag}")
    element.extend(children)
    return element


def _named(tag: str, name: str, *children: etree._Element) -> etree._Element:
    element = _make(tag, *children)
    element.set("name", name)
    return element


def _choice(patterns: list[etree._Element]) -> etree._Element:
    return patterns[0] if len(patterns) == 1 else _make("choice", *patterns)


def _values(values: Iterable[str]) -> list[etree._Element]:
    """Patterns of texts to the letter: strings of RELAX NG's own (a token would have white space around it)."""
    made = [_make("value") for _ in values]
    for element, value in zip(made, values, strict=True):
        element.set("type", "string")
        element.text = value
    return made


def _data(form: Lexical) -> etree._Element:
    data = _make("data")
    data.set("datatypeLibrary", TYPES)
    data.set("type", form.base)
    for name, text in form.facets:
        facet = _named("param", name)
        facet.text = text
        data.append(facet)
    if form.excluded:
        excluded = _make("except", _choice(_values(form.excluded)))
        excluded.set("datatypeLibrary", "")
        data.append(excluded)
    return data


def _some_text() -> list[etree._Element]:
    return [_data(Lexical(facets=(("minLength", "1"),)))]


def _anything() -> list[etree._Element]:
    """Whatever attributes, texts and elements."""
    inner = _make("element", _make("anyName"), _named("ref", _ANYTHING))
    return [_make("zeroOrMore", _choice([_make("attribute", _make("anyName")), _make("text"), inner]))]
