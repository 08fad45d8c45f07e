"""The guest's clock and its timers: libvirt's `<clock>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ..binding import At, Codec, Datatype
from ..values import SIGNED, YES_NO

TimerName = Literal["platform", "hpet", "kvmclock", "pit", "rtc", "tsc", "hypervclock", "armvtimer"]


def _adjustment(text: str) -> int | None:
    """Seconds; to "reset" is to begin with none, as without a word."""
    return None if text == "reset" else SIGNED.read(text)


_FORMS = SIGNED.text.forms if SIGNED.text else ()
_ADJUSTMENT = Codec(_adjustment, str, "seconds or 'reset'", Datatype("adjustment", ("reset",), _FORMS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Catchup:
    """Limits of a timer's catching up: milliseconds and percents."""

    threshold: Annotated[int | None, At("@threshold")] = None
    slew: Annotated[int | None, At("@slew")] = None
    limit: Annotated[int | None, At("@limit")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """One timer. `present` is None where the hypervisor decides; `frequency` is in Hz."""

    name: Annotated[TimerName, At("@name")]
    present: Annotated[bool | None, At("@present", YES_NO)] = None
    tickpolicy: Annotated[Literal["delay", "catchup", "merge", "discard"] | None, At("@tickpolicy")] = None
    track: Annotated[Literal["boot", "guest", "wall", "realtime"] | None, At("@track")] = None
    frequency: Annotated[int | None, At("@frequency")] = None
    mode: Annotated[Literal["auto", "native", "emulate", "paravirt", "smpsafe"] | None, At("@mode")] = None
    catchup: Annotated[Catchup | None, At("catchup")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What the real-time clock starts from. `adjustment` (seconds) and `basis` go with `variable`, `start` (seconds
    since 1970) with `absolute`."""

    offset: Annotated[Literal["utc", "localtime", "variable", "timezone", "absolute"], At("@offset")]
    adjustment: Annotated[int | None, At("@adjustment", _ADJUSTMENT)] = None
    basis: Annotated[Literal["utc", "localtime"] | None, At("@basis")] = None
    start: Annotated[int | None, At("@start", SIGNED)] = None
    timezone: Annotated[str | None, At("@timezone")] = None
    timers: Annotated[tuple[Timer, ...], At("timer")] = ()
