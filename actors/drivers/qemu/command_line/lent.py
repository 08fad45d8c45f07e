"""What a viewer or the host lends: USB devices over the network, and smartcards."""

from __future__ import annotations

import re

from .....wire.documents.domain import RedirectedDevice, RedirectionFilter, Smartcard
from .....wire.documents.domain.devices.hostdev import UsbFilter
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias
from .chardev import host_side, lent_end

CERTIFICATES = 3
_ANY = "-1"
_VERSION = re.compile(r"(\d{1,2})(?:\.(\d{1,2}))?", re.ASCII)


def redirected_devices(board: Board) -> list[str]:
    """The arguments of all places for a viewer's USB devices."""
    devices = board.definition.devices
    rules = _rules(devices.redirfilter) if devices.redirfilter else None
    return [word for device in devices.redirdevs for word in _redirected(board, device, rules)]


def _redirected(board: Board, device: RedirectedDevice, rules: str | None) -> list[str]:
    chardev = f"char{alias(device)}"
    return host_side(lent_end(device), chardev, board) + board.device(
        device, "usb-redir", chardev=chardev, filter=rules
    )


def _rules(said: RedirectionFilter) -> str | None:
    """Which devices may be lent, as QEMU writes it."""
    return "|".join(map(_rule, said.rules)) or None


def _rule(rule: UsbFilter) -> str:
    numbers = (
        _ANY if rule.usb_class is None else f"{rule.usb_class:#04x}",
        _ANY if rule.vendor is None else f"{rule.vendor:#06x}",
        _ANY if rule.product is None else f"{rule.product:#06x}",
        _version(rule.version),
    )
    return ":".join([*numbers, str(int(rule.allow))])


def _version(text: str | None) -> str:
    """A version of a device's, which is kept as decimal digits."""
    if text in (None, _ANY):
        return _ANY
    match = _VERSION.fullmatch(text)
    if match is None:
        raise UnsupportedConfig(f"redirfilter: version {text!r}", hint="digits, as '2.56'")
    return f"0x{int(match[1]):02d}{int(match[2] or 0):02d}"


def smartcards(board: Board) -> list[str]:
    """The arguments of all smartcards; their readers come before them."""
    return [word for card in board.definition.devices.smartcards for word in _card(board, card)]


def _card(board: Board, card: Smartcard) -> list[str]:
    name = label(card)
    if card.mode == "passthrough":
        if card.certificates or card.database is not None:
            raise UnsupportedConfig(f"{name}: certificates")
        chardev = f"char{alias(card)}"
        reader = board.place(card)
        if reader["slot"]:
            raise UnsupportedConfig(f"{name}: a reader has slot 0 and no other")
        device = {"chardev": chardev, "id": alias(card), "bus": reader["bus"]}
        return host_side(lent_end(card), chardev, board) + board.bare_device(name, "ccid-card-passthru", **device)
    for field in ("type", "source_mode", "source_path", "source_host", "source_service", "protocol"):
        if getattr(card, field) is not None:
            raise UnsupportedConfig(f"{name}: {field.replace('_', ' ')}")
    return _emulated(board, card)


def _emulated(board: Board, card: Smartcard) -> list[str]:
    """A card that is the host's own, or made of certificates in a database of the host's."""
    name = label(card)
    reader = board.place(card)
    if reader["slot"]:
        raise UnsupportedConfig(f"{name}: a reader has slot 0 and no other")
    device = {"id": alias(card), "bus": reader["bus"]}
    if card.mode == "host":
        if card.certificates or card.database is not None:
            raise UnsupportedConfig(f"{name}: certificates")
        return board.bare_device(name, "ccid-card-emulated", backend="nss-emulated", **device)
    if len(card.certificates) != CERTIFICATES:
        raise UnsupportedConfig(f"{name}: {len(card.certificates)} certificates, expected {CERTIFICATES}")
    certificates = {f"cert{number}": path for number, path in enumerate(card.certificates, 1)}
    return board.bare_device(
        name, "ccid-card-emulated", backend="certificates", **certificates, db=card.database, **device
    )
