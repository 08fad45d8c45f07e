"""The real-time clock and the timers' ways with ticks that were missed: -rtc, and -global for KVM's timer."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from .....wire.documents.domain import Clock, Timer
from .....wire.errors import InvalidArgument, UnsupportedConfig
from .board import Board
from .syntax import Value, key_values

RTC_CLOCKS = {"guest": "vm", "wall": "host", "realtime": "rt"}
# Missed ticks of these come late, which is what "delay" asks for; some have other ways too. The processor's counter has
# no ticks: what is said of them, and of its mode, is Xen's and decides nothing.
DELAYING = ("hpet", "rtc", "pit", "tsc")


def clock(board: Board) -> list[str]:
    """-rtc, and what else timers need. What they have in the processor or the machine is written there."""
    wanted = board.definition.clock or Clock(offset="utc")
    _check_offset(wanted)
    rtc: dict[str, Value] = {"base": _base(wanted, board.resources.now)}
    arguments: list[str] = []
    for timer in wanted.timers:
        _check(timer)
        if timer.name == "rtc":
            rtc |= _rtc(timer)
        elif timer.name == "pit":
            arguments += _pit(timer)
    return ["-rtc", key_values(**rtc), *arguments]


def _check_offset(clock: Clock) -> None:
    """Refuse what is said of another offset than the clock's."""
    if clock.timezone is not None and clock.offset != "timezone":
        raise UnsupportedConfig(f"clock: a timezone with offset {clock.offset!r}")
    if (clock.adjustment is not None or clock.basis is not None) and clock.offset != "variable":
        raise UnsupportedConfig(f"clock: adjustment and basis with offset {clock.offset!r}")
    if (clock.start is not None) != (clock.offset == "absolute"):
        raise UnsupportedConfig(f"clock: start {clock.start} with offset {clock.offset!r}", hint="'absolute' needs one")


def _base(clock: Clock, now: datetime) -> str:
    """What the guest's clock shows at the start: utc, localtime, or a date and time."""
    if clock.offset in ("utc", "localtime"):
        return clock.offset
    zone = _zone(clock.timezone or "UTC") if clock.offset == "timezone" else None
    try:
        if clock.start is not None:
            shown = datetime(1970, 1, 1) + timedelta(seconds=clock.start)
        elif zone is not None:
            shown = now.astimezone(zone)
        else:
            shown = now.astimezone(None if clock.basis == "localtime" else ZoneInfo("UTC"))
            shown += timedelta(seconds=clock.adjustment or 0)
        return shown.replace(tzinfo=None).isoformat(timespec="seconds")
    except (OverflowError, ValueError):
        raise InvalidArgument(f"clock {_what(clock)}") from None


def _what(clock: Clock) -> str:
    return f"adjustment {clock.adjustment}" if clock.start is None else f"start {clock.start}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UnsupportedConfig(f"clock timezone {name!r} is not known on this host") from None


def _check(timer: Timer) -> None:
    """Refuse what none of QEMU's timers does; what some do is checked where it is written."""
    name = f"timer {timer.name!r}"
    if timer.name == "platform":
        raise UnsupportedConfig(name)
    if timer.catchup is not None:
        raise UnsupportedConfig(f"{name}: limits of catching up")
    if timer.mode not in (None, "auto") and timer.name != "tsc":
        raise UnsupportedConfig(f"{name}: mode {timer.mode!r}")
    for field, value, owners in (
        ("track", timer.track, ("rtc",)),
        ("frequency", timer.frequency, ("tsc",)),
        ("tickpolicy", timer.tickpolicy, DELAYING),
    ):
        if value is not None and timer.name not in owners:
            raise UnsupportedConfig(f"{name}: {field}")
    if timer.name == "hpet" and timer.tickpolicy not in (None, "delay"):
        raise UnsupportedConfig(f"{name}: tickpolicy {timer.tickpolicy!r}")
    if timer.name == "tsc" and timer.present is False:
        raise UnsupportedConfig(f"{name}: present 'no'", hint="disable the processor's feature 'tsc'")


def _rtc(timer: Timer) -> dict[str, Value]:
    if timer.track == "boot":
        raise UnsupportedConfig("timer 'rtc': track 'boot'")
    if timer.tickpolicy not in (None, "delay", "catchup"):
        raise UnsupportedConfig(f"timer 'rtc': tickpolicy {timer.tickpolicy!r}")
    return {
        "clock": RTC_CLOCKS[timer.track] if timer.track else None,
        "driftfix": "slew" if timer.tickpolicy == "catchup" else None,
    }


def _pit(timer: Timer) -> list[str]:
    """QEMU's chip and KVM's both deliver late by themselves, and catch up thereby; only KVM's can discard."""
    if timer.tickpolicy not in (None, "delay", "catchup", "discard"):
        raise UnsupportedConfig(f"timer 'pit': tickpolicy {timer.tickpolicy!r}")
    if timer.tickpolicy not in ("delay", "discard"):
        return []
    return ["-global", f"kvm-pit.lost_tick_policy={timer.tickpolicy}"]
