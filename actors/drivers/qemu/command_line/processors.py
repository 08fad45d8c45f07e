"""How many processors there are and how they are spread: -smp, and -device for those that can be taken out again."""

from __future__ import annotations

from dataclasses import dataclass

from .....wire.documents.domain import DomainDefinition, Topology, Vcpu
from .....wire.errors import UnsupportedConfig
from . import cpu
from .board import Board
from .syntax import key_values


def processors(board: Board) -> list[str]:
    """-smp: how many are there at the start and at most, and their topology, a socket for each by default."""
    definition = board.definition
    machine = board.capabilities.machine(definition.os.machine)
    maximum = definition.vcpus or 1
    if maximum > machine.max_cpus:
        raise UnsupportedConfig(f"{definition.vcpus} vcpus: machine type {machine.name} has at most {machine.max_cpus}")
    fixed, plugged = _placed(definition)
    limit = {"maxcpus": maximum} if fixed != maximum else {}
    topology = definition.cpu.topology if definition.cpu else None
    if topology is None:
        spread = {"sockets": maximum, "cores": 1, "threads": 1}
    else:
        spread = {
            "sockets": topology.sockets,
            "dies": topology.dies,
            "cores": topology.cores,
            "threads": topology.threads,
        }
    return ["-smp", key_values(str(fixed), **limit, **spread)] + [
        word for each in plugged for word in _plugged(board, each, topology or _sockets(maximum))
    ]


def _sockets(count: int) -> Topology:
    return Topology(sockets=count, dies=1, cores=1, threads=1)


def _placed(definition: DomainDefinition) -> tuple[int, list[Vcpu]]:
    """How many processors are there for good, and those that are plugged in, in their order.

    QEMU counts the first kind from 0 on.
    """
    maximum = definition.vcpus or 1
    current = definition.current_vcpus or maximum
    told = definition.vcpu_list
    if not told:
        return current, []
    ids = [each.id for each in told]
    if sorted(ids) != list(range(maximum)):
        raise UnsupportedConfig(f"vcpus: expected each of 0 to {maximum - 1} once")
    for each in told:
        if not each.enabled and each.hotpluggable is False:
            raise UnsupportedConfig(f"vcpus: vcpu {each.id} is not enabled and can never be")
    fixed = sorted(each.id for each in told if each.enabled and not each.hotpluggable)
    if fixed != list(range(len(fixed))) or not fixed:
        raise UnsupportedConfig("vcpus: those that are not hotpluggable must be the first")
    plugged = [each for each in told if each.enabled and each.hotpluggable]
    if len(fixed) + len(plugged) != current:
        raise UnsupportedConfig(f"vcpus: {len(fixed) + len(plugged)} are enabled, vcpu says {current}")
    if len({each.order for each in told if each.order}) < sum(1 for each in told if each.order):
        raise UnsupportedConfig("vcpus: an order that is used twice")
    return len(fixed), sorted(plugged, key=lambda each: (each.order or maximum, each.id))


@dataclass(frozen=True, slots=True)
class Position:
    """Where a processor is."""

    socket: int
    die: int
    core: int
    thread: int


def position(number: int, topology: Topology) -> Position:
    """Where QEMU has the processor of that number."""
    rest, thread = divmod(number, topology.threads)
    rest, core = divmod(rest, topology.cores)
    socket, die = divmod(rest, topology.dies or 1)
    return Position(socket, die, core, thread)


def _plugged(board: Board, vcpu: Vcpu, topology: Topology) -> list[str]:
    machine = board.capabilities.machine(board.definition.os.machine)
    if not machine.hotpluggable_cpus:
        raise UnsupportedConfig(f"vcpu {vcpu.id}: hotpluggable on machine type {machine.name}")
    at = position(vcpu.id, topology)
    kind = cpu.type_name(board)
    places = {"socket-id": at.socket, "core-id": at.core, "thread-id": at.thread}
    if (topology.dies or 1) > 1:
        places["die-id"] = at.die
    return board.bare_device(f"vcpu {vcpu.id}", kind, id=f"vcpu{vcpu.id}", **places)
