"""The devices of a domain, a module per family, in libvirt's order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any, get_type_hints

from ...binding import At
from ...replacing import replace
from ..address import Device
from .board import Hub, Iommu, NvramDevice, Panic, Vsock, Watchdog
from .character import Channel, CharacterDevice, Console, Parallel, Serial
from .controller import Controller, ControllerDriver
from .disk import Disk, DiskDriver, IoTune
from .filesystem import Filesystem
from .graphics import Graphics, Listen, Video
from .hostdev import HostDevice, RedirectedDevice, RedirectionFilter
from .input import Input
from .interface import Interface, InterfaceBandwidth, Traffic
from .memballoon import Memballoon
from .memory import MemoryDevice, SharedMemory
from .rng import Rng
from .sound import Audio, Sound
from .trust import Crypto, Lease, Smartcard, Tpm


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """All devices, by family, each in the document's order."""

    emulator: Annotated[str | None, At("emulator")] = None
    disks: Annotated[tuple[Disk, ...], At("disk")] = ()
    controllers: Annotated[tuple[Controller, ...], At("controller")] = ()
    leases: Annotated[tuple[Lease, ...], At("lease")] = ()
    filesystems: Annotated[tuple[Filesystem, ...], At("filesystem")] = ()
    interfaces: Annotated[tuple[Interface, ...], At("interface")] = ()
    smartcards: Annotated[tuple[Smartcard, ...], At("smartcard")] = ()
    serials: Annotated[tuple[Serial, ...], At("serial")] = ()
    parallels: Annotated[tuple[Parallel, ...], At("parallel")] = ()
    consoles: Annotated[tuple[Console, ...], At("console")] = ()
    channels: Annotated[tuple[Channel, ...], At("channel")] = ()
    inputs: Annotated[tuple[Input, ...], At("input")] = ()
    tpms: Annotated[tuple[Tpm, ...], At("tpm")] = ()
    graphics: Annotated[tuple[Graphics, ...], At("graphics")] = ()
    sounds: Annotated[tuple[Sound, ...], At("sound")] = ()
    audios: Annotated[tuple[Audio, ...], At("audio")] = ()
    videos: Annotated[tuple[Video, ...], At("video")] = ()
    hostdevs: Annotated[tuple[HostDevice, ...], At("hostdev")] = ()
    redirdevs: Annotated[tuple[RedirectedDevice, ...], At("redirdev")] = ()
    redirfilter: Annotated[RedirectionFilter | None, At("redirfilter")] = None
    hubs: Annotated[tuple[Hub, ...], At("hub")] = ()
    watchdogs: Annotated[tuple[Watchdog, ...], At("watchdog")] = ()
    memballoon: Annotated[Memballoon | None, At("memballoon")] = None
    rngs: Annotated[tuple[Rng, ...], At("rng")] = ()
    nvram: Annotated[NvramDevice | None, At("nvram")] = None
    panics: Annotated[tuple[Panic, ...], At("panic")] = ()
    shmems: Annotated[tuple[SharedMemory, ...], At("shmem")] = ()
    memories: Annotated[tuple[MemoryDevice, ...], At("memory")] = ()
    iommu: Annotated[Iommu | None, At("iommu")] = None
    vsock: Annotated[Vsock | None, At("vsock")] = None
    cryptos: Annotated[tuple[Crypto, ...], At("crypto")] = ()

    @classmethod
    def families(cls) -> dict[str, str]:
        """The elements that devices are, by the names of the fields that hold them."""
        hints = get_type_hints(cls, include_extras=True)
        found = {name: extra.path for name, hint in hints.items() for extra in hint.__metadata__}
        return {name: tag for name, tag in found.items() if name not in ("emulator", "redirfilter")}

    def __iter__(self) -> Iterator[Device]:
        """Every device that may have an alias and an address, in the document's order."""
        for found in _addressed(self):
            if isinstance(found, tuple):
                yield from found
            elif found is not None:
                yield found

    def mapped(self, change: Callable[[Any], Device]) -> "Devices":
        """A copy with every device of `__iter__` replaced by what `change` makes of it."""
        changed: dict[str, Any] = {}
        for family, found in zip(ADDRESSED, _addressed(self), strict=True):
            if found:
                changed[family] = tuple(map(change, found)) if isinstance(found, tuple) else change(found)
        return replace(self, **changed)


# The families of addressed devices in the document's order; of some there is one device at most.
ADDRESSED = (
    "disks", "controllers", "filesystems", "interfaces", "smartcards", "serials", "parallels", "consoles", "channels",
    "inputs", "tpms", "sounds", "videos", "hostdevs", "redirdevs", "hubs", "watchdogs", "memballoon", "rngs", "nvram",
    "panics", "shmems", "memories", "iommu", "vsock", "cryptos",
)  # fmt: skip
_addressed = attrgetter(*ADDRESSED)


__all__ = [
    "Audio",
    "Channel",
    "CharacterDevice",
    "Console",
    "Controller",
    "ControllerDriver",
    "Crypto",
    "Devices",
    "Disk",
    "DiskDriver",
    "Filesystem",
    "Graphics",
    "HostDevice",
    "Hub",
    "Input",
    "Interface",
    "InterfaceBandwidth",
    "IoTune",
    "Iommu",
    "Lease",
    "Listen",
    "Memballoon",
    "MemoryDevice",
    "NvramDevice",
    "Panic",
    "Parallel",
    "RedirectedDevice",
    "RedirectionFilter",
    "Rng",
    "Serial",
    "SharedMemory",
    "Smartcard",
    "Sound",
    "Tpm",
    "Traffic",
    "Video",
    "Vsock",
    "Watchdog",
]
