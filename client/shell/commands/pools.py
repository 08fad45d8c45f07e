"""pool-*: storage pools."""

from __future__ import annotations

from typing import Any

import click

from ....wire.enums.storage import StoragePoolState
from ....wire.errors import InvalidArgument
from ...storage import Pool, PoolInfo
from ...values import words_of
from ..declaring import command, data
from ..render import Pairs, Text, show
from ..session import Shell
from ..sizes import pretty
from ..xmltext import element
from .definitions import read
from .objects import (
    LASTING_FILTERS,
    VALIDATE,
    Decorator,
    acting,
    activity,
    autostarting,
    by_name,
    decorated,
    defining,
    dumping,
    editing,
    filter_options,
    finish,
    inactive,
    listing_options,
    named,
    naming,
    next_xml,
    one,
    show_table,
    show_words,
    yes_no,
)

POOL = named("pool", "pools", lambda host: host.pools)
_OVERWRITE = (
    click.option("--overwrite", is_flag=True, help="Also over what is there."),
    click.option("--no-overwrite", is_flag=True, help="Only where nothing is."),
)
_BUILDING = (click.option("--build", is_flag=True, help="Make its storage first."), *_OVERWRITE)


@command("pool-list")
@listing_options
@filter_options(LASTING_FILTERS)
@click.option("--type", "types", metavar="TYPE[,TYPE...]", help="Of these types only.")
@click.option("--details", is_flag=True, help="Sizes too.")
@click.option("--uuid", "uuids", is_flag=True, help="UUIDs only.")
@click.option("--name", "names", is_flag=True, help="Names only.")
@click.pass_obj
def pool_list(
    shell: Shell,
    everything: bool,
    inactive: bool,
    filters: dict[str, bool],
    types: str | None,
    details: bool,
    uuids: bool,
    names: bool,
) -> None:
    chosen = types.split(",") if types else ()
    found = by_name(shell.host.pools.list(types=chosen, **activity(everything, inactive), **filters))
    if names or uuids:
        parts = ([lambda pool: f"{pool.uuid!s:<36}"] if uuids else []) + (
            [lambda pool: f"{pool.name:<20}"] if names else []
        )
        show_words(shell, POOL, found, lambda pool: " ".join(part(pool) for part in parts))
    elif details:
        titles = ("Name", "State", "Autostart", "Persistent", "Capacity", "Allocation", "Available")
        show_table(shell, POOL, titles, found, [_detailed(pool) for pool in found], states=1)
    else:
        rows = [(pool.name, "active" if pool.is_active() else "inactive", yes_no(pool.autostart())) for pool in found]
        show_table(shell, POOL, ("Name", "State", "Autostart"), found, rows, states=1)


def _detailed(pool: Pool) -> tuple[str, ...]:
    info = pool.info()
    sizes = (info.capacity, info.allocation, info.available)
    shown = map(pretty, sizes) if info.state != StoragePoolState.INACTIVE else ("-",) * 3
    return (pool.name, words_of(info.state), yes_no(pool.autostart()), yes_no(pool.is_persistent()), *shown)


@command("pool-info")
@one(POOL)
@click.option("--bytes", "in_bytes", is_flag=True, help="Sizes in bytes.")
@click.pass_obj
def pool_info(shell: Shell, name: str, in_bytes: bool) -> None:
    pool = POOL.find(shell.host, name)
    info: PoolInfo = pool.info()
    persistent, autostart = pool.is_persistent(), pool.autostart()
    sizes = {part: getattr(info, part) for part in ("capacity", "allocation", "available")}
    shown = str if in_bytes else pretty
    measured = info.state in (StoragePoolState.RUNNING, StoragePoolState.DEGRADED)
    pairs = [
        ("Name", pool.name),
        ("UUID", str(pool.uuid)),
        ("State", words_of(info.state)),
        ("Persistent", yes_no(persistent)),
        ("Autostart", yes_no(autostart)),
        *((part.capitalize(), shown(size)) for part, size in sizes.items() if measured),
    ]
    told = {"state": words_of(info.state), "persistent": persistent, "autostart": autostart, **sizes}
    show(shell.options, {**POOL.data(pool), **told}, Pairs(pairs))


@command("pool-capabilities")
@click.pass_obj
def pool_capabilities(shell: Shell) -> None:
    xml = shell.host.pools.capabilities()
    show(shell.options, {"capabilities": xml}, Text(xml))


# What pools could be made of.


@command("find-storage-pool-sources")
@data("type", help="The type of pool.", needed=True, into="kind")
@data("srcSpec", click.Path(allow_dash=True), "The file that says where to look.", into="path")
@click.pass_obj
def find_storage_pool_sources(shell: Shell, kind: str, path: str | None) -> None:
    _show_sources(shell, kind, None if path is None else read(path))


@command("find-storage-pool-sources-as")
@data("type", help="The type of pool.", needed=True, into="kind")
@data("host", help="The host to ask.")
@data("port", help="Its port.")
@data("initiator", help="The iSCSI name that it is asked by.")
@click.pass_obj
def find_storage_pool_sources_as(
    shell: Shell, kind: str, host: str | None, port: str | None, initiator: str | None
) -> None:
    if host is None and (port or initiator):
        raise click.UsageError("--port and --initiator want --host")
    parts = [element("host", {"name": host, "port": port})] if host else []
    if initiator:
        parts.append(element("initiator", None, [element("iqn", {"name": initiator})]))
    _show_sources(shell, kind, element("source", None, parts) if parts else None)


def _show_sources(shell: Shell, kind: str, spec: str | None) -> None:
    xml = shell.host.pools.find_sources(kind, spec)
    show(shell.options, {"sources": xml}, Text(xml))


# Pools from options.

_PARTS = {
    "source-host": "The server that has it.",
    "source-path": "Its path there.",
    "source-dev": "The device that it is on.",
    "source-name": "Its name there.",
    "target": "Where the host sees it.",
    "source-format": "Its format.",
    "auth-type": "How we prove who we are: chap or ceph.",
    "auth-username": "Who we are there.",
    "secret-usage": "The secret that proves it, by what it is for.",
    "secret-uuid": "The secret that proves it, by its UUID.",
    "adapter-name": "The SCSI adapter.",
    "adapter-wwnn": "The world wide name of a virtual adapter's node.",
    "adapter-wwpn": "The world wide name of a virtual adapter's port.",
    "adapter-parent": "The adapter that a virtual one is on.",
    "adapter-parent-wwnn": "That adapter by its node's name.",
    "adapter-parent-wwpn": "That adapter by its port's name.",
    "adapter-parent-fabric-wwn": "That adapter by its fabric's name.",
    "source-protocol-ver": "The version of NFS.",
    "source-initiator": "The iSCSI name that the server knows us by.",
}


def _from_options(name: str, done: str, *options: Decorator) -> click.Command:
    """A command that makes a pool of options instead of a file."""

    def run(shell: Shell, pool_name: str, kind: str, print_xml: bool, **values: Any) -> None:
        parts = {part: values.pop(part.replace("-", "_")) for part in _PARTS}
        xml = pool_xml(pool_name, kind, parts)
        if print_xml:
            show(shell.options, {"xml": xml}, Text(xml))
            return
        pools = shell.host.pools
        finish(shell, POOL, pools.create(xml, **values) if options else pools.define(xml), done)

    described = [data(part, help=help) for part, help in _PARTS.items()]
    named = (
        data("name", help="Its name.", needed=True, into="pool_name"),
        data("type", help="Its type.", needed=True, into="kind"),
    )
    printing = click.option("--print-xml", is_flag=True, help="Print its XML and do nothing.")
    return command(name)(decorated(run, [*named, printing, *described, *options]))


def pool_xml(name: str, kind: str, parts: dict[str, str | None]) -> str:
    """The definition that options make, and nothing but what they say. Raises InvalidArgument where they do not fit."""
    if parts["secret-usage"] and parts["secret-uuid"]:
        raise InvalidArgument("either --secret-usage or --secret-uuid")
    source = _source(parts)
    target = parts["target"]
    return element(
        "pool",
        {"type": kind},
        [
            element("name", None, name),
            *([element("source", None, source)] if source else []),
            *([element("target", None, [element("path", None, target)])] if target else []),
        ],
    )


# The elements of a source that are an attribute each: those before who we are, and those after it.
_PLACE = {"source-host": ("host", "name"), "source-path": ("dir", "path"), "source-dev": ("device", "path")}
_SHAPE = {"source-format": ("format", "type"), "source-protocol-ver": ("protocol", "ver")}


def _elements(parts: dict[str, str | None], known: dict[str, tuple[str, str]]) -> list[str]:
    return [element(tag, {key: parts[part]}) for part, (tag, key) in known.items() if parts[part]]


def _source(parts: dict[str, str | None]) -> list[str]:
    found = [*_elements(parts, _PLACE), *_adapter(parts), *_auth(parts)]
    if parts["source-name"]:
        found.append(element("name", None, parts["source-name"]))
    if parts["source-initiator"]:
        found.append(element("initiator", None, [element("iqn", {"name": parts["source-initiator"]})]))
    return [*found, *_elements(parts, _SHAPE)]


def _adapter(parts: dict[str, str | None]) -> list[str]:
    named = {
        key.removeprefix("adapter-").replace("-", "_"): value
        for key, value in parts.items()
        if key.startswith("adapter-") and value
    }
    if not named:
        return []
    return [element("adapter", {"type": "fc_host" if "wwnn" in named else "scsi_host", **named})]


def _auth(parts: dict[str, str | None]) -> list[str]:
    if not (parts["auth-type"] and parts["auth-username"]):
        return []
    secret = element("secret", {"usage": parts["secret-usage"], "uuid": parts["secret-uuid"]})
    return [element("auth", {"type": parts["auth-type"], "username": parts["auth-username"]}, [secret])]


COMMANDS = {
    one.name: one
    for one in (
        _from_options("pool-create-as", "started", *_BUILDING),
        _from_options("pool-define-as", "defined"),
        acting("pool-build", POOL, "built", Pool.build, *_OVERWRITE),
        acting("pool-delete", POOL, "deleted", Pool.delete),
        acting("pool-destroy", POOL, "destroyed", Pool.destroy),
        acting("pool-refresh", POOL, "refreshed", Pool.refresh),
        acting("pool-start", POOL, "started", Pool.start, *_BUILDING),
        acting("pool-undefine", POOL, "undefined", Pool.undefine),
        autostarting("pool-autostart", POOL),
        defining("pool-create", POOL, "started", lambda host, xml, **how: host.pools.create(xml, **how), *_BUILDING),
        defining("pool-define", POOL, "defined", lambda host, xml, **how: host.pools.define(xml, **how), VALIDATE),
        dumping("pool-dumpxml", POOL, Pool.xml, inactive()),
        editing(
            "pool-edit",
            POOL,
            next_xml,
            lambda host, xml: host.pools.define(xml),
        ),
        find_storage_pool_sources,
        find_storage_pool_sources_as,
        naming("pool-name", POOL, lambda pool: pool.name),
        naming("pool-uuid", POOL, lambda pool: str(pool.uuid)),
        pool_capabilities,
        pool_info,
        pool_list,
    )
}
