"""Sound: -audiodev for where it goes on the host, -device for the guest's cards."""

from __future__ import annotations

from typing import Any

from .....wire.documents.domain import Audio, Sound
from .....wire.documents.domain.devices.sound import AudioDirection
from .....wire.errors import UnsupportedConfig
from ..labels import label
from .board import Board, alias
from .syntax import Value, json_option

# libvirt's names of backends -> QEMU's.
DRIVERS = {
    "none": "none",
    "alsa": "alsa",
    "coreaudio": "coreaudio",
    "dbus": "dbus",
    "jack": "jack",
    "oss": "oss",
    "pulseaudio": "pa",
    "sdl": "sdl",
    "spice": "spice",
    "file": "wav",
}
# What only some backends can be told, by QEMU's names.
SETTINGS: dict[str, dict[str, str]] = {
    "oss": {"try_mmap": "try-mmap", "exclusive": "exclusive", "dsp_policy": "dsp-policy"},
    "pulseaudio": {"server_name": "server"},
    "file": {"path": "path"},
}
# The same for each direction; what all have is `COMMON`.
COMMON = {
    "mixing_engine": "mixing-engine",
    "fixed_settings": "fixed-settings",
    "voices": "voices",
    "buffer_length": "buffer-length",
    "frequency": "frequency",
    "channels": "channels",
    "format": "format",
}
DIRECTIONS: dict[str, dict[str, str]] = {
    "alsa": {"dev": "dev"},
    "coreaudio": {"buffer_count": "buffer-count"},
    "jack": {
        "server_name": "server-name",
        "client_name": "client-name",
        "connect_ports": "connect-ports",
        "exact_name": "exact-name",
    },
    "oss": {"dev": "dev", "buffer_count": "buffer-count", "try_poll": "try-poll"},
    "pulseaudio": {"name": "name", "stream_name": "stream-name", "latency": "latency"},
    "sdl": {"buffer_count": "buffer-count"},
}
_OWN = ("driver", "path", "server_name", "try_mmap", "exclusive", "dsp_policy")

CARDS = {
    "ac97": "AC97",
    "es1370": "ES1370",
    "sb16": "sb16",
    "ich6": "intel-hda",
    "ich9": "ich9-intel-hda",
    "usb": "usb-audio",
}
# Cards that leave the sound to codecs behind them.
BUSES = ("ich6", "ich9")
CODECS = {"duplex": "hda-duplex", "micro": "hda-micro", "output": "hda-output"}
SPEAKER = "pcspk"


def audios(board: Board) -> list[str]:
    """The arguments of all backends."""
    devices = board.definition.devices
    if any(each.type == "spice" for each in devices.audios) and not any(d.type == "spice" for d in devices.graphics):
        raise UnsupportedConfig("Spice audio is not supported without spice graphics")
    return [word for audio in board.definition.devices.audios for word in _audio(audio)]


def audio_id(board: Board, name: str, number: int | None) -> str | None:
    """The id in QEMU of the backend of that number, of the first when none is said; None where there is none.

    Raises UnsupportedConfig, naming who asks, for one that is not there.
    """
    backends = board.definition.devices.audios
    if number is None:
        return f"audio{backends[0].id}" if backends else None
    if number not in {each.id for each in backends}:
        raise UnsupportedConfig(f"{name}: there is no audio backend {number}")
    return f"audio{number}"


def machine_switches(board: Board) -> dict[str, Value]:
    """What -machine says of the machine's speaker."""
    speaker = next((each for each in board.definition.devices.sounds if each.model == SPEAKER), None)
    return {"pcspk_audiodev": speaker and audio_id(board, label(speaker), speaker.audio)}


def sounds(board: Board) -> list[str]:
    """The arguments of all cards."""
    return [word for sound in board.definition.devices.sounds for word in _sound(board, sound)]


def _audio(audio: Audio) -> list[str]:
    known = SETTINGS.get(audio.type, {})
    settings: dict[str, Any] = {}
    for field in _OWN:
        value = getattr(audio, field)
        if value is None:
            continue
        if field not in known:
            raise UnsupportedConfig(f"audio {audio.id} ({audio.type}): {field.replace('_', ' ')}")
        settings[known[field]] = value
    backend = {
        "id": f"audio{audio.id}",
        "driver": DRIVERS[audio.type],
        "timer-period": audio.timer_period,
        **settings,
        "in": _direction(audio, audio.input),
        "out": _direction(audio, audio.output),
    }
    return json_option("-audiodev", backend)


def _direction(audio: Audio, said: AudioDirection | None) -> dict[str, Any] | None:
    if said is None or said == AudioDirection():
        return None
    known = COMMON | DIRECTIONS.get(audio.type, {})
    settings: dict[str, Any] = {}
    for field in said.__slots__:
        value = getattr(said, field)
        if value is None:
            continue
        if field not in known:
            raise UnsupportedConfig(f"audio {audio.id} ({audio.type}): {field.replace('_', ' ')}")
        settings[known[field]] = value
    return settings


def _sound(board: Board, sound: Sound) -> list[str]:
    backend = audio_id(board, label(sound), sound.audio)
    if sound.codecs and sound.model not in BUSES:
        raise UnsupportedConfig(f"{label(sound)}: codecs")
    if sound.multichannel is not None and sound.model != "usb":
        raise UnsupportedConfig(f"{label(sound)}: multichannel")
    if sound.model == SPEAKER:
        return _speaker(board, sound)
    driver = CARDS.get(sound.model)
    if driver is None:
        raise UnsupportedConfig(label(sound))
    if sound.model in BUSES:
        return board.device(sound, driver) + _codecs(board, sound, backend)
    properties = {"audiodev": backend, "multi": sound.multichannel}
    if sound.model == "sb16":
        return board.bare_device(label(sound), driver, id=alias(sound), **properties)
    return board.device(sound, driver, **properties)


def _codecs(board: Board, sound: Sound, backend: str | None) -> list[str]:
    """What is on a card's own bus; one for both directions where nothing is said."""
    bus = alias(sound)
    return [
        word
        for place, codec in enumerate(sound.codecs or ("duplex",))
        for word in board.bare_device(
            f"{label(sound)}: codec {codec!r}",
            CODECS[codec],
            id=f"{bus}-codec{place}",
            bus=f"{bus}.0",
            cad=place,
            audiodev=backend,
        )
    ]


def _speaker(board: Board, sound: Sound) -> list[str]:
    """The machine's own speaker, which is a switch of the machine."""
    if board.family.root is None:
        raise UnsupportedConfig(f"{label(sound)} on machine type {board.family.name}")
    return []
