"""Memory that is plugged in, and memory that guests share: libvirt's `<memory>` and `<shmem>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import CPUSET, ON_OFF, SIZE_KIB, SIZE_MIB, UUID, YES_NO
from ..address import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryDevice(Device):
    """A module of memory; sizes are KiB. `current` of a virtio-mem is live."""

    model: Annotated[Literal["dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc"], At("@model")]
    access: Annotated[Literal["shared", "private"] | None, At("@access")] = None
    discard: Annotated[bool | None, At("@discard", YES_NO)] = None
    uuid: Annotated[str | None, At("uuid", UUID)] = None
    nodemask: Annotated[str | None, At("source/nodemask", CPUSET)] = None
    pagesize: Annotated[int | None, At("source/pagesize", SIZE_KIB)] = None
    path: Annotated[str | None, At("source/path")] = None
    alignsize: Annotated[int | None, At("source/alignsize", SIZE_KIB)] = None
    pmem: Annotated[bool, At("source/pmem")] = False
    size: Annotated[int, At("target/size", SIZE_KIB)]
    node: Annotated[int | None, At("target/node")] = None
    label_size: Annotated[int | None, At("target/label/size", SIZE_KIB)] = None
    readonly: Annotated[bool, At("target/readonly")] = False
    block: Annotated[int | None, At("target/block", SIZE_KIB)] = None
    requested: Annotated[int | None, At("target/requested", SIZE_KIB)] = None
    current: Annotated[int | None, At("target/current", SIZE_KIB)] = None
    base: Annotated[str | None, At("target/address/@base")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedMemory(Device):
    """Memory that several guests see; `size` is MiB."""

    name: Annotated[str, At("@name")]
    role: Annotated[Literal["master", "peer"] | None, At("@role")] = None
    model: Annotated[Literal["ivshmem", "ivshmem-plain", "ivshmem-doorbell"] | None, At("model/@type")] = None
    size: Annotated[int | None, At("size", SIZE_MIB)] = None
    server: Annotated[str | None, At("server/@path")] = None
    vectors: Annotated[int | None, At("msi/@vectors")] = None
    ioeventfd: Annotated[bool | None, At("msi/@ioeventfd", ON_OFF)] = None
