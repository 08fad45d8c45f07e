"""Prints docs/api-support.md: ``python -m virtactor.actors.support > docs/api-support.md``.

Which rows a driver answers is read off its actors' classes: who has a method of the row's name answers it. Which APIs
libvirt's drivers have is in libvirt_apis.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..wire.table import FAMILIES, ROWS, Kind, Row, Target
from .connection.connection import Connection
from .drivers.registry import ANSWERERS
from .libvirt_apis import GONE, apis_of

HEAD = """\
# Which APIs are served

Printed from the table of procedures and the drivers' classes by `python -m virtactor.actors.support`.
"""
TABLES = """\
## Every procedure

A procedure has libvirt's number and fields; *kind* is how an object takes the call (architecture.md), *access* what the
connection must be allowed, *answered by* which of our drivers do. Where a version stands behind the name, libvirt has
the procedure since then, after 9.0.0.
"""
# Which of our drivers does the work of one of libvirt's, and what that one is about.
COUNTERPARTS: Mapping[str, tuple[str, str]] = {
    "test": ("test", "all of a host, in memory"),
    "qemu": ("qemu", "domains"),
    "bridge": ("qemu", "networks"),
    "storage": ("qemu", "pools and volumes"),
    "udev": ("qemu", "node devices, interfaces"),
    "interface": ("qemu", "interfaces"),
    "secret": ("qemu", "secrets"),
    "nwfilter": ("qemu", "network filters"),
    "": ("test", "of libvirt's library itself"),
}
# APIs that have no procedure of their own: which one they come to, or none where a client answers by itself.
ROUNDABOUT: Mapping[str, str] = {
    "virConnectIsAlive": "",
    "virConnectIsEncrypted": "",
    "virConnectSetKeepAlive": "",
    "virConnectOpenAuth": "connect_open",
    "virConnectOpenReadOnly": "connect_open",
    "virDomainCreateLinux": "domain_create_xml",
    "virDomainMigrate": "domain_migrate_perform3_params",
}
# Rows whose methods only say, in better words than "not supported", why they are refused.
REFUSED = frozenset({"auth_sasl_init", "auth_sasl_start", "auth_sasl_step", "node_suspend_for_duration"})


def answers(driver: str, row: Row) -> bool:
    """Whether a driver has the row's part, and whoever is the row's target (the connection, the driver, an object) has
    a method for it."""
    classes = ANSWERERS[driver].get(row.part)
    if classes is None or row.name in REFUSED:
        return False
    targets = {Target.SESSION: (Connection,), Target.DRIVER: classes[:1], Target.OBJECT: classes[1:]}
    return any(hasattr(each, row.name) for each in targets[row.target])


def has_api(driver: str, api: str) -> bool:
    """Whether one of our drivers serves an API, by any of its procedures."""
    if api in ROUNDABOUT:
        name = ROUNDABOUT[api]
        return not name or answers(driver, ROWS[name])
    return any(answers(driver, row) for row in _rows_by_api().get(api, ()))


def missing(libvirts: str) -> list[str]:
    """The APIs that one of libvirt's drivers has (that by its name; the library for an empty one) and ours has not."""
    ours, _ = COUNTERPARTS[libvirts]
    return [api for api in apis_of(libvirts) if not has_api(ours, api)]


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join(
        [
            HEAD,
            _summary(),
            *filter(None, map(_lacking, COUNTERPARTS)),
            TABLES,
            *(_section(*family) for family in FAMILIES.items()),
        ]
    )


def _rows_by_api() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in ROWS.values():
        if row.kind is not Kind.MESSAGE:
            found.setdefault(row.api, []).append(row)
    return found


def _summary() -> str:
    lines = ["| libvirt's driver | is about | here it is | APIs |", "|---|---|---|---|"]
    return "\n".join([*lines, *map(_count, COUNTERPARTS), ""])


def _count(libvirts: str) -> str:
    ours, about = COUNTERPARTS[libvirts]
    total = len(apis_of(libvirts))
    return f"| {libvirts} | {about} | {ours} | {total - len(missing(libvirts))} of {total} |"


def _lacking(libvirts: str) -> str:
    names = [f"`{api}`{' (gone from libvirt)' if api in GONE else ''}" for api in missing(libvirts)]
    if not names:
        return ""
    return f"Of libvirt's {libvirts or 'library'}, not here: {', '.join(names)}.\n"


def _section(title: str, rows: Iterable[Row]) -> str:
    head = ["API", "procedure", "kind", "access", "answered by", "shell", "what"]
    lines = [f"### {title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *map(_line, rows), ""])


def _line(row: Row) -> str:
    cells = (
        f"`{row.api}`" if row.api else "",
        f"`{row.name}` {row.number}{f' ({row.newer})' if row.newer else ''}",
        row.kind.value,
        row.access.value,
        _answered_by(row),
        ", ".join(f"`{command}`" for command in row.commands),
        row.help,
    )
    return f"| {' | '.join(cells)} |"


def _answered_by(row: Row) -> str:
    if row.kind is Kind.MESSAGE:
        return ""
    if row.target is Target.SESSION:
        return "connection" if any(answers(driver, row) for driver in ANSWERERS) else ""
    return ", ".join(driver for driver in ANSWERERS if answers(driver, row))


if __name__ == "__main__":
    print(page(), end="")
