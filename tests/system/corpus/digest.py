"""A domain document's devices as text to compare: for each device all that is said of it, address included."""

from __future__ import annotations

from lxml import etree

# What no two domains have alike, or who defines it chooses: the aliases of a definition are its user's.
PASSED_OVER = ("mac", "alias", "emulator")


def devices_of(document: str) -> list[str]:
    """The devices of a document, each as `kind attribute=value …`, in an order of their own."""
    devices = etree.fromstring(document).find("devices")
    assert devices is not None
    found = [each for each in devices if isinstance(each.tag, str) and each.tag not in PASSED_OVER]
    return sorted(" ".join([str(each.tag), *sorted(_said(each, ""))]) for each in found)


def _said(element: etree._Element, path: str) -> list[str]:
    said = [f"{path}{name}={value}" for name, value in element.items()]
    text = (element.text or "").strip()
    if text:
        said.append(f"{path}.={text}")
    if not (said or len(element)) and path:
        said.append(path.rstrip("/"))
    for child in element:
        if isinstance(child.tag, str) and child.tag not in PASSED_OVER:
            said += _said(child, f"{path}{child.tag}/")
    return said
