"""Sound cards and where their sound goes: libvirt's `<sound>` and `<audio>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import YES_NO
from ..address import Device

SampleFormat = Literal["s8", "u8", "s16", "u16", "s32", "u32", "f32"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound(Device):
    """A sound card; `audio` is the id of the backend that it plays on."""

    model: Annotated[Literal["sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "ich7"], At("@model")]
    multichannel: Annotated[bool | None, At("@multichannel", YES_NO)] = None
    codecs: Annotated[tuple[Literal["duplex", "micro", "output"], ...], At("codec/@type")] = ()
    audio: Annotated[int | None, At("audio/@id")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioDirection:
    """What a backend records (input) or plays (output); `buffer_length` and `latency` are µs."""

    mixing_engine: Annotated[bool | None, At("@mixingEngine", YES_NO)] = None
    fixed_settings: Annotated[bool | None, At("@fixedSettings", YES_NO)] = None
    voices: Annotated[int | None, At("@voices")] = None
    buffer_length: Annotated[int | None, At("@bufferLength")] = None
    dev: Annotated[str | None, At("@dev")] = None
    try_poll: Annotated[bool | None, At("@tryPoll", YES_NO)] = None
    buffer_count: Annotated[int | None, At("@bufferCount")] = None
    server_name: Annotated[str | None, At("@serverName")] = None
    client_name: Annotated[str | None, At("@clientName")] = None
    connect_ports: Annotated[str | None, At("@connectPorts")] = None
    exact_name: Annotated[bool | None, At("@exactName", YES_NO)] = None
    name: Annotated[str | None, At("@name")] = None
    stream_name: Annotated[str | None, At("@streamName")] = None
    latency: Annotated[int | None, At("@latency")] = None
    frequency: Annotated[int | None, At("settings/@frequency")] = None
    channels: Annotated[int | None, At("settings/@channels")] = None
    format: Annotated[SampleFormat | None, At("settings/@format")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """Where sound goes on the host; `none` is the silent one that libvirt adds to guests with VNC."""

    id: Annotated[int, At("@id")]
    type: Annotated[
        Literal["none", "alsa", "coreaudio", "dbus", "jack", "oss", "pulseaudio", "sdl", "spice", "file"], At("@type")
    ]
    timer_period: Annotated[int | None, At("@timerPeriod")] = None
    driver: Annotated[str | None, At("@driver")] = None
    path: Annotated[str | None, At("@path")] = None
    server_name: Annotated[str | None, At("@serverName")] = None
    try_mmap: Annotated[bool | None, At("@tryMMap", YES_NO)] = None
    exclusive: Annotated[bool | None, At("@exclusive", YES_NO)] = None
    dsp_policy: Annotated[int | None, At("@dspPolicy")] = None
    input: Annotated[AudioDirection | None, At("input")] = None
    output: Annotated[AudioDirection | None, At("output")] = None
