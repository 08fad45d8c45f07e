"""Network cards: -netdev for the host's side and -device for the guest's.

A link that is down is set so by the monitor, before the guest runs (see `preparation`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from .....wire.documents.domain import Interface
from .....wire.documents.domain.devices.interface import InterfaceDriver, Offloads
from .....wire.errors import UnsupportedConfig
from ..labels import label
from ..pci import INTERFACES
from .board import VIRTIO_MODELS, Board, alias
from .character import forwards
from .syntax import json_option

MAX_MTU = 65535
MIN_MTU = 68
MAX_PORT = 65535
TRANSMISSION = {"iothread": "bh", "timer": "timer"}
# What a type may say of its host's side; what is said of another is refused.
SOURCES = {
    "user": ("addresses",),
    "server": ("source_address", "source_port"),
    "client": ("source_address", "source_port"),
    "mcast": ("source_address", "source_port"),
    "udp": ("source_address", "source_port", "local_address", "local_port"),
}
_HOST_OFFLOADS = {
    "csum": "csum",
    "gso": "gso",
    "tso4": "host_tso4",
    "tso6": "host_tso6",
    "ecn": "host_ecn",
    "ufo": "host_ufo",
    "mrg_rxbuf": "mrg_rxbuf",
}
_GUEST_OFFLOADS = {
    "csum": "guest_csum",
    "tso4": "guest_tso4",
    "tso6": "guest_tso6",
    "ecn": "guest_ecn",
    "ufo": "guest_ufo",
}


def interfaces(board: Board) -> list[str]:
    """The arguments of all cards, and of channels that are addresses in the first network of QEMU's own."""
    arguments, forwarded = forwards(board)
    for interface in board.definition.devices.interfaces:
        own = forwarded if interface.type == "user" else []
        arguments += _interface(board, interface, {"guestfwd": own} if own else {})
        if own:
            forwarded = []
    return arguments


def _interface(board: Board, interface: Interface, forwarding: dict[str, Any]) -> list[str]:
    _check_source(interface)
    netdev = f"host{alias(interface)}"
    guest_side = board.device(
        interface,
        _driver(board, interface),
        netdev=netdev,
        mac=interface.mac,
        **_properties(board, interface),
    )
    backend = {**_BACKENDS[interface.type](interface), **forwarding, "id": netdev}
    return [*json_option("-netdev", backend), *guest_side]


def is_virtio(board: Board, interface: Interface) -> bool:
    """Whether a card is a virtio one, by either way of calling it so."""
    model = interface.model or board.family.interface_model
    return model in VIRTIO_MODELS or model.startswith("virtio-net-pci")


def _driver(board: Board, interface: Interface) -> str:
    model = interface.model or board.family.interface_model
    if model in VIRTIO_MODELS:
        return board.virtio("net", model)
    if model not in INTERFACES or board.family.root is None:
        raise UnsupportedConfig(f"{label(interface)}: model {model!r} on machine type {board.family.name}")
    return model


# --- the host's side


def _check_source(interface: Interface) -> None:
    known = SOURCES[interface.type]
    for field in sorted({field for fields in SOURCES.values() for field in fields} - set(known)):
        if getattr(interface, field) not in (None, ()):
            raise UnsupportedConfig(f"{label(interface)}: {field.replace('_', ' ')} with type {interface.type!r}")


def _user(interface: Interface) -> dict[str, Any]:
    """QEMU's own network behind a translating router; its range can be said once for each family of addresses."""
    backend: dict[str, Any] = {"type": "user"}
    for address in interface.addresses:
        if address.peer is not None:
            raise UnsupportedConfig(f"{label(interface)}: a peer with type 'user'")
        try:
            parsed = ipaddress.ip_address(address.address)
        except ValueError:
            raise UnsupportedConfig(f"{label(interface)}: {address.address!r} is no IP address") from None
        family = f"ipv{parsed.version}"
        if address.family not in (None, family) or ("net" if parsed.version == 4 else "ipv6-prefix") in backend:
            raise UnsupportedConfig(f"{label(interface)}: one address for each family, of that family")
        if parsed.version == 4:
            backend["net"] = address.address + (f"/{address.prefix}" if address.prefix is not None else "")
        else:
            backend |= {"ipv6-prefix": address.address, "ipv6-prefixlen": address.prefix}
    return backend


def _ends(interface: Interface, *, address: bool) -> str:
    """Where a tunnel's other end is, as QEMU writes it. A port is needed, and an address for all but servers."""
    if interface.source_port is None or not 0 < interface.source_port <= MAX_PORT:
        raise UnsupportedConfig(f"{label(interface)}: port {interface.source_port} with type {interface.type!r}")
    if address and interface.source_address is None:
        raise UnsupportedConfig(f"{label(interface)}: type {interface.type!r} without an address")
    return f"{interface.source_address or ''}:{interface.source_port}"


def _udp(interface: Interface) -> dict[str, Any]:
    if interface.local_port is None:
        raise UnsupportedConfig(f"{label(interface)}: type 'udp' without a local port")
    local = f"{interface.local_address or ''}:{interface.local_port}"
    return {"type": "socket", "udp": _ends(interface, address=True), "localaddr": local}


_BACKENDS: dict[str, Callable[[Interface], dict[str, Any]]] = {
    "user": _user,
    "server": lambda interface: {"type": "socket", "listen": _ends(interface, address=False)},
    "client": lambda interface: {"type": "socket", "connect": _ends(interface, address=True)},
    "mcast": lambda interface: {"type": "socket", "mcast": _ends(interface, address=True)},
    "udp": _udp,
}


# --- the guest's side


def _properties(board: Board, interface: Interface) -> dict[str, Any]:
    driver = interface.driver or InterfaceDriver()
    if not is_virtio(board, interface):
        if driver not in (InterfaceDriver(), InterfaceDriver(name="qemu")) or interface.mtu is not None:
            raise UnsupportedConfig(f"{label(interface)}: settings of the driver and mtu are for virtio")
        return {}
    if driver.queues not in (None, 1):
        raise UnsupportedConfig(f"{label(interface)}: {driver.queues} queues with type {interface.type!r}")
    if interface.mtu is not None and not MIN_MTU <= interface.mtu <= MAX_MTU:
        raise UnsupportedConfig(f"{label(interface)}: mtu {interface.mtu}")
    return {
        **board.virtio_options(driver),
        "host_mtu": interface.mtu,
        "tx": TRANSMISSION.get(driver.txmode or ""),
        "ioeventfd": driver.ioeventfd,
        "event_idx": driver.event_idx,
        "rx_queue_size": driver.rx_queue_size,
        "tx_queue_size": driver.tx_queue_size,
        "rss": driver.rss,
        "hash": driver.rss_hash_report,
        **_offloads(interface, driver.host, _HOST_OFFLOADS),
        **_offloads(interface, driver.guest, _GUEST_OFFLOADS),
    }


def _offloads(interface: Interface, said: Offloads | None, known: dict[str, str]) -> dict[str, Any]:
    """What may be left to the other end, by QEMU's names."""
    if said is None:
        return {}
    for name in ("gso", "mrg_rxbuf"):
        if name not in known and getattr(said, name) is not None:
            raise UnsupportedConfig(f"{label(interface)}: {name} of the guest")
    return {qemu: getattr(said, name) for name, qemu in known.items()}
