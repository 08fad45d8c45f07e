"""What the guest's agent tells, as the parameters of virDomainGetGuestInfo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ....wire.enums.domain_tuning import DomainGuestInfoTypes as Types
from ....wire.params import ParamType, TypedParam

# The definition's name of a disk that the agent describes, None for one that is not the definition's.
Target = Callable[[Mapping[str, Any]], str | None]
_US_PER_MS = 1000
_OS = {
    "id": "id",
    "name": "name",
    "pretty-name": "pretty-name",
    "version": "version",
    "version-id": "version-id",
    "machine": "machine",
    "variant": "variant",
    "variant-id": "variant-id",
    "kernel-release": "kernel-release",
    "kernel-version": "kernel-version",
}


def _text(name: str, value: Any) -> TypedParam:
    return TypedParam(name, ParamType.STRING, str(value))


def _count(name: str, value: int) -> TypedParam:
    return TypedParam(name, ParamType.UINT, value)


def _users(told: list[Mapping[str, Any]], target: Target) -> Iterator[TypedParam]:
    yield _count("user.count", len(told))
    for at, user in enumerate(told):
        yield _text(f"user.{at}.name", user["user"])
        if "domain" in user:
            yield _text(f"user.{at}.domain", user["domain"])
        yield TypedParam(f"user.{at}.login-time", ParamType.ULLONG, int(user["login-time"] * _US_PER_MS))


def _os(told: Mapping[str, Any], target: Target) -> Iterator[TypedParam]:
    for name, source in _OS.items():
        if source in told:
            yield _text(f"os.{name}", told[source])


def _timezone(told: Mapping[str, Any], target: Target) -> Iterator[TypedParam]:
    if "zone" in told:
        yield _text("timezone.name", told["zone"])
    yield TypedParam("timezone.offset", ParamType.INT, int(told["offset"]))


def _hostname(told: Mapping[str, Any], target: Target) -> Iterator[TypedParam]:
    yield _text("hostname", told["host-name"])


def _filesystems(told: list[Mapping[str, Any]], target: Target) -> Iterator[TypedParam]:
    yield _count("fs.count", len(told))
    for at, each in enumerate(told):
        yield _text(f"fs.{at}.name", each["name"])
        yield _text(f"fs.{at}.mountpoint", each["mountpoint"])
        yield _text(f"fs.{at}.fstype", each["type"])
        for name in ("total-bytes", "used-bytes"):
            if name in each:
                yield TypedParam(f"fs.{at}.{name}", ParamType.ULLONG, int(each[name]))
        disks = each.get("disk", ())
        yield _count(f"fs.{at}.disk.count", len(disks))
        for number, disk in enumerate(disks):
            if (alias := target(disk)) is not None:
                yield _text(f"fs.{at}.disk.{number}.alias", alias)
            for name, source in (("serial", "serial"), ("device", "dev")):
                if source in disk:
                    yield _text(f"fs.{at}.disk.{number}.{name}", disk[source])


def _disks(told: list[Mapping[str, Any]], target: Target) -> Iterator[TypedParam]:
    yield _count("disk.count", len(told))
    for at, disk in enumerate(told):
        yield _text(f"disk.{at}.name", disk["name"])
        yield TypedParam(f"disk.{at}.partition", ParamType.BOOLEAN, bool(disk["partition"]))
        if needed := disk.get("dependencies", ()):
            yield _count(f"disk.{at}.dependency.count", len(needed))
            for number, name in enumerate(needed):
                yield _text(f"disk.{at}.dependency.{number}.name", name)
        if "address" in disk:
            place = disk["address"]
            if place.get("serial"):
                yield _text(f"disk.{at}.serial", place["serial"])
            if not disk["partition"] and (alias := target(place)) is not None:
                yield _text(f"disk.{at}.alias", alias)
        if "alias" in disk:
            yield _text(f"disk.{at}.guest_alias", disk["alias"])


def _interfaces(told: list[Mapping[str, Any]], target: Target) -> Iterator[TypedParam]:
    yield _count("if.count", len(told))
    for at, card in enumerate(told):
        yield _text(f"if.{at}.name", card["name"])
        if "hardware-address" in card:
            yield _text(f"if.{at}.hwaddr", card["hardware-address"])
        addresses = card.get("ip-addresses", ())
        yield _count(f"if.{at}.addr.count", len(addresses))
        for number, address in enumerate(addresses):
            yield _text(f"if.{at}.addr.{number}.type", address["ip-address-type"])
            yield _text(f"if.{at}.addr.{number}.addr", address["ip-address"])
            yield _count(f"if.{at}.addr.{number}.prefix", int(address["prefix"]))


# What to ask for each kind of information, and what the answer becomes.
FIGURES: Mapping[int, tuple[str, Callable[[Any, Target], Iterator[TypedParam]]]] = {
    int(Types.USERS): ("guest-get-users", _users),
    int(Types.OS): ("guest-get-osinfo", _os),
    int(Types.TIMEZONE): ("guest-get-timezone", _timezone),
    int(Types.HOSTNAME): ("guest-get-host-name", _hostname),
    int(Types.FILESYSTEM): ("guest-get-fsinfo", _filesystems),
    int(Types.DISKS): ("guest-get-disks", _disks),
    int(Types.INTERFACES): ("guest-network-get-interfaces", _interfaces),
}
