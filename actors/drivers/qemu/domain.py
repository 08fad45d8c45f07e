"""The domains of the qemu driver."""

from __future__ import annotations

from .controls import Controls
from .live_changes import LiveChanges
from .statistics import Statistics
from .variables import Variables


class QemuDomain(Statistics, Variables, LiveChanges, Controls):
    """A domain whose guest is a QEMU process."""
