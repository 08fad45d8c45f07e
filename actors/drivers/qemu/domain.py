"""The domains of the qemu driver."""

from __future__ import annotations

from .guest import Guest
from .talking import Talking


class QemuDomain(Talking, Guest):
    """A domain whose guest is a QEMU process."""
