"""What else is on a board: hubs, watchdogs, panic notifiers, IOMMUs, sockets to the host, cryptography."""

from __future__ import annotations

from .....wire.documents.domain import Crypto, Features, Hub, Iommu, Panic, Vsock, Watchdog
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias
from .syntax import on_off

WATCHDOGS = {"i6300esb": "i6300esb", "ib700": "ib700"}
# What QEMU does when a watchdog has run out, by what a definition says; the dump is the daemon's.
ACTIONS = {"dump": "pause"} | {each: each for each in ("reset", "shutdown", "poweroff", "pause", "none", "inject-nmi")}
MIN_CID, MAX_CID = 3, 0xFFFFFFFF


def hubs(board: Board) -> list[str]:
    """The arguments of all USB hubs, each after the one that it is plugged into."""
    return [word for hub in sorted(board.definition.devices.hubs, key=_depth) for word in board.device(hub, "usb-hub")]


def _depth(hub: Hub) -> int:
    return str(getattr(hub.address, "port", None) or "").count(".")


def watchdogs(board: Board) -> list[str]:
    """The arguments of all watchdogs; what they do is QEMU's for all of them."""
    found = board.definition.devices.watchdogs
    arguments = [word for watchdog in found for word in _watchdog(board, watchdog)]
    actions = {watchdog.action or "reset" for watchdog in found}
    if len(actions) > 1:
        raise UnsupportedConfig("watchdogs with different actions")
    for action in actions:
        if action not in ACTIONS:
            raise UnsupportedConfig(f"watchdog action {action!r}")
        arguments += ["-action", f"watchdog={ACTIONS[action]}"]
    return arguments


def _watchdog(board: Board, watchdog: Watchdog) -> list[str]:
    if watchdog.model == "itco":
        # It is the machine's, whose firmware is told to leave its resets alone.
        if not board.family.pcie:
            raise UnsupportedConfig(f"{label(watchdog)} on machine type {board.family.name}")
        return ["-global", "ICH9-LPC.noreboot=off"]
    driver = WATCHDOGS.get(watchdog.model)
    if driver is None:
        raise UnsupportedConfig(label(watchdog))
    if watchdog.model == "ib700":
        return board.bare_device(label(watchdog), driver, id=alias(watchdog))
    return board.device(watchdog, driver)


def panics(board: Board) -> list[str]:
    """The arguments of all notifiers; hyperv's is a feature of the processor."""
    return [word for panic in board.definition.devices.panics for word in _panic(board, panic)]


def _panic(board: Board, panic: Panic) -> list[str]:
    match panic.model:
        case None | "isa":
            if not board.family.root:
                raise UnsupportedConfig(f"{label(panic)} on machine type {board.family.name}")
            port = getattr(panic.address, "iobase", None)
            if getattr(panic.address, "irq", None) is not None:
                raise UnsupportedConfig(f"{label(panic)}: an irq")
            return board.bare_device(label(panic), "pvpanic", id=alias(panic), ioport=port)
        case "pvpanic":
            return board.device(panic, "pvpanic-pci")
        case "hyperv":
            return []
    raise UnsupportedConfig(label(panic))


def iommu(board: Board) -> list[str]:
    """The arguments of the unit that translates devices' addresses; it comes before all devices."""
    unit = board.definition.devices.iommu
    if unit is None:
        return []
    return _virtio_iommu(board, unit) if unit.model == "virtio" else _intel_iommu(board, unit)


def _intel_iommu(board: Board, unit: Iommu) -> list[str]:
    if unit.model != "intel" or not board.family.pcie:
        raise UnsupportedConfig(f"iommu {unit.model!r} on machine type {board.family.name}")
    features = board.definition.features or Features()
    if unit.intremap and features.ioapic != "qemu":
        raise UnsupportedConfig("IOMMU interrupt remapping requires split I/O APIC (ioapic driver='qemu')")
    properties = {
        "intremap": None if unit.intremap is None else on_off(unit.intremap),
        "caching-mode": unit.caching_mode,
        "eim": None if unit.eim is None else on_off(unit.eim),
        "device-iotlb": unit.iotlb,
        "aw-bits": unit.aw_bits,
    }
    return board.bare_device("iommu 'intel'", "intel-iommu", id=alias(unit), **properties)


def _virtio_iommu(board: Board, unit: Iommu) -> list[str]:
    for field in ("intremap", "caching_mode", "eim", "iotlb", "aw_bits"):
        if getattr(unit, field) is not None:
            raise UnsupportedConfig(f"iommu 'virtio': {field.replace('_', ' ')}")
    if not board.family.pcie:
        raise UnsupportedConfig(f"iommu 'virtio' on machine type {board.family.name}")
    return board.device(unit, "virtio-iommu-pci")


def vsock(board: Board) -> list[str]:
    """The arguments of the sockets to the host; the start has opened the kernel's side and chosen a number."""
    device = board.definition.devices.vsock
    if device is None:
        return []
    opened = board.resources.vsock
    if device.auto is False and device.cid is None:
        raise UnsupportedConfig("vsock: auto='no' without an address")
    cid = device.cid if opened is None else opened.cid
    if cid is None or not MIN_CID <= cid < MAX_CID:
        raise UnsupportedConfig(f"vsock with cid {cid}", hint=f"{MIN_CID} at least, or auto='yes'")
    return board.device(
        device,
        board.virtio("vsock", device.model, prefix="vhost"),
        **board.virtio_options(device),
        **{"guest-cid": cid, "vhostfd": None if opened is None else str(opened.descriptor)},
    )


def cryptos(board: Board) -> list[str]:
    """The arguments of all processors for cryptography."""
    return [word for crypto in board.definition.devices.cryptos for word in _crypto(board, crypto)]


def _crypto(board: Board, crypto: Crypto) -> list[str]:
    backend = f"obj{alias(crypto)}"
    return board.object(
        "crypto", f"cryptodev-backend-{crypto.backend}", id=backend, queues=crypto.queues
    ) + board.device(crypto, board.virtio("crypto"), **board.virtio_options(crypto), cryptodev=backend)


def takes_a_number(device: Vsock) -> bool:
    """Whether a number is to be chosen at the start."""
    return bool(device.auto) or device.cid is None
