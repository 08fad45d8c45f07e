"""Commands about the host's processors and memory: nodeinfo, nodecpumap, freecell and their kind."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import click

from ....wire.enums.host import NodeSuspendTarget
from ...domain.cpusets import to_text
from ..declaring import command, data
from ..render import Text, show
from ..session import Shell
from ..values import Scaled

KIB = 1024
# Over how many seconds shares are counted.
SECOND = 1.0
# What virsh calls the kinds of a processor's time, in its order.
_KINDS = {"user": "user", "kernel": "system", "idle": "idle", "iowait": "iowait"}
_NUMBER = click.IntRange(min=0)
_TUNABLES = ("shm_pages_to_scan", "shm_sleep_millisecs", "shm_merge_across_nodes")


@command("nodeinfo")
@click.pass_obj
def nodeinfo(shell: Shell) -> None:
    info = shell.host.node_info()
    pairs = {
        "CPU model": info.model,
        "CPU(s)": info.cpus,
        "CPU frequency": f"{info.mhz} MHz",
        "CPU socket(s)": info.sockets,
        "Core(s) per socket": info.cores,
        "Thread(s) per core": info.threads,
        "NUMA cell(s)": info.cells,
        "Memory size": f"{info.memory} KiB",
    }
    show(shell.options, info._asdict(), _lines(f"{label + ':':<20} {value}" for label, value in pairs.items()))


@command("nodecpumap")
@click.option("--pretty", is_flag=True, help="Numbers instead of a letter for each processor.")
@click.pass_obj
def nodecpumap(shell: Shell, pretty: bool) -> None:
    cpus = shell.host.cpu_map()
    letters = "".join("y" if cpu in cpus.online else "-" for cpu in range(cpus.present))
    lines = {
        "CPUs present": cpus.present,
        "CPUs online": len(cpus.online),
        "CPU map": to_text(cpus.online) if pretty else letters,
    }
    found = {"present": cpus.present, "online": sorted(cpus.online)}
    show(shell.options, found, _lines(f"{label + ':':<15} {value}" for label, value in lines.items()))


@command("nodecpustats")
@data("cpu", _NUMBER, "Of this processor only.")
@click.option("--percent", is_flag=True, help="Shares of the time, over a second.")
@click.pass_obj
def nodecpustats(shell: Shell, cpu: int | None, percent: bool) -> None:
    before = shell.host.cpu_stats(cpu)
    if not percent:
        spent = {word: before[kind] for kind, word in _KINDS.items() if kind in before}
        show(shell.options, spent, _lines(f"{word + ':':<15} {value:20}" for word, value in spent.items()))
        return
    time.sleep(SECOND)
    shares = _shares(before, shell.host.cpu_stats(cpu))
    show(shell.options, shares, _lines(f"{word + ':':<15} {share:5.1f}%" for word, share in shares.items()))


def _shares(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, float]:
    """How much of the time went where, in percent; all of what stood still was idle."""
    spent = {word: after[kind] - before[kind] for kind, word in _KINDS.items() if kind in before and kind in after}
    total = sum(spent.values())
    shares = {word: 100 * value / total if total else 0.0 for word, value in spent.items()}
    return {"usage": shares.get("user", 0.0) + shares.get("system", 0.0), **shares}


@command("nodememstats")
@data("cell", _NUMBER, "Of this NUMA cell only.")
@click.pass_obj
def nodememstats(shell: Shell, cell: int | None) -> None:
    stats = shell.host.memory_stats(cell)
    show(shell.options, stats, _lines(f"{name:<7}: {value:20} KiB" for name, value in stats.items()))


@command("freecell")
@data("cellno", _NUMBER, "Of this NUMA cell only.")
@click.option("--all", "everything", is_flag=True, help="Of each cell.")
@click.pass_obj
def freecell(shell: Shell, cellno: int | None, everything: bool) -> None:
    _check_exclusive(everything, cellno)
    host = shell.host
    if cellno is not None:
        (free,) = host.cells_free_memory(cellno, 1)
        show(shell.options, {"cells": {cellno: free // KIB}}, Text(f"{cellno}: {free // KIB} KiB"))
        return
    if not everything:
        total = host.free_memory() // KIB
        show(shell.options, {"total": total}, Text(f"Total: {total} KiB"))
        return
    cells = {cell: host.cells_free_memory(cell, 1)[0] // KIB for cell in _cells(shell)}
    total = sum(cells.values())
    lines = [f"{cell:5}: {free:10} KiB" for cell, free in cells.items()]
    show(shell.options, {"cells": cells, "total": total}, _lines([*lines, "-" * 20, f"Total: {total:10} KiB"]))


@command("freepages")
@data("cellno", _NUMBER, "Of this NUMA cell.")
@data("pagesize", Scaled("KiB"), "Pages of this size, in KiB where no unit is named.")
@click.option("--all", "everything", is_flag=True, help="Of each cell.")
@click.pass_obj
def freepages(shell: Shell, cellno: int | None, pagesize: int | None, everything: bool) -> None:
    _check_exclusive(everything, cellno)
    if everything:
        sizes = [pagesize] if pagesize is not None else _page_sizes(shell)
        found = {cell: shell.host.free_pages(sizes, cell)[0] for cell in _cells(shell)}
        views = (_lines([f"Node {cell}:", *_counts(pages)]) for cell, pages in found.items())
        show(shell.options, {"cells": found}, *views, Text(""))
        return
    if cellno is None:
        raise click.UsageError("missing cellno argument")
    if pagesize is None:
        raise click.UsageError("missing pagesize argument")
    (pages,) = shell.host.free_pages([pagesize], cellno)
    show(shell.options, {"cells": {cellno: pages}}, _lines(_counts(pages)))


def _counts(pages: Mapping[int, int]) -> list[str]:
    return [f"{size}KiB: {count}" for size, count in pages.items()]


@command("allocpages")
@data("pagesize", Scaled("KiB"), "The size of the pages, in KiB where no unit is named.", needed=True)
@data("pagecount", _NUMBER, "How many there are to be.", needed=True)
@data("cellno", _NUMBER, "In this NUMA cell.")
@click.option("--add", is_flag=True, help="So many more than there are.")
@click.option("--all", "everything", is_flag=True, help="In each cell.")
@click.pass_obj
def allocpages(shell: Shell, pagesize: int, pagecount: int, cellno: int | None, add: bool, everything: bool) -> None:
    _check_exclusive(everything, cellno)
    start, count = (0, len(_cells(shell))) if everything else (-1 if cellno is None else cellno, 1)
    changed = shell.host.allocate_pages({pagesize: pagecount}, start, count, add=add)
    if shell.options.json:
        show(shell.options, {"pools": changed})


@command("node-memory-tune")
@data("shm-pages-to-scan", _NUMBER, "How many pages are looked at before the search rests.")
@data("shm-sleep-millisecs", _NUMBER, "For how long it rests.")
@data("shm-merge-across-nodes", _NUMBER, "Whether pages of different cells are merged, 1 or 0.")
@click.pass_obj
def node_memory_tune(shell: Shell, **given: int | None) -> None:
    values = {name: value for name in _TUNABLES if (value := given[name]) is not None}
    if values:
        shell.host.set_memory_parameters(values)
        return
    found = shell.host.memory_parameters()
    shown = (f"\t{name:<15} {value}" for name, value in found.items())
    show(shell.options, found, _lines(["Shared memory:", *shown]))


@command("nodesuspend")
@data("target", click.Choice([target.name.lower() for target in NodeSuspendTarget]), "How.", needed=True)
@data("duration", _NUMBER, "For how many seconds, at least 60.", needed=True)
@click.pass_obj
def nodesuspend(shell: Shell, target: str, duration: int) -> None:
    shell.host.suspend(NodeSuspendTarget[target.upper()], duration)


@command("nodesevinfo")
@click.pass_obj
def nodesevinfo(shell: Shell) -> None:
    found = shell.host.sev_info()
    show(shell.options, found, _lines(f"{name:<18}: {value}" for name, value in found.items()))


# -- what the host consists of -----------------------------------------------------------------------------------------


def _cells(shell: Shell) -> list[int]:
    """The numbers of the NUMA cells."""
    return [int(cell.get("id", "0")) for cell in _capabilities(shell).findall("./host/topology/cells/cell")] or [0]


def _page_sizes(shell: Shell) -> list[int]:
    """In KiB."""
    return [int(pages.get("size", "0")) for pages in _capabilities(shell).findall("./host/cpu/pages")]


def _capabilities(shell: Shell) -> ElementTree.Element:
    return ElementTree.fromstring(shell.host.capabilities())


def _check_exclusive(everything: bool, cellno: int | None) -> None:
    if everything and cellno is not None:
        raise click.UsageError("Options --all and --cellno are mutually exclusive")


def _lines(lines: Any) -> Text:
    return Text("\n".join(lines))


COMMANDS = {
    one.name: one
    for one in (
        *(allocpages, freecell, freepages, node_memory_tune, nodecpumap, nodecpustats, nodeinfo, nodememstats),
        *(nodesevinfo, nodesuspend),
    )
}
