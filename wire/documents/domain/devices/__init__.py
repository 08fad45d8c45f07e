"""The devices of a domain, a module per family, in libvirt's order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Annotated, Any

from ...binding import At
from ..address import Device
from .character import Channel, CharacterDevice, Console, Serial
from .controller import Controller
from .disk import Disk, DiskDriver
from .graphics import Audio, Graphics, Listen, Video
from .input import Input
from .interface import Interface
from .memballoon import Memballoon
from .rng import Rng


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """All devices, by family, each in the document's order."""

    emulator: Annotated[str | None, At("emulator")] = None
    disks: Annotated[tuple[Disk, ...], At("disk")] = ()
    controllers: Annotated[tuple[Controller, ...], At("controller")] = ()
    interfaces: Annotated[tuple[Interface, ...], At("interface")] = ()
    serials: Annotated[tuple[Serial, ...], At("serial")] = ()
    consoles: Annotated[tuple[Console, ...], At("console")] = ()
    channels: Annotated[tuple[Channel, ...], At("channel")] = ()
    inputs: Annotated[tuple[Input, ...], At("input")] = ()
    graphics: Annotated[tuple[Graphics, ...], At("graphics")] = ()
    audios: Annotated[tuple[Audio, ...], At("audio")] = ()
    videos: Annotated[tuple[Video, ...], At("video")] = ()
    memballoon: Annotated[Memballoon | None, At("memballoon")] = None
    rngs: Annotated[tuple[Rng, ...], At("rng")] = ()

    def __iter__(self) -> Iterator[Device]:
        """Every device that may have an alias and an address, in the document's order."""
        for family in ADDRESSED:
            yield from getattr(self, family)
            if family == "videos" and self.memballoon is not None:
                yield self.memballoon

    def mapped(self, change: Callable[[Any], Device]) -> "Devices":
        """A copy with every device of `__iter__` replaced by what `change` makes of it."""
        new = iter([change(device) for device in self])
        changed: dict[str, Any] = {}
        for family in ADDRESSED:
            changed[family] = tuple(islice(new, len(getattr(self, family))))
            if family == "videos" and self.memballoon is not None:
                changed["memballoon"] = next(new)
        return replace(self, **changed)


# The families of addressed devices in the document's order; the memory balloon, of which there is one, follows videos.
ADDRESSED = ("disks", "controllers", "interfaces", "serials", "consoles", "channels", "inputs", "videos", "rngs")


__all__ = [
    "Audio",
    "Channel",
    "CharacterDevice",
    "Console",
    "Controller",
    "Devices",
    "Disk",
    "DiskDriver",
    "Graphics",
    "Input",
    "Interface",
    "Listen",
    "Memballoon",
    "Rng",
    "Serial",
    "Video",
]
