"""A domain's memory: setmem, setmaxmem, memtune, dommemstat, numatune, domdirtyrate-calc, update-memory-device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.enums.domain_jobs import DomainDirtyRateCalcFlags
from ....wire.enums.domain_tuning import DomainMemoryStatTags, DomainNumatuneMemMode
from ....wire.errors import InvalidArgument, NotFound
from ..declaring import command, data, domain
from ..render import Text
from ..session import Shell
from ..values import Impact, Scaled, affecting
from .actions import finish, tell, tell_values
from .devices_of import attribute, parsed, xml_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# More KiB than that are no limit.
UNLIMITED = 9007199254740991
LIMITS = ("hard-limit", "soft-limit", "swap-hard-limit", "min-guarantee")
_STAT_WORDS = {
    DomainMemoryStatTags.ACTUAL_BALLOON: "actual",
    DomainMemoryStatTags.HUGETLB_PGALLOC: "hugetlb_pgalloc",
    DomainMemoryStatTags.HUGETLB_PGFAIL: "hugetlb_pgfail",
}
_MODES = {"page-sampling": 0, "dirty-bitmap": 1, "dirty-ring": 2}


@command("setmem")
@domain(applies=Flags.ACTIVE)
@data("size", Scaled("KiB"), "How much, in KiB or with a unit.", needed=True)
@affecting()
@click.pass_obj
def setmem(shell: Shell, name: str, size: int, impact: Impact) -> None:
    chosen = shell.domain(name)
    chosen.memory.set(size, **impact)
    finish(shell, chosen, "memory set")


@command("setmaxmem")
@domain()
@data("size", Scaled("KiB"), "How much at most, in KiB or with a unit.", needed=True)
@affecting()
@click.pass_obj
def setmaxmem(shell: Shell, name: str, size: int, impact: Impact) -> None:
    chosen = shell.domain(name)
    chosen.memory.set_maximum(size, **impact)
    finish(shell, chosen, "maximum memory set")


class LimitType(Scaled):
    """A size in KiB, or -1 for no limit."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return UNLIMITED if str(value) == "-1" else super().convert(value, param, ctx)


@command("memtune")
@domain()
@data("hard-limit", LimitType("KiB"), "What it may have, -1 for no limit.")
@data("soft-limit", LimitType("KiB"), "What it may have where memory is short.")
@data("swap-hard-limit", LimitType("KiB"), "What it may have with swap.")
@data("min-guarantee", LimitType("KiB"), "What it has in any case.")
@affecting()
@click.pass_obj
def memtune(shell: Shell, name: str, impact: Impact, **limits: int | None) -> None:
    chosen = shell.domain(name)
    wanted = {limit: value for limit, value in limits.items() if value is not None}
    if wanted:
        chosen.memory.set_parameters(wanted, **impact)
        finish(shell, chosen, "limits set")
        return
    values = chosen.memory.parameters(**impact)
    tell_values(shell, chosen, values, [f"{limit:<15}: {_limit_word(int(value))}" for limit, value in values.items()])


def _limit_word(value: int) -> str:
    return "unlimited" if value >= UNLIMITED else str(value)


@command("dommemstat")
@domain()
@click.option("--period", type=click.IntRange(0), metavar="SECONDS", help="Gather them that often; 0 for never.")
@affecting()
@click.pass_obj
def dommemstat(shell: Shell, name: str, period: int | None, impact: Impact) -> None:
    chosen = shell.domain(name)
    if period is not None:
        chosen.memory.set_stats_period(period, **impact)
        finish(shell, chosen, f"statistics are gathered every {period} s" if period else "no statistics are gathered")
        return
    stats = {_stat_word(tag): value for tag, value in chosen.memory.stats().items()}
    tell_values(shell, chosen, stats, [f"{tag} {value}" for tag, value in stats.items()])


def _stat_word(tag: DomainMemoryStatTags | int) -> str:
    if isinstance(tag, DomainMemoryStatTags):
        return _STAT_WORDS.get(tag) or tag.name.lower()
    return f"unknown_{tag}"


@command("numatune")
@domain()
@data("mode", help="strict, preferred, interleave or restrictive, or its number.")
@data("nodeset", help="The host's nodes, such as 0-1.")
@affecting()
@click.pass_obj
def numatune(shell: Shell, name: str, mode: str | None, nodeset: str | None, impact: Impact) -> None:
    chosen = shell.domain(name)
    if mode is not None or nodeset is not None:
        chosen.memory.set_numa(mode=None if mode is None else _numa_mode(mode), nodeset=nodeset, **impact)
        finish(shell, chosen, "NUMA parameters set")
        return
    numa = chosen.memory.numa(**impact)
    words = {int(known): known.name.lower() for known in DomainNumatuneMemMode}
    values = {"numa_mode": words.get(numa.mode, "unknown"), "numa_nodeset": numa.nodeset}
    tell_values(shell, chosen, values)


def _numa_mode(word: str) -> int:
    if word.isdecimal():
        return int(word)
    found = DomainNumatuneMemMode.__members__.get(word.upper())
    if found is None:
        raise InvalidArgument(f"'{word}' is no NUMA mode")
    return int(found)


@command("domdirtyrate-calc")
@domain(applies=Flags.ACTIVE)
@data("seconds", click.IntRange(1, 60), "For how long; 1 by default.")
@data("mode", click.Choice(list(_MODES)), "How.", metavar="MODE")
@click.pass_obj
def domdirtyrate_calc(shell: Shell, name: str, seconds: int | None, mode: str | None) -> None:
    chosen = shell.domain(name)
    flags = DomainDirtyRateCalcFlags(_MODES[mode or "page-sampling"])
    chosen.memory.start_dirty_rate(seconds or 1, flags)
    finish(shell, chosen, "dirty rate is being measured; `domstats --dirtyrate` has the result")


@command("update-memory-device")
@domain()
@affecting()
@click.option("--print-xml", is_flag=True, help="Print the device's XML, change nothing.")
@data("alias", help="The device with that alias.")
@data("node", int, "The device of that node of the guest's.")
@data("requested-size", Scaled("KiB"), "How much of it the guest is to have.", metavar="SIZE")
@click.pass_obj
def update_memory_device(
    shell: Shell,
    name: str,
    impact: Impact,
    print_xml: bool,
    alias: str | None,
    node: int | None,
    requested_size: int | None,
) -> None:
    chosen = shell.domain(name)
    device = _memory_device(parsed(chosen, impact["config"]), alias, node)
    requested = device.find("target/requested")
    if requested_size is not None and requested is not None:
        requested.text = str(requested_size)
        requested.set("unit", "KiB")
    xml = xml_of(device)
    if print_xml:
        tell(shell, chosen, {"xml": xml}, Text(xml))
        return
    chosen.devices.update(xml, **impact)
    finish(shell, chosen, "memory device updated")


def _memory_device(tree: Element, alias: str | None, node: int | None) -> Element:
    fitting = [
        device
        for device in tree.iterfind("devices/memory")
        if (alias is None or attribute(device, "alias", "name") == alias)
        and (node is None or device.findtext("target/node") == str(node))
    ]
    if len(fitting) != 1:
        raise NotFound("no memory device fits" if not fitting else "several memory devices fit: name one by --alias")
    return fitting[0]


COMMANDS = {
    one.name: one for one in (dommemstat, domdirtyrate_calc, memtune, numatune, setmaxmem, setmem, update_memory_device)
}
