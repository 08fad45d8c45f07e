"""A domain's processors: setvcpus, setvcpu, vcpucount, vcpuinfo, vcpupin, emulatorpin, cpu-stats, guestvcpus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.errors import OperationInvalid
from ...values import words_of
from ..declaring import command, data, domain
from ..render import Pairs, Table, Text
from ..session import Shell
from ..values import Impact, affecting
from .actions import finish, tell, tell_values

if TYPE_CHECKING:
    from ...domain import Domain
    from ...domain.vcpus import Vcpu


@command("setvcpus")
@domain()
@data("count", click.IntRange(1), "How many.", needed=True)
@click.option("--maximum", is_flag=True, help="How many there could be, after the next start.")
@affecting()
@click.option("--guest", is_flag=True, help="Switch them inside the guest, by its agent.")
@click.option("--hotpluggable", is_flag=True, help="Let those that are added be unplugged again.")
@click.pass_obj
def setvcpus(
    shell: Shell, name: str, count: int, maximum: bool, impact: Impact, guest: bool, hotpluggable: bool
) -> None:
    chosen = shell.domain(name)
    chosen.vcpus.set_count(count, maximum=maximum, guest=guest, hotpluggable=hotpluggable, **impact)
    finish(shell, chosen, "number of processors set")


def _switching(enable: bool, disable: bool) -> bool:
    if enable == disable:
        raise click.UsageError("either --enable or --disable")
    return enable


@command("setvcpu")
@domain()
@data("vcpulist", help="Their numbers, such as 1-3,5.", needed=True)
@click.option("--enable", is_flag=True, help="Plug them in.")
@click.option("--disable", is_flag=True, help="Unplug them.")
@affecting()
@click.pass_obj
def setvcpu(shell: Shell, name: str, vcpulist: str, enable: bool, disable: bool, impact: Impact) -> None:
    wanted = _switching(enable, disable)
    chosen = shell.domain(name)
    chosen.vcpus.set_enabled(vcpulist, wanted, **impact)
    finish(shell, chosen, f"processors {vcpulist} {'plugged in' if wanted else 'unplugged'}")


@command("vcpucount")
@domain()
@click.option("--maximum", is_flag=True, help="How many there could be.")
@click.option("--active", is_flag=True, help="How many there are.")
@affecting()
@click.option("--guest", is_flag=True, help="How many are on inside the guest, by its agent.")
@click.pass_obj
def vcpucount(shell: Shell, name: str, maximum: bool, active: bool, impact: Impact, guest: bool) -> None:
    if maximum and active:
        raise click.UsageError("either --maximum or --active")
    chosen = shell.domain(name)
    if maximum or active or guest or any(impact.values()):
        count = chosen.vcpus.count(maximum=maximum, guest=guest, **impact)
        tell(shell, chosen, {"count": count}, Text(str(count)))
        return
    counts = {
        (what, where): _count(chosen, maximum=what == "maximum", **{where: True})
        for what in ("maximum", "current")
        for where in ("config", "live")
    }
    known = {key: count for key, count in counts.items() if count is not None}
    lines = [f"{what:<12} {where:<12} {count:3d}" for (what, where), count in known.items()]
    tell(shell, chosen, {f"{what}_{where}": count for (what, where), count in known.items()}, Text("\n".join(lines)))


def _count(domain: Domain, **which: Any) -> int | None:
    """How many there are; None where there is no such configuration."""
    try:
        return domain.vcpus.count(**which)
    except OperationInvalid:
        return None


@command("vcpuinfo")
@domain()
@click.option("--pretty", is_flag=True, help="Affinities as lists.")
@click.pass_obj
def vcpuinfo(shell: Shell, name: str, pretty: bool) -> None:
    from ...domain.cpusets import host_cpu_count, to_text

    chosen = shell.domain(name)
    cpus = host_cpu_count(chosen.vcpus)
    found = chosen.vcpus.info() if chosen.is_active() else []
    if not found:
        _planned(shell, chosen, cpus, pretty)
        return
    as_data = [
        {
            "vcpu": vcpu.number,
            "cpu": vcpu.cpu,
            "state": words_of(vcpu.state),
            "cpu_time_ns": vcpu.cpu_time,
            "affinity": to_text(vcpu.affinity),
        }
        for vcpu in found
    ]
    views = [Pairs(_vcpu_pairs(vcpu, cpus, pretty)) for vcpu in found]
    tell(shell, chosen, {"vcpus": as_data}, *views)


def _planned(shell: Shell, domain: Domain, cpus: int, pretty: bool) -> None:
    """Of a domain that is off: where its processors are going to run."""
    from ...domain.cpusets import to_text

    pins = domain.vcpus.pins(config=True)[: domain.vcpus.count(config=True)]
    as_data = [{"vcpu": number, "affinity": to_text(affinity)} for number, affinity in enumerate(pins)]
    views = [
        Text(
            f"VCPU:           {number}\nCPU:            N/A\nState:          N/A\nCPU time        N/A\n"
            f"CPU Affinity:   {_affinity(affinity, cpus, pretty)}"
        )
        for number, affinity in enumerate(pins)
    ]
    tell(shell, domain, {"vcpus": as_data}, *views)


def _vcpu_pairs(vcpu: Vcpu, cpus: int, pretty: bool) -> list[tuple[str, str]]:
    return [
        ("VCPU", str(vcpu.number)),
        ("CPU", str(vcpu.cpu) if vcpu.cpu >= 0 else "N/A"),
        ("State", words_of(vcpu.state)),
        *([("CPU time", f"{vcpu.cpu_time / 1e9:.1f}s")] if vcpu.cpu_time else []),
        ("CPU Affinity", _affinity(vcpu.affinity, cpus, pretty)),
    ]


def _affinity(cpus: frozenset[int], count: int, pretty: bool) -> str:
    if pretty:
        from ...domain.cpusets import to_text

        return f"{to_text(cpus)} (out of {count})"
    return "".join("y" if cpu in cpus else "-" for cpu in range(count))


@command("vcpupin")
@domain()
@data("vcpu", click.IntRange(0), "Its number.")
@data("cpulist", help="The host's processors, such as 0-3,^2, or r for all.")
@affecting()
@click.pass_obj
def vcpupin(shell: Shell, name: str, vcpu: int | None, cpulist: str | None, impact: Impact) -> None:
    from ...domain.cpusets import from_text, host_cpu_count, to_text

    chosen = shell.domain(name)
    if cpulist is not None:
        if vcpu is None:
            raise click.UsageError("--cpulist wants --vcpu")
        chosen.vcpus.pin(vcpu, from_text(cpulist, host_cpu_count(chosen.vcpus)), **impact)
        finish(shell, chosen, f"processor {vcpu} pinned")
        return
    pins = [
        (number, to_text(cpus))
        for number, cpus in enumerate(chosen.vcpus.pins(**impact))
        if vcpu is None or number == vcpu
    ]
    as_data = [{"vcpu": number, "affinity": cpus} for number, cpus in pins]
    rows = [(str(number), cpus) for number, cpus in pins]
    tell(shell, chosen, {"vcpus": as_data}, Table(("VCPU", "CPU Affinity"), rows))


@command("emulatorpin")
@domain()
@data("cpulist", help="The host's processors, such as 0-3,^2, or r for all.")
@affecting()
@click.pass_obj
def emulatorpin(shell: Shell, name: str, cpulist: str | None, impact: Impact) -> None:
    from ...domain.cpusets import from_text, host_cpu_count, to_text

    chosen = shell.domain(name)
    if cpulist is not None:
        chosen.vcpus.pin_emulator(from_text(cpulist, host_cpu_count(chosen.vcpus)), **impact)
        finish(shell, chosen, "emulator pinned")
        return
    cpus = to_text(chosen.vcpus.emulator_pin(**impact))
    text = f"emulator: CPU Affinity\n----------------------------------\n       *: {cpus}"
    tell(shell, chosen, {"affinity": cpus}, Text(text))


@command("cpu-stats")
@domain(applies=Flags.ACTIVE)
@click.option("--total", is_flag=True, help="The sum only.")
@data("start", click.IntRange(0), "From that of the host's processors on.")
@data("count", click.IntRange(0), "So many of them.")
@click.pass_obj
def cpu_stats(shell: Shell, name: str, total: bool, start: int | None, count: int | None) -> None:
    chosen = shell.domain(name)
    everything = not total and start is None and count is None
    each = [] if total else chosen.vcpus.stats(start or 0, count)
    together = chosen.vcpus.total_stats() if total or everything else {}
    lines = []
    for number, values in enumerate(each, start or 0):
        if values:
            lines += [f"CPU{number}:", *(f"\t{key:<12} {_seconds(int(value))}" for key, value in values.items())]
    if together:
        lines += ["Total:", *(f"\t{key:<12} {_seconds(int(value))}" for key, value in together.items())]
    shown = {"cpus": [{"cpu": number, **values} for number, values in enumerate(each, start or 0)], "total": together}
    tell(shell, chosen, shown, Text("\n".join(lines)))


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds // 10**9:9d}.{nanoseconds % 10**9:09d} seconds"


@command("guestvcpus")
@domain(applies=Flags.ACTIVE)
@data("cpulist", help="Their numbers, such as 1-3,5.")
@click.option("--enable", is_flag=True, help="Switch them on.")
@click.option("--disable", is_flag=True, help="Switch them off.")
@click.pass_obj
def guestvcpus(shell: Shell, name: str, cpulist: str | None, enable: bool, disable: bool) -> None:
    chosen = shell.domain(name)
    if cpulist is None:
        if enable or disable:
            raise click.UsageError("--enable and --disable want --cpulist")
        tell_values(shell, chosen, chosen.agent.vcpus())
        return
    wanted = _switching(enable, disable)
    chosen.agent.set_vcpus(cpulist, wanted)
    finish(shell, chosen, f"processors {cpulist} switched {'on' if wanted else 'off'}")


COMMANDS = {
    one.name: one for one in (cpu_stats, emulatorpin, guestvcpus, setvcpu, setvcpus, vcpucount, vcpuinfo, vcpupin)
}
