"""Which commands there are, in which group virsh shows them, and what the table says about them.

Plain data, so that neither completing a command's name nor finding its module imports any of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ...wire.table import Row


class Section(NamedTuple):
    """A group of commands: its title, and for each command the module of ``commands/`` that has it."""

    title: str
    commands: dict[str, str]


SECTIONS = (
    Section(
        "Domain Management",
        {
            "autostart": "lifecycle",
            "console": "console",
            "create": "definitions",
            "define": "definitions",
            "destroy": "lifecycle",
            "domid": "identity",
            "domjobabort": "lifecycle",
            "domname": "identity",
            "domuuid": "identity",
            "dumpxml": "documents",
            "qemu-monitor-command": "monitor",
            "reboot": "lifecycle",
            "reset": "lifecycle",
            "resume": "lifecycle",
            "shutdown": "lifecycle",
            "start": "lifecycle",
            "suspend": "lifecycle",
            "undefine": "lifecycle",
            "wait": "waiting",
        },
    ),
    Section(
        "Domain Monitoring",
        {"domcontrol": "status", "dominfo": "status", "domstate": "status", "list": "listing"},
    ),
    Section("Domain Events", {"event": "events"}),
    Section(
        "Host and Hypervisor",
        {
            "allocpages": "node",
            "capabilities": "documents",
            "connect": "host",
            "cpu-baseline": "processors",
            "cpu-compare": "processors",
            "cpu-models": "processors",
            "domcapabilities": "processors",
            "freecell": "node",
            "freepages": "node",
            "hostname": "host",
            "hypervisor-cpu-baseline": "processors",
            "hypervisor-cpu-compare": "processors",
            "maxvcpus": "processors",
            "node-memory-tune": "node",
            "nodecpumap": "node",
            "nodecpustats": "node",
            "nodeinfo": "node",
            "nodememstats": "node",
            "nodesevinfo": "node",
            "nodesuspend": "node",
            "sysinfo": "processors",
            "uri": "host",
            "version": "host",
        },
    ),
    Section("The Shell Itself", {"completion": "completion", "help": "help"}),
)

MODULES: dict[str, str] = {name: module for section in SECTIONS for name, module in section.commands.items()}

# Commands that the table does not know, because they are made of others' procedures or of none.
OWN_HELP = {
    "completion": "print the script that makes a shell complete commands, options and domains",
    "help": "what a command does and takes; of all commands, what they do",
    "domid": "the id of a running domain, or -",
    "wait": "wait until domains are in a state, by events",
}

# Where the first of several rows is not the one that says what the command is for.
_LEADING = {
    "dominfo": "domain_get_info",
    "event": "domain_event_lifecycle",
    "freecell": "node_get_free_memory",
    "node-memory-tune": "node_get_memory_parameters",
    "version": "connect_get_version",
}


def rows_of(command: str) -> list[Row]:
    """The table's rows that lead to a command, the one that says most about it first."""
    from ...wire.table import ROWS

    rows = [row for row in ROWS.values() if command in row.commands]
    leading = _LEADING.get(command)
    rows.sort(key=lambda row: (row.name != leading, row.commands[0] != command))
    return rows


def summary_of(command: str) -> str:
    """What a command does, in one line: without the names of libvirt's flags, which ``help_of`` has."""
    return OWN_HELP.get(command) or re.sub(r" \(vir[^)]*\)", "", rows_of(command)[0].help)


def help_of(command: str) -> str:
    """What a command does: its summary, then one paragraph for each procedure that it calls."""
    rows = rows_of(command)
    paragraphs = [f"{row.api or row.name}: {row.help}." for row in rows]
    return "\n\n".join([_sentence(summary_of(command)), *(paragraphs if len(rows) > 1 else _api(rows))])


def _api(rows: list[Row]) -> list[str]:
    return [f"Calls {row.api}." for row in rows if row.api]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
