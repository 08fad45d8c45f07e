"""What guests of Microsoft's look for in their hypervisor: properties of the processor.

KVM alone gives them. Without it QEMU takes most and the guest sees none, as with libvirt; it does not start with some
(vpindex). QEMU checks that what builds on another enlightenment has it.
"""

from __future__ import annotations

from typing import Any

from .....wire.documents.domain import HyperV
from .....wire.errors import UnsupportedConfig
from .board import Board

# The fields of HyperV that are switches; their names are QEMU's with "hv-" before.
SWITCHES = (
    *("relaxed", "vapic", "vpindex", "runtime", "synic", "stimer", "reset", "frequencies", "reenlightenment"),
    *("tlbflush", "ipi", "evmcs", "avic"),
)
LEAST_RETRIES = 4095
MOST_RETRIES = 2**32 - 1
VENDOR_LENGTH = 12


def enlightenments(board: Board) -> dict[str, Any]:
    """The properties of -cpu for `<hyperv>`."""
    said = board.features.hyperv
    if said is None:
        return {}
    properties: dict[str, Any] = {f"hv-{name}": getattr(said, name) for name in SWITCHES}
    properties |= {**_spinlocks(said), **_direct_timers(said), **_vendor(said)}
    if said.mode == "passthrough":
        if extra := sorted(name for name, value in properties.items() if value is not None):
            raise UnsupportedConfig(f"hyperv mode 'passthrough' with {', '.join(extra)} of its own")
        properties["hv-passthrough"] = True
    return {name: value for name, value in properties.items() if value is not None}


def _spinlocks(said: HyperV) -> dict[str, Any]:
    retries = said.spinlock_retries
    if not said.spinlocks:
        if retries is not None:
            raise UnsupportedConfig("hyperv spinlocks: retries of what is not on")
        return {}
    if retries is None or not LEAST_RETRIES <= retries <= MOST_RETRIES:
        raise UnsupportedConfig(f"hyperv spinlocks: {retries} retries", hint=f"at least {LEAST_RETRIES}")
    return {"hv-spinlocks": f"{retries:#x}"}


def _direct_timers(said: HyperV) -> dict[str, Any]:
    if said.stimer_direct and not said.stimer:
        raise UnsupportedConfig("hyperv stimer: direct of what is not on")
    return {"hv-stimer-direct": said.stimer_direct}


def _vendor(said: HyperV) -> dict[str, Any]:
    vendor = said.vendor_id_value
    if not said.vendor_id:
        if vendor is not None:
            raise UnsupportedConfig("hyperv vendor_id: a value of what is not on")
        return {}
    if not vendor or len(vendor) > VENDOR_LENGTH or "," in vendor or not vendor.isprintable():
        raise UnsupportedConfig(f"hyperv vendor_id: {vendor!r}", hint=f"1 to {VENDOR_LENGTH} characters without ','")
    return {"hv-vendor-id": vendor}
