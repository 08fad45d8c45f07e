"""The threads that serve a domain's disks: iothreadinfo, iothreadadd, iothreaddel, iothreadpin, iothreadset."""

from __future__ import annotations

import click

from ..declaring import command, data, domain
from ..render import Table, Text
from ..session import Shell
from ..values import Impact, affecting
from .actions import finish, tell

ID = click.IntRange(1)


@command("iothreadinfo")
@domain()
@affecting()
@click.pass_obj
def iothreadinfo(shell: Shell, name: str, impact: Impact) -> None:
    from ...domain.cpusets import to_text

    chosen = shell.domain(name)
    found = [(thread.id, to_text(thread.affinity)) for thread in chosen.iothreads.list(**impact)]
    rows = [(str(id), cpus) for id, cpus in found]
    view = (
        Table(("IOThread ID", "CPU Affinity"), rows)
        if rows
        else Text("No IOThreads found for the domain", spaced=False)
    )
    tell(shell, chosen, {"iothreads": [{"id": id, "affinity": cpus} for id, cpus in found]}, view)


def _change(shell: Shell, name: str, what: str, id: int, impact: Impact) -> None:
    chosen = shell.domain(name)
    change = chosen.iothreads.add if what == "added" else chosen.iothreads.delete
    change(id, **impact)
    finish(shell, chosen, f"IOThread {id} {what}")


# The option is --id; what stands for it is called otherwise, as `id` is Python's.
@command("iothreadadd")
@domain()
@data("id", ID, "Its number.", needed=True, into="number")
@affecting()
@click.pass_obj
def iothreadadd(shell: Shell, name: str, number: int, impact: Impact) -> None:
    _change(shell, name, "added", number, impact)


@command("iothreaddel")
@domain()
@data("id", ID, "Its number.", needed=True, into="number")
@affecting()
@click.pass_obj
def iothreaddel(shell: Shell, name: str, number: int, impact: Impact) -> None:
    _change(shell, name, "deleted", number, impact)


@command("iothreadpin")
@domain()
@data("iothread", ID, "Its number.", needed=True)
@data("cpulist", help="The host's processors, such as 0-3,^2, or r for all.", needed=True)
@affecting()
@click.pass_obj
def iothreadpin(shell: Shell, name: str, iothread: int, cpulist: str, impact: Impact) -> None:
    from ...domain.cpusets import from_text, host_cpu_count

    chosen = shell.domain(name)
    chosen.iothreads.pin(iothread, from_text(cpulist, host_cpu_count(chosen.vcpus)), **impact)
    finish(shell, chosen, f"IOThread {iothread} pinned")


@command("iothreadset")
@domain()
@data("id", ID, "Its number.", needed=True, into="number")
@data("poll-max-ns", click.IntRange(0), "How long it polls at most, in ns.")
@data("poll-grow", click.IntRange(0), "By what its polling grows.")
@data("poll-shrink", click.IntRange(0), "By what its polling shrinks.")
@data("thread-pool-min", int, "How many threads its pool has at least.")
@data("thread-pool-max", int, "How many threads its pool has at most.")
@affecting()
@click.pass_obj
def iothreadset(shell: Shell, name: str, number: int, impact: Impact, **values: int | None) -> None:
    wanted = {key: value for key, value in values.items() if value is not None}
    if not wanted:
        raise click.UsageError("nothing to set")
    chosen = shell.domain(name)
    chosen.iothreads.set(number, wanted, **impact)
    finish(shell, chosen, f"IOThread {number} changed")


COMMANDS = {one.name: one for one in (iothreadadd, iothreaddel, iothreadinfo, iothreadpin, iothreadset)}
