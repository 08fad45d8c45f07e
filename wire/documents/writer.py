"""A model's value -> XML text, laid out as libvirt does: two spaces a level, single quotes, an empty element closed
in its tag.

A class's shape is made into functions once, one for each element that it speaks of: most of what a model could say is
not said, and each function passes over that with a look at a field. Each takes the value that has the fields and the
indent, and gives whole lines, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any

from ..errors import InvalidArgument
from .binding import NAMESPACES, SECOND, ScaledCodec, Subtree
from .schema import Kept, Nested, Node, Opaque, shape_of

# What must not stand in XML as it is: markup, line ends and tabs that a parser would normalize; and what cannot stand.
_SPECIAL = re.compile("[&<>'\"\t\n\r]")
_IMPOSSIBLE = re.compile("[^\t\n\r\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What of most texts nothing is.
_unusual = re.compile("[^ -~]|[&<>'\"]").search
_IN_ATTRIBUTE = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;",
}  # fmt: skip
_IN_TEXT = {**_IN_ATTRIBUTE, "\t": "\t", "\n": "\n"}

_Write = Callable[[Any, str], str]
_Place = Node | Nested | Opaque | Kept
# What a collection that says nothing is, and how a field says something.
_NOTHING = ()
_SAID = "value.{0} is not None and value.{0} is not NOTHING"


def write_document(value: Any, root: str, *, secure: bool = False) -> str:
    """The document of a model's value, ending in a line break. Secrets are written only if `secure`.

    Raises InvalidArgument for text that has characters that XML cannot carry.
    """
    return _class(type(value), root, None, secure)(value, "")


def _attribute(text: str) -> str:
    return _escaped(text, _IN_ATTRIBUTE)


def _escaped(text: str, table: dict[str, str]) -> str:
    if not _unusual(text):
        return text
    if _IMPOSSIBLE.search(text):
        raise InvalidArgument(f"{text[:40]!r} has characters that XML cannot carry")
    return _SPECIAL.sub(lambda match: table[match[0]], text)


@cache
def _class(cls: type, tag: str, by: str | None, secure: bool) -> _Write:
    """Writes a value as its class's element, even if nothing is in it."""
    shape = shape_of(cls)
    head = f" {by}='{shape.tag}'" if by else ""
    write = _element(shape.node, tag, secure, head)
    empty = f"<{tag}{head}/>\n"
    return lambda value, indent: write(value, indent) or indent + empty


def _element(node: Node, tag: str, secure: bool, own_head: str = "") -> _Write:
    """Writes one element unless it would be empty.

    Its source is put together here, a few lines for each attribute and child: a loop over them takes twice as long.
    """
    names: dict[str, Any] = {"unusual": _unusual, "escaped": _escaped, "IN_TEXT": _IN_TEXT, "NOTHING": _NOTHING}
    lines = ["def write(value, indent):", f"    head, inner, text = {own_head!r}, '', ''"]
    for number, (name, field, as_text, escaped) in enumerate(_attributes(node, secure)):
        names |= {f"as_text{number}": as_text, f"escaped{number}": escaped}
        lines += [
            f"    if (item := value.{field}) is not None:",
            f"        said = as_text{number}(item)",
            f"        head += f\" {name}='{{escaped{number}(said) if unusual(said) else said}}'\"",
        ]
    if node.text:
        names["as_text"] = node.text.write
        lines += [
            f"    if (item := value.{node.text.name}) is not None:",
            "        text = escaped(as_text(item), IN_TEXT)",
        ]
    for number, (name, place) in enumerate(node.children.items()):
        names[f"child{number}"], declared = _place(node, name, place, tag, secure)
        lines += [
            f"    if {' or '.join(_SAID.format(field) for field in _fields(place))}:",
            f"        if lines := child{number}(value, indent + '  '):",
            "            inner += lines",
            *([f"            if {declared!r} not in head: head += {declared!r}"] if declared else ()),
        ]
    presence = f"or value.{node.present}" if node.present else ""
    lines += [
        f"    if inner: return f'{{indent}}<{tag}{{head}}>{{text}}\\n{{inner}}{{indent}}</{tag}>\\n'",
        f"    if text: return f'{{indent}}<{tag}{{head}}>{{text}}</{tag}>\\n'",
        f"    if head {presence}: return f'{{indent}}<{tag}{{head}}/>\\n'",
        "    return ''",
    ]
    exec("\n".join(lines), names)
    return names["write"]


def _attributes(node: Node, secure: bool) -> list[tuple[str, str, Callable[[Any], str], Callable[[str], str]]]:
    """How each attribute is called, found, written and escaped."""
    return [
        (name, slot.name, slot.write, _attribute)
        if slot.scaled is None
        else (name, slot.name, _scaled(slot.scaled), str)
        for name, slot in node.attributes.items()
        if secure or not slot.secure
    ]


def _scaled(codec: ScaledCodec) -> Callable[[Any], str]:
    """Writes what stands between a size's quotes, which goes on with its unit's attribute."""
    return lambda item: f"' {codec.unit}='".join(codec.write(item))


def _place(parent: Node, name: str, place: _Place, tag: str, secure: bool) -> tuple[_Write, str]:
    """How a child is written, and the namespace that it makes its parent declare."""
    if name.endswith(SECOND):
        own_name = name.removesuffix(SECOND)
        write = _second(own_name, parent.children[own_name], place, secure)
    else:
        write = _child(name, place, secure)
    prefix, colon, _ = name.partition(":")
    declared = f" xmlns:{prefix}='{NAMESPACES[prefix]}'" if colon and ":" not in tag else ""
    return write, declared


def _fields(place: _Place) -> list[str]:
    """The fields without any of which there is nothing of an element."""
    if not isinstance(place, Node):
        return [place.name]
    slots = [*place.attributes.values(), *([place.text] if place.text else [])]
    own = [*(slot.name for slot in slots), *([place.present] if place.present else [])]
    own += [place.sized[0]] if place.sized else []
    return [*own, *(field for child in place.children.values() for field in _fields(child))]


def _child(tag: str, place: _Place, secure: bool) -> _Write:
    """Writes what there is of a child."""
    match place:
        case Nested():
            return _nested(tag, place, secure)
        case Kept(name=name):
            get = attrgetter(name)
            return lambda value, indent: _kept(get(value), tag, indent)
        case Opaque(name=name):
            get = attrgetter(name)
            return lambda value, indent: _opaque(get(value), tag, indent)
        case Node(repeats=str()):
            return _repeated(tag, place)
        case Node(sized=None):
            return _element(place, tag, secure)
    return _sized(tag, place, secure)


def _second(tag: str, first: _Place, second: _Place, secure: bool) -> _Write:
    """Writes the second element of a name; where there is no first, an empty one keeps its place."""
    fields, write_first, write = _fields(first), _child(tag, first, secure), _child(tag, second, secure)

    def write_second(value: Any, indent: str) -> str:
        lines = write(value, indent)
        has_first = any(getattr(value, field) is not None for field in fields) and write_first(value, indent)
        return lines if has_first or not lines else f"{indent}<{tag}/>\n{lines}"

    return write_second


def _nested(tag: str, place: Nested, secure: bool) -> _Write:
    get, by = attrgetter(place.name), place.by

    def write(value: Any, indent: str) -> str:
        found = get(value)
        if not place.many:
            return _class(type(found), tag, by, secure)(found, indent)
        return "".join([_class(type(item), tag, by, secure)(item, indent) for item in found])

    return write


def _kept(kept: Subtree, tag: str, indent: str) -> str:
    head = f"{indent}<{tag}" + "".join(f" {name}='{_attribute(item)}'" for name, item in kept.attributes)
    if kept.children:
        inner = "".join(_kept(child, child_tag, indent + "  ") for child_tag, child in kept.children)
        return f"{head}>\n{inner}{indent}</{tag}>\n"
    return f"{head}>{_escaped(kept.text, _IN_TEXT)}</{tag}>\n" if kept.text else f"{head}/>\n"


def _opaque(value: Any, tag: str, indent: str) -> str:
    inner = "".join(f"{indent}  {item.xml}\n" for item in value)
    return f"{indent}<{tag}>\n{inner}{indent}</{tag}>\n" if inner else ""


def _repeated(tag: str, node: Node) -> _Write:
    """Writes an element that is one value each: `<boot dev='hd'/>` or its text."""
    get = attrgetter(node.repeats or "")
    slots = [("", node.text)] if node.text else list(node.attributes.items())
    (name, slot), *_ = slots

    def written(item: Any) -> str:
        if name:
            return f"<{tag} {name}='{_attribute(slot.write(item))}'/>\n"
        return f"<{tag}>{_escaped(slot.write(item), _IN_TEXT)}</{tag}>\n"

    return lambda value, indent: "".join([indent + written(item) for item in get(value)])


def _sized(tag: str, node: Node, secure: bool) -> _Write:
    """Writes an element that a size stands for."""
    assert node.sized is not None
    name, codec = node.sized
    get, attributes = attrgetter(name), _attributes(node, secure)

    def write(value: Any, indent: str) -> str:
        own, text = codec.write(get(value))
        said = [
            f" {name}='{escaped(as_text(item))}'"
            for name, field, as_text, escaped in attributes
            if (item := getattr(value, field)) is not None
        ]
        said += [f" {name}='{_attribute(item)}'" for name, item in own.items()]
        return f"{indent}<{tag}{''.join(said)}>{text}</{tag}>\n"

    return write
