"""The domains of the qemu driver."""

from __future__ import annotations

from .agent_calls import AgentCalls
from .controls import Controls
from .news import News
from .saving import GuestSaving
from .statistics import Statistics
from .tpm_states import TpmStates
from .variables import Variables


class QemuDomain(TpmStates, Statistics, Variables, GuestSaving, News, AgentCalls, Controls):
    """A domain whose guest is a QEMU process."""
