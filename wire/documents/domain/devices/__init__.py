"""The devices of a domain, a module per family, in libvirt's order."""

from dataclasses import dataclass
from typing import Annotated

from ...binding import At
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
