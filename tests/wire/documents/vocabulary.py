"""The vocabulary of a RELAX NG schema: which attributes and elements each element may have, whatever else must be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

_NG = "{http://relaxng.org/ns/structure/1.0}"
# How much of an element's path tells it from others of its name.
DEPTH = 3


def vocabulary(schema: Path) -> set[str]:
    """Paths like "disk/source/@file", of the last elements and what these may have."""
    patterns: dict[str, list[etree._Element]] = {}
    starts = _collect(schema, patterns)
    found: set[str] = set()
    seen: set[tuple[str, tuple[str, ...]]] = set()

    def walk(pattern: etree._Element, path: tuple[str, ...]) -> None:
        for part in pattern.iterchildren(etree.Element):
            if part.tag == f"{_NG}ref":
                place = (str(part.get("name")), path)
                if place not in seen:
                    seen.add(place)
                    for named in patterns.get(place[0], ()):
                        walk(named, path)
            elif part.tag == f"{_NG}attribute":
                found.update("/".join([*path, f"@{name}"][-DEPTH:]) for name in _names(part))
            elif part.tag == f"{_NG}element":
                for name in _names(part):
                    inner = (*path, name)[-DEPTH:]
                    found.add("/".join(inner))
                    walk(part, inner[1 - DEPTH :])
            else:
                walk(part, path)

    for start in starts:
        walk(start, ())
    return found


def _collect(schema: Path, patterns: dict[str, list[etree._Element]]) -> list[etree._Element]:
    """Note the named patterns of a schema and of those that it includes; gives where documents begin."""
    starts = []
    for part in etree.parse(schema).getroot().iter(f"{_NG}include", f"{_NG}define", f"{_NG}start"):
        if part.tag == f"{_NG}include":
            _collect(schema.with_name(str(part.get("href"))), patterns)
        elif part.tag == f"{_NG}define":
            patterns.setdefault(str(part.get("name")), []).append(part)
        else:
            starts.append(part)
    return starts


def _names(part: etree._Element) -> Iterator[str]:
    """The names of an element or attribute without their prefixes, "*" for any."""
    named = [str(part.get("name"))] if part.get("name") else [each.text or "" for each in part.iterfind(f"{_NG}name")]
    yield from (name.rpartition(":")[2] for name in named or ["*"])
