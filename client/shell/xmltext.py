"""XML for the commands that make a definition of their options, laid out as libvirt does."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape


def element(
    tag: str, attributes: Mapping[str, str | None] | None = None, content: str | list[str] | None = None
) -> str:
    """An element with the attributes that are not None, and text or elements in it."""
    given = {name: value for name, value in (attributes or {}).items() if value is not None}
    head = "".join(f" {name}='{escape(value, {chr(39): '&apos;'})}'" for name, value in given.items())
    if not content:
        return f"<{tag}{head}/>"
    if isinstance(content, str):
        return f"<{tag}{head}>{escape(content)}</{tag}>"
    inner = "\n".join(f"  {line}" for child in content for line in child.splitlines())
    return f"<{tag}{head}>\n{inner}\n</{tag}>"
