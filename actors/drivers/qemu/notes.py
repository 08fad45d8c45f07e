"""What is to be known of a running guest before anybody helps with it: virDomainGetMessages, from its definition."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from ....wire.documents.domain import DomainDefinition
from ....wire.errors import UnsupportedConfig
from .capabilities import Capabilities

DEPRECATION, TAINT = 1, 2  # virDomainMessageType


def _custom_argv(live: DomainDefinition) -> bool:
    said = live.qemu_command_line
    return said is not None and bool(said.arguments or said.environment)


def _custom_hypervisor_feature(live: DomainDefinition) -> bool:
    return bool(live.qemu_capabilities_added or live.qemu_capabilities_removed)


def _host_cpu(live: DomainDefinition) -> bool:
    return live.type == "kvm" and live.cpu is not None and live.cpu.mode == "host-passthrough"


@dataclass(frozen=True, slots=True)
class Taint:
    """Why nobody may want to help with a guest: libvirt's name of it and words for it."""

    name: str
    words: str
    # Whether a definition is enough for it; what is done to a running guest is noted when it is done.
    holds: Callable[[DomainDefinition], bool] = lambda live: False


CUSTOM_MONITOR, CUSTOM_AGENT, DEPRECATED = "custom-monitor", "custom-ga-command", "deprecated-config"
# In libvirt's order.
TAINTS = (
    Taint("custom-argv", "custom configuration parameters specified", _custom_argv),
    Taint(CUSTOM_MONITOR, "custom monitor control commands issued"),
    Taint("high-privileges", "running with undesirable elevated privileges", lambda live: os.geteuid() == 0),
    Taint("host-cpu", "use of host cpu passthrough", _host_cpu),
    Taint("custom-dtb", "custom device tree blob used", lambda live: live.os.dtb is not None),
    Taint(CUSTOM_AGENT, "custom guest agent control commands issued"),
    Taint("custom-hypervisor-feature", "hypervisor feature autodetection override", _custom_hypervisor_feature),
    Taint(DEPRECATED, "use of deprecated configuration settings"),
    Taint("custom-device", "custom device configuration", lambda live: bool(live.qemu_overrides)),
)


def taints(live: DomainDefinition, capabilities: Capabilities, deeds: Collection[str] = ()) -> list[Taint]:
    """What taints a running guest: its definition, and what has been done to it since its start (names of TAINTS)."""
    names = {*deeds, *((DEPRECATED,) if any(_deprecated(live, capabilities)) else ())}
    return [each for each in TAINTS if each.name in names or each.holds(live)]


def messages(
    live: DomainDefinition, capabilities: Capabilities, kinds: int, deeds: Collection[str] = ()
) -> Iterator[str]:
    """The messages of these kinds, of 0 all."""
    if not kinds or kinds & TAINT:
        for each in taints(live, capabilities, deeds):
            yield f"tainted: {each.words}"
    if not kinds or kinds & DEPRECATION:
        for what in _deprecated(live, capabilities):
            yield f"deprecated configuration: {what}"


def _deprecated(live: DomainDefinition, capabilities: Capabilities) -> Iterator[str]:
    """What QEMU says that it will not have for ever."""
    try:
        if capabilities.machine(live.os.machine).deprecated:
            yield f"machine type '{live.os.machine}'"
        model = live.cpu.model if live.cpu is not None else None
        if model is not None and capabilities.cpu_model(model).deprecated:
            yield f"CPU model '{model}'"
    except UnsupportedConfig:
        return  # The emulator is another one than when the guest was started.
