"""The domains of the qemu driver."""

from __future__ import annotations

from .guest import Guest
from .talking import Talking
from .variables import Variables


class QemuDomain(Variables, Talking, Guest):
    """A domain whose guest is a QEMU process."""
