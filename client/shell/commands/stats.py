"""`domstats`: figures of domains, of all by default."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ....wire.enums.domain_tuning import ConnectGetAllDomainStatsFlags as Chosen
from ....wire.enums.domain_tuning import DomainStatsTypes as Types
from ..declaring import DomainType, command, data
from ..flags import Flag, flag_options
from ..render import Text, show
from ..session import Shell
from .actions import as_data

GROUPS: dict[str, Flag] = {
    "state": (Types.STATE, "State."),
    "cpu-total": (Types.CPU_TOTAL, "Processor time."),
    "balloon": (Types.BALLOON, "Memory by the balloon."),
    "vcpu": (Types.VCPU, "Processors."),
    "interface": (Types.INTERFACE, "Network interfaces."),
    "block": (Types.BLOCK, "Disks."),
    "perf": (Types.PERF, "Performance counters."),
    "iothread": (Types.IOTHREAD, "IOThreads."),
    "memory": (Types.MEMORY, "Memory bandwidth."),
    "dirtyrate": (Types.DIRTYRATE, "How fast memory is written to."),
    "vm": (Types.VM, "The hypervisor's own figures."),
}
FILTERS: dict[str, Flag] = {
    "list-active": (Chosen.ACTIVE, "Active domains."),
    "list-inactive": (Chosen.INACTIVE, "Inactive domains."),
    "list-persistent": (Chosen.PERSISTENT, "Domains with a definition that outlives their stop."),
    "list-transient": (Chosen.TRANSIENT, "Domains that are gone when they stop."),
    "list-running": (Chosen.RUNNING, "Running domains."),
    "list-paused": (Chosen.PAUSED, "Paused domains."),
    "list-shutoff": (Chosen.SHUTOFF, "Domains that are shut off."),
    "list-other": (Chosen.OTHER, "Domains in other states."),
    "enforce": (Chosen.ENFORCE_STATS, "Fail where a group is not known."),
    "backing": (Chosen.BACKING, "Disks with their backing files."),
    "nowait": (Chosen.NOWAIT, "Only what can be had at once."),
}


@command("domstats")
@flag_options(GROUPS, "types")
@flag_options(FILTERS)
@click.option("--raw", is_flag=True, help="Figures as they are; they are so anyway.")
@data("domain", DomainType(), "The domains; all by default.", many=True, into="names")
@click.pass_obj
def domstats(shell: Shell, names: Sequence[str], raw: bool, types: int, flags: int) -> None:
    domains = [shell.domain(name) for name in names]
    found = shell.host.domains.stats(domains, types, flags)
    blocks = [
        "\n".join([f"Domain: '{domain.name}'", *(f"  {key}={_word(value)}" for key, value in values.items())])
        for domain, values in found
    ]
    as_json = [{**as_data(domain.ref), "values": values} for domain, values in found]
    show(shell.options, {"domains": as_json}, Text("\n\n".join(blocks)))


def _word(value: object) -> str:
    """A figure as virsh has it: yes and no for truth, six digits behind the point."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:f}" if isinstance(value, float) else str(value)


COMMANDS = {"domstats": domstats}
