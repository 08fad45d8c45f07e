"""Parts of XML documents, chosen by XPath and printed as virsh prints them."""

from __future__ import annotations

from typing import Any

from ...wire.errors import InvalidArgument, NotFound


def chosen(xml: str, xpath: str, wrap: bool) -> str:
    """What an XPath expression finds, each on its own; ``wrap`` puts all of it into one document.

    Raises InvalidArgument for an expression that is none, NotFound where nothing is found.
    """
    # Imported here: it takes as long as all the rest of a command.
    from lxml import etree

    document = etree.fromstring(xml.encode())
    try:
        found: Any = document.xpath(xpath)
    except etree.XPathError as error:
        raise InvalidArgument(f"'{xpath}' is no XPath expression: {error}") from error
    if not isinstance(found, list):
        return str(found)
    if not found:
        raise NotFound(f"nothing in the document fits '{xpath}'")
    if wrap:
        nodes = etree.Element("nodes")
        nodes.extend([node for node in found if etree.iselement(node)])
        return _written(nodes)
    return "\n".join(map(_written, found))


def _written(node: Any) -> str:
    from lxml import etree

    if etree.iselement(node):
        node.tail = None
        etree.indent(node)
        return etree.tostring(node, encoding="unicode")
    if getattr(node, "is_attribute", False):
        return f' {node.attrname}="{node}"'
    return str(node)
