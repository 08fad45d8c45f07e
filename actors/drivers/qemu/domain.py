"""The domains of the qemu driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ....wire.enums.domain import DomainCreateFlags, DomainRebootFlagValues, DomainShutdownFlagValues
from ....wire.enums.domain_tuning import DomainVcpuFlags
from ..domain.flags import IMPACTS
from ..domain.life import START_FLAGS
from .agent_calls import AgentCalls
from .agent_vcpus import AgentVcpus
from .automatic_dumps import AutomaticDumps
from .completed_jobs import CompletedJobs
from .controls import Controls
from .counting import Counting
from .documents import XML_FLAGS, GuestDocuments
from .handed_files import HandedFiles
from .media import Media
from .news import News
from .statistics import Statistics
from .tpm_states import TpmStates
from .variables import Variables

_STARTS = (
    "domain_create_with_flags",
    "domain_create_with_files",
    "domain_create_xml",
    "domain_create_xml_with_files",
)


class QemuDomain(
    HandedFiles,
    TpmStates,
    Counting,
    Statistics,
    Variables,
    CompletedJobs,
    AutomaticDumps,
    Media,
    News,
    AgentCalls,
    AgentVcpus,
    Controls,
    GuestDocuments,
):
    """A domain whose guest is a QEMU process."""

    flags: ClassVar[Mapping[str, int]] = {
        **dict.fromkeys(_STARTS, START_FLAGS | DomainCreateFlags.RESET_NVRAM),
        "domain_get_xml_desc": XML_FLAGS,
        "domain_set_vcpus_flags": IMPACTS | DomainVcpuFlags.MAXIMUM | DomainVcpuFlags.HOTPLUGGABLE,
        "domain_shutdown_flags": DomainShutdownFlagValues.ACPI_POWER_BTN | DomainShutdownFlagValues.GUEST_AGENT,
        "domain_reboot": DomainRebootFlagValues.ACPI_POWER_BTN | DomainRebootFlagValues.GUEST_AGENT,
    }
