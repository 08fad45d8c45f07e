"""How a grammar is written: indented, and what fits on a line on one line."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from .grammar import grammar

_HEADING = """
  What virtactor accepts in <{root}> documents.
  Written by `python -m virtactor.wire.documents.schemas` from the classes that read them: change those.
"""
WIDTH = 120
# What begins a line of its own however short it is.
_STRUCTURE = frozenset({"grammar", "start", "define", "interleave"})


def published(root: str, cls: type, within: tuple[str, type] | None = None) -> str:
    """The text of the schema of documents whose root element is named `root` and is read as `cls`; see `grammar`."""
    return laid_out(grammar(root, cls, within), _HEADING.format(root=root))


def laid_out(grammar: etree._Element, heading: str) -> str:
    """The text of a grammar, after a comment."""
    namespaces = {"xmlns" + (f":{prefix}" if prefix else ""): uri for prefix, uri in grammar.nsmap.items() if uri}
    opening = _opening(grammar, namespaces)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<!--{heading}-->", f"{opening}>"]
    for pattern in grammar:
        lines += ["", *_lines(pattern, "  ")]
    return "\n".join([*lines, "", "</grammar>", ""])


def _lines(element: etree._Element, indent: str) -> list[str]:
    name = _name(element)
    if name not in _STRUCTURE:
        line = indent + _on_one_line(element)
        if len(line) <= WIDTH:
            return [line]
    if name.endswith("documentation"):
        texts = [escape(line) for line in (element.text or "").splitlines()]
        return [f"{indent}<{name}>", *(f"{indent}  {line}".rstrip() for line in texts), f"{indent}</{name}>"]
    inner = [line for child in element for line in _lines(child, indent + "  ")]
    if not inner:
        return [indent + _on_one_line(element)]
    return [f"{indent}{_opening(element)}>", *inner, f"{indent}</{name}>"]


def _on_one_line(element: etree._Element) -> str:
    inner = escape(element.text or "", {"\n": "&#10;", "\x85": "&#x85;"}) + "".join(map(_on_one_line, element))
    return f"{_opening(element)}>{inner}</{_name(element)}>" if inner else f"{_opening(element)}/>"


def _opening(element: etree._Element, more: dict[str, str] | None = None) -> str:
    said = {**(more or {}), **{str(name): str(value) for name, value in element.items()}}
    return f"<{_name(element)}" + "".join(f" {name}={quoteattr(value)}" for name, value in said.items())


def _name(element: etree._Element) -> str:
    name = etree.QName(element)
    return f"{element.prefix}:{name.localname}" if element.prefix else name.localname
