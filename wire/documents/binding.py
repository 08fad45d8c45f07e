"""Where a dataclass field stands in its XML element: the one description that reader and writer are both compiled from.

A document's model is a set of frozen dataclasses, one per XML element that has more than one thing to say. Each field
is annotated with `At(path)`:

    mac: Annotated[str | None, At("mac/@address", MAC)] = None

The path is relative to the class's own element. What it means follows from its end and from the field's type:

    "@cache", "driver/@cache"   an attribute, of the element itself or of a child
    "title"                     the text of a child; "." is the element's own text
    "readonly"  with bool       presence of an empty child
    "clock"     with dataclass  a child that has a class of its own; a union of classes is told apart by `by`
    "disk"      with tuple      any number of children, in the document's order
    "source[2]/@mode"           of the second child of that name, where the first has fields of its own

Rules that hold for every document:
- A field without a default is required. A field whose value is None (False for a presence) is not written; every
  other value is, whether or not it equals the default, so what is written never depends on a default.
- Fields are written in the order of their declaration, a base class's first, those with a number as `last` after all
  others: libvirt puts what all devices share (boot order, alias, address) at the end.
- An element that no field makes repeatable is refused when it comes twice. Empty text is no text.
- One that collects a value each (`boot/@dev` with tuple) must have its value.
- A tag with a prefix ("qemu:arg") is of that namespace of NAMESPACES, whatever prefix the text has for it. The element
  around declares it.
- `known` lists values that libvirt has and virtactor refuses. They raise UnsupportedConfig, others XMLError.
- What no field claims is refused by name; nothing is dropped.

Rejected: a hand-written reader and writer per element (two places that drift apart, and leftovers found by
discipline only); keeping the parsed tree (a hundred times the memory); xsdata, pydantic-xml (no record of what was
left unread, lines lost, several times over the time limit).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# libvirt's own namespaces in its documents, by the prefix that it writes.
NAMESPACES = {"qemu": "http://libvirt.org/schemas/domain/qemu/1.0"}


# Behind the name of an element in a path: the second of that name.
SECOND = "[2]"


@dataclass(frozen=True, slots=True)
class Lexical:
    """Texts of one form, in the words of RELAX NG: those of a type of XML Schema's that have all `facets` (patterns,
    limits), without the `excluded`. Patterns allow the white space around a value that its codec strips."""

    base: str = "string"
    facets: tuple[tuple[str, str], ...] = ()
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Datatype:
    """The texts that a codec reads, for the published schemas: one of `values`, or of one of `forms`.

    `name` is what a schema calls it; without one it is written where it is used.
    """

    name: str = ""
    values: tuple[str, ...] = ()
    forms: tuple[Lexical, ...] = ()


@dataclass(frozen=True, slots=True)
class Codec:
    """How one attribute or text is read and written.

    `read` takes the text and raises ValueError for a bad one; `expects` is the phrase that the error then gives.
    `text` says the same to the schemas: it has no text that `read` refuses, but for texts that fit together badly (a
    range that ends before it begins), and needs to be there only for documents that have a schema.
    """

    read: Callable[[str], Any]
    write: Callable[[Any], str]
    expects: str
    text: Datatype | None = None


@dataclass(frozen=True, slots=True)
class ElementCodec:
    """How a small element that one value stands for is read and written, attributes included (a size with its unit).

    `read` takes the attributes (all of them of `attributes`) and the text and raises ValueError; `write` returns both.
    """

    read: Callable[[Mapping[str, str], str], Any]
    write: Callable[[Any], tuple[dict[str, str], str]]
    expects: str
    text: Datatype
    attributes: tuple[tuple[str, Datatype], ...] = ()


@dataclass(frozen=True, slots=True)
class ScaledCodec:
    """How an attribute is read and written whose unit stands in another one, named by `unit`.

    `read` takes the text and the unit (empty where none is said) and raises ValueError; `write` returns both.
    """

    read: Callable[[str, str], Any]
    write: Callable[[Any], tuple[str, str]]
    expects: str
    unit: str
    text: Datatype
    unit_text: Datatype


@dataclass(frozen=True, slots=True)
class At:
    """The place of a field in its element; see the rules above.

    codec: for types that do not say how they are written (int, str and Literal do).
    known: values of libvirt's that are refused as unsupported rather than as unknown.
    secure: written only when secrets are asked for.
    last: written after the fields whose number is lower.
    code, missing: libvirt's error numbers for a bad value and for none, where they are not that of an XML error.
    by: the attribute that tells the classes of a union apart; each class names its value in the class variable TAG.
    bare: the attribute's text where its element is there without it.
    like: gives the class that says what a Subtree may have or, with `part`, whose element of that name does.
    """

    path: str
    codec: Codec | ElementCodec | ScaledCodec | None = None
    known: tuple[str, ...] = ()
    secure: bool = False
    last: int = 0
    by: str | None = None
    code: int | None = None
    missing: int | None = None
    bare: str | None = None
    like: Callable[[], type] | None = None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Verbatim:
    """An application's own element, kept as it was written: `xml` declares what namespaces it uses, `namespace` is
    the URI of its root's."""

    namespace: str
    xml: str


@dataclass(frozen=True, slots=True)
class Subtree:
    """An element that is kept as it was said, but for its layout. Read strictly it has what the class `like` of its
    place has.

    `attributes` are in their order; `text` is that of an element without children.
    """

    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""
    children: tuple[tuple[str, Subtree], ...] = ()
