"""Modules of memory and memory that guests share: -object for what is on the host, -device for the guest's side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .....wire.cpuset import parse_numbers
from .....wire.documents.domain import MemoryDevice, SharedMemory
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias
from .memory import Wanted, backend_properties
from .syntax import Value, key_values

KIB = 1024
MIB = 1024 * 1024
# Where memory is that guests share by its name, and where a server that shares it listens if nobody says.
SHARED = "/dev/shm"
SERVER = "/var/lib/libvirt/shmem-{}-sock"
DEFAULT_SHARED_SIZE = 4  # MiB
# What is said of a module -> the models that it is for.
ONLY_FOR = {
    "uuid": ("nvdimm", "virtio-pmem"),
    "nodemask": ("dimm", "virtio-mem"),
    "pagesize": ("dimm", "virtio-mem"),
    "path": ("nvdimm", "virtio-pmem"),
    "alignsize": ("nvdimm",),
    "pmem": ("nvdimm",),
    "label_size": ("nvdimm",),
    "readonly": ("nvdimm",),
    "block": ("virtio-mem",),
    "requested": ("virtio-mem",),
    "base": ("virtio-mem", "virtio-pmem"),
    "node": ("dimm", "nvdimm", "virtio-mem"),
    "access": ("dimm", "nvdimm", "virtio-mem", "virtio-pmem"),
    "discard": ("dimm", "nvdimm", "virtio-mem"),
}


def memory_devices(board: Board) -> list[str]:
    """The arguments of all modules."""
    return [word for module in board.definition.devices.memories for word in _module(board, module)]


def machine_switches(board: Board) -> dict[str, Value]:
    """What -machine says of modules."""
    persistent = any(module.model == "nvdimm" for module in board.definition.devices.memories)
    return {"nvdimm": True if persistent else None}


def shared_memories(board: Board) -> list[str]:
    """The arguments of all memory that guests share."""
    return [word for shared in board.definition.devices.shmems for word in _shared(board, shared)]


# --- modules


def _module(board: Board, module: MemoryDevice) -> list[str]:
    builder = _MODULES.get(module.model)
    name = f"memory {module.model!r}"
    if builder is None:
        raise UnsupportedConfig(name)
    for field, models in ONLY_FOR.items():
        if module.model not in models and getattr(module, field) not in (None, False):
            raise UnsupportedConfig(f"{name}: {field.replace('_', ' ')}")
    if board.definition.max_memory is None and module.model != "virtio-pmem":
        raise UnsupportedConfig(f"{name} without maxMemory")
    if not board.family.root:
        raise UnsupportedConfig(f"{name} on machine type {board.family.name}")
    return builder(board, module)


def _dimm(board: Board, module: MemoryDevice) -> list[str]:
    return _volatile(board, module) + board.device(module, "pc-dimm", node=module.node, memdev=_backend_id(module))


def _virtio_mem(board: Board, module: MemoryDevice) -> list[str]:
    if module.block is None or module.requested is None:
        raise UnsupportedConfig("memory 'virtio-mem' without block and requested")
    return _volatile(board, module, reserve=False) + board.device(
        module,
        "virtio-mem-pci",
        memdev=_backend_id(module),
        node=module.node,
        memaddr=_base(module),
        **{"block-size": module.block * KIB, "requested-size": module.requested * KIB},
    )


def _nvdimm(board: Board, module: MemoryDevice) -> list[str]:
    backend = {"align": module.alignsize and module.alignsize * KIB, "pmem": module.pmem or None, "prealloc": True}
    return _file(board, module, **backend) + board.device(
        module,
        "nvdimm",
        node=module.node,
        memdev=_backend_id(module),
        uuid=module.uuid,
        unarmed=True if module.readonly else None,
        **{"label-size": module.label_size and module.label_size * KIB},
    )


def _virtio_pmem(board: Board, module: MemoryDevice) -> list[str]:
    if module.access == "private":
        raise UnsupportedConfig("memory 'virtio-pmem' with access 'private'")
    if module.uuid is not None:
        raise UnsupportedConfig("memory 'virtio-pmem' with a uuid")
    device = board.device(module, "virtio-pmem-pci", memdev=_backend_id(module), memaddr=_base(module))
    return _file(board, module) + device


_MODULES: dict[str, Callable[[Board, MemoryDevice], list[str]]] = {
    "dimm": _dimm,
    "nvdimm": _nvdimm,
    "virtio-mem": _virtio_mem,
    "virtio-pmem": _virtio_pmem,
}


def _backend_id(module: MemoryDevice) -> str:
    return f"mem{alias(module)}"


def _volatile(board: Board, module: MemoryDevice, **more: Any) -> list[str]:
    """Memory that is of the same kind as the guest's own, unless it is said otherwise."""
    wanted = Wanted(_backend_id(module), module.size, module.node, module.access, module.discard)
    kind, properties = backend_properties(board.definition, wanted, str(board.resources.memory_directory))
    if module.pagesize is not None:
        kind = "memory-backend-memfd"
        properties = {name: value for name, value in properties.items() if name not in ("mem-path", "discard-data")}
        properties |= {"hugetlb": True, "hugetlbsize": module.pagesize * KIB, "prealloc": True}
    if module.nodemask is not None:
        properties |= {"host-nodes": _host_nodes(module), "policy": "bind"}
    return board.object(f"memory {module.model!r}", kind, **properties, **more)


def _host_nodes(module: MemoryDevice) -> list[int]:
    try:
        return sorted(parse_numbers(module.nodemask or ""))
    except ValueError:
        raise UnsupportedConfig(f"memory {module.model!r}: nodemask {module.nodemask!r} is no set of nodes") from None


def _file(board: Board, module: MemoryDevice, **more: Any) -> list[str]:
    if module.path is None:
        raise UnsupportedConfig(f"memory {module.model!r} without a path")
    shared = module.model == "virtio-pmem" or module.access == "shared" or (module.access is None and _shares(board))
    properties = {
        "mem-path": module.path,
        "share": shared or None,
        "discard-data": True if module.discard else None,
        "size": module.size * KIB,
    }
    name = f"memory {module.model!r}"
    return board.object(name, "memory-backend-file", id=_backend_id(module), **properties, **more)


def _shares(board: Board) -> bool:
    backing = board.definition.memory_backing
    return backing is not None and backing.access == "shared"


def _base(module: MemoryDevice) -> int | None:
    if module.base is None:
        return None
    try:
        return int(module.base, 0)
    except ValueError:
        raise UnsupportedConfig(f"memory {module.model!r}: base {module.base!r} is no number") from None


# --- shared memory


def _shared(board: Board, shared: SharedMemory) -> list[str]:
    name = label(shared)
    if "/" in shared.name or shared.name in ("", ".", ".."):
        raise UnsupportedConfig(f"{name}: a name without '/'")
    if shared.model == "ivshmem-plain":
        return _plain(board, shared)
    if shared.model == "ivshmem-doorbell":
        return _doorbell(board, shared)
    raise UnsupportedConfig(f"{name}: model {shared.model!r}")


def _plain(board: Board, shared: SharedMemory) -> list[str]:
    for field in ("server", "vectors", "ioeventfd"):
        if getattr(shared, field) is not None:
            raise UnsupportedConfig(f"{label(shared)}: {field} with model 'ivshmem-plain'")
    memory = f"shmmem-{alias(shared)}"
    size = (shared.size or DEFAULT_SHARED_SIZE) * MIB
    if size & (size - 1):
        raise UnsupportedConfig(f"{label(shared)}: size {shared.size} MiB", hint="a power of 2")
    backing = {"mem-path": f"{SHARED}/{shared.name}", "size": size, "share": True}
    return board.object(label(shared), "memory-backend-file", id=memory, **backing) + board.device(
        shared, "ivshmem-plain", memdev=memory, **_role(shared)
    )


def _doorbell(board: Board, shared: SharedMemory) -> list[str]:
    if shared.size is not None:
        raise UnsupportedConfig(f"{label(shared)}: the size is the server's")
    chardev = f"char{alias(shared)}"
    path = shared.server or SERVER.format(shared.name)
    properties = {"vectors": shared.vectors, "ioeventfd": shared.ioeventfd}
    device = board.device(shared, "ivshmem-doorbell", chardev=chardev, **properties, **_role(shared))
    return ["-chardev", key_values("socket", id=chardev, path=path), *device]


def _role(shared: SharedMemory) -> dict[str, str]:
    return {} if shared.role is None else {"master": "on" if shared.role == "master" else "off"}
