"""The writer of documents again, as one walk over a value and its shape: plain, and slow.

What the real one writes, whose functions are put together from source, is held against it.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

from virtactor.wire.documents.binding import NAMESPACES, SECOND, Subtree
from virtactor.wire.documents.schema import Kept, Nested, Node, Opaque, Shape, Slot, shape_of
from virtactor.wire.errors import InvalidArgument

# What must not stand in XML as it is: markup, line ends and tabs that a parser would normalize; and what cannot stand.
_SPECIAL = re.compile("[&<>'\"\t\n\r]")
_IMPOSSIBLE = re.compile("[^\t\n\r\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_IN_ATTRIBUTE = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;",
}  # fmt: skip
_IN_TEXT = {**_IN_ATTRIBUTE, "\t": "\t", "\n": "\n"}


def write_document(value: Any, root: str, *, secure: bool = False) -> str:
    """The document of a model's value, ending in a line break. Secrets are written only if `secure`.

    Raises InvalidArgument for text that has characters that XML cannot carry.
    """
    lines: list[str] = []
    _Writing(lines, secure).shaped(value, root, shape_of(type(value)), "")
    lines.append("")
    return "\n".join(lines)


def _attribute(text: str) -> str:
    return _escaped(text, _IN_ATTRIBUTE)


def _escaped(text: str, table: dict[str, str]) -> str:
    if text.isalnum() and text.isascii():
        return text
    if _IMPOSSIBLE.search(text):
        raise InvalidArgument(f"{text[:40]!r} has characters that XML cannot carry")
    return _SPECIAL.sub(lambda match: table[match[0]], text)


def _written(name: str, slot: Slot, item: Any) -> str:
    if slot.scaled is None:
        return f" {name}='{_attribute(slot.write(item))}'"
    text, unit = slot.scaled.write(item)
    return f" {name}='{text}' {slot.scaled.unit}='{unit}'"


class _Writing:
    """One pass over one value; `lines` grows."""

    __slots__ = ("_lines", "_secure")

    def __init__(self, lines: list[str], secure: bool) -> None:
        self._lines = lines
        self._secure = secure

    def shaped(self, value: Any, tag: str, shape: Shape, indent: str, by: str | None = None) -> None:
        """Write a value as its class's element, even if nothing is in it."""
        head = f" {by}='{shape.tag}'" if by else ""
        if not self._element(value, tag, shape.node, indent, head):
            self._lines.append(f"{indent}<{tag}{head}/>")

    def _element(self, value: Any, tag: str, node: Node, indent: str, head: str = "") -> bool:
        """Write one element unless it would be empty; says whether it did."""
        for name, slot in node.attributes.items():
            if (item := getattr(value, slot.name)) is not None and (self._secure or not slot.secure):
                head += _written(name, slot, item)
        text = self._text(value, node.text) if node.text else ""
        lines = self._lines
        start = len(lines)
        lines.append("")
        declared = ""
        for child_tag, place in node.children.items():
            before = len(lines)
            self._child(value, child_tag, place, indent + "  ")
            if ":" in child_tag and len(lines) > before and ":" not in tag:
                prefix = child_tag.partition(":")[0]
                declared = f" xmlns:{prefix}='{NAMESPACES[prefix]}'"
        head += declared
        if len(lines) > start + 1:
            lines[start] = f"{indent}<{tag}{head}>{text}"
            lines.append(f"{indent}</{tag}>")
        elif text:
            lines[start] = f"{indent}<{tag}{head}>{text}</{tag}>"
        elif head or (node.present and getattr(value, node.present)):
            lines[start] = f"{indent}<{tag}{head}/>"
        else:
            lines.pop()
            return False
        return True

    def _text(self, value: Any, slot: Slot) -> str:
        item = getattr(value, slot.name)
        return "" if item is None else _escaped(slot.write(item), _IN_TEXT)

    def _child(self, value: Any, tag: str, place: Node | Nested | Opaque | Kept, indent: str) -> None:
        if tag.endswith(SECOND):
            self._second(value, tag.removesuffix(SECOND), place, indent)
        elif isinstance(place, Nested):
            self._nested(getattr(value, place.name), tag, place, indent)
        elif isinstance(place, Kept):
            if (kept := getattr(value, place.name)) is not None:
                self._kept(kept, tag, indent)
        elif isinstance(place, Opaque):
            self._opaque(getattr(value, place.name), tag, indent)
        elif place.repeats:
            self._repeated(getattr(value, place.repeats), tag, place, indent)
        elif place.sized:
            self._sized(value, tag, place, indent)
        else:
            self._element(value, tag, place, indent)

    def _second(self, value: Any, tag: str, place: Node | Nested | Opaque | Kept, indent: str) -> None:
        """Write the second element of a name; where there is no first, an empty one keeps its place."""
        lines = self._lines
        before = len(lines)
        self._child(value, tag, place, indent)
        opening = f"{indent}<{tag}"
        # Up to the parent's own line, which is empty until its children are written.
        siblings = itertools.takewhile(bool, reversed(lines[:before]))
        if len(lines) > before and not any(line.startswith((f"{opening} ", f"{opening}>")) for line in siblings):
            lines.insert(before, f"{opening}/>")

    def _nested(self, value: Any, tag: str, place: Nested, indent: str) -> None:
        if value is None:
            return
        for item in value if place.many else (value,):
            self.shaped(item, tag, shape_of(type(item)), indent, place.by)

    def _kept(self, kept: Subtree, tag: str, indent: str) -> None:
        head = f"{indent}<{tag}" + "".join(f" {name}='{_attribute(item)}'" for name, item in kept.attributes)
        if not kept.children:
            self._lines.append(f"{head}>{_escaped(kept.text, _IN_TEXT)}</{tag}>" if kept.text else f"{head}/>")
            return
        self._lines.append(f"{head}>")
        for child_tag, child in kept.children:
            self._kept(child, child_tag, indent + "  ")
        self._lines.append(f"{indent}</{tag}>")

    def _opaque(self, value: Any, tag: str, indent: str) -> None:
        if value:
            inner = indent + "  "
            self._lines += [f"{indent}<{tag}>", *(inner + item.xml for item in value), f"{indent}</{tag}>"]

    def _repeated(self, value: Any, tag: str, node: Node, indent: str) -> None:
        """An element that is one value each: `<boot dev='hd'/>` or its text."""
        for item in value:
            if node.text:
                self._lines.append(f"{indent}<{tag}>{_escaped(node.text.write(item), _IN_TEXT)}</{tag}>")
            for name, slot in node.attributes.items():
                self._lines.append(f"{indent}<{tag} {name}='{_attribute(slot.write(item))}'/>")

    def _sized(self, value: Any, tag: str, node: Node, indent: str) -> None:
        if node.sized is None or (size := getattr(value, node.sized[0])) is None:
            return
        attributes, text = node.sized[1].write(size)
        head = "".join(
            _written(name, slot, item)
            for name, slot in node.attributes.items()
            if (item := getattr(value, slot.name)) is not None
        )
        head += "".join(f" {name}='{_attribute(item)}'" for name, item in attributes.items())
        self._lines.append(f"{indent}<{tag}{head}>{text}</{tag}>")
