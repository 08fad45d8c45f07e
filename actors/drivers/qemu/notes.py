"""What is to be known of a running guest before anybody helps with it: virDomainGetMessages, from its definition."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

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


# libvirt's words, in its order; DEPRECATED holds where something is.
DEPRECATED = "use of deprecated configuration settings"
TAINTS: tuple[tuple[str, Callable[[DomainDefinition], bool]], ...] = (
    ("custom configuration parameters specified", _custom_argv),
    ("running with undesirable elevated privileges", lambda live: os.geteuid() == 0),
    ("use of host cpu passthrough", _host_cpu),
    ("custom device tree blob used", lambda live: live.os.dtb is not None),
    ("hypervisor feature autodetection override", _custom_hypervisor_feature),
    (DEPRECATED, lambda live: False),
    ("custom device configuration", lambda live: bool(live.qemu_overrides)),
)


def messages(live: DomainDefinition, capabilities: Capabilities, kinds: int) -> Iterator[str]:
    """The messages of these kinds, of 0 all."""
    deprecated = list(_deprecated(live, capabilities))
    if not kinds or kinds & TAINT:
        for words, holds in TAINTS:
            if holds(live) or (words == DEPRECATED and deprecated):
                yield f"tainted: {words}"
    if not kinds or kinds & DEPRECATION:
        for what in deprecated:
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
