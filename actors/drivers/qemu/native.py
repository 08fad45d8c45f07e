"""Domains as QEMU's own command lines (virConnectDomainXMLToNative): what a start would run, for people to read.

Nothing is opened or started for it: sockets are where a start would put them, ports those of the first guest. The way
back is not there, as in libvirt: a command line says less than a document.
"""

from __future__ import annotations

import dataclasses
import shlex
from typing import Any

from ....wire.documents.domain import DomainDefinition, parse_domain
from ....wire.errors import InvalidArgument
from ...call import Call
from ...commands import allowed_environment
from ..domain import check_flags
from ..domain_driver import DomainDriver
from .aliases import assign_aliases
from .capabilities import Capabilities
from .command_line import Resources, build_command_line, environment, listens_for, served, supposed_resources
from .files import QemuFiles
from .named_capabilities import with_named
from .overlays import with_overlays

FORMAT = "qemu-argv"


class NativeDocuments(DomainDriver):
    """What the qemu driver knows of documents in QEMU's own words."""

    _files: QemuFiles

    def surroundings(self) -> Any:
        raise NotImplementedError

    async def connect_domain_xml_to_native(
        self, call: Call, native_format: str, domain_xml: str, flags: int
    ) -> tuple[str]:
        check_flags(call, flags, 0)
        if native_format != FORMAT:
            raise InvalidArgument(f"unsupported config type {native_format}", hint=FORMAT)
        around = self.surroundings()
        completed = await around.complete(parse_domain(domain_xml, strict=self.strict))
        return (native_command(completed, await around.capabilities(completed), self._files),)


def native_command(completed: DomainDefinition, capabilities: Capabilities, files: QemuFiles) -> str:
    """The command line of a completed definition as a shell would take it, with its environment. Raises
    UnsupportedConfig."""
    live, _ = with_overlays(assign_aliases(completed))
    argv = build_command_line(live, with_named(capabilities, live), _places(live, files))
    variables = {**allowed_environment(), **environment(live)}
    words = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    return " ".join([*words, shlex.join(argv)])


def _places(live: DomainDefinition, files: QemuFiles) -> Resources:
    """Where a start would have things."""
    uuid = live.uuid or ""
    channels = {number: each for number, each in enumerate(live.devices.channels) if listens_for(each)}
    return dataclasses.replace(
        supposed_resources(live),
        monitor=files.monitor(uuid),
        sockets={each.alias: files.agent(uuid, number) for number, each in channels.items() if each.alias},
        companions={alias: files.companion(uuid, alias) for alias in served(live)},
        display_socket=files.display(uuid),
        memory_directory=files.memory,
        pid_file=files.pid(uuid),
    )
