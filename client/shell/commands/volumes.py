"""vol-*: the volumes of storage pools."""

from __future__ import annotations

import sys
from typing import BinaryIO
from xml.etree import ElementTree

import click

from ....wire.enums.storage import StorageVolType, StorageVolWipeAlgorithm
from ....wire.errors import InvalidArgument, NoStorageVolume, SystemFailure
from ...host import Host
from ...values import words_of
from ...volume import Volume, Volumes
from ..declaring import Function, command, data
from ..render import Pairs, Text, show
from ..session import Shell
from ..sizes import pretty
from ..values import Scaled
from ..xmltext import element
from .definitions import read
from .documents import show_xml, xml_options
from .objects import VALIDATE, Noun, NounType, by_name, finish, one, show_table
from .pools import POOL

VOLUME = Noun(
    "vol",
    "Its name, key or path.",
    "volumes",
    lambda host, name: find(host, name, None),
    lambda host: [volume.key for pool in host.pools.list(active=True) for volume in pool.volumes],
    lambda volume: {"name": volume.name, "pool": volume.pool_name, "key": volume.key},
)
_POOL_OPTION = data("pool", NounType(POOL), "The pool that it is in.")
_PREALLOC = click.option("--prealloc-metadata", is_flag=True, help="Write the tables of a qcow2 image at once.")
_REFLINK = click.option("--reflink", is_flag=True, help="Share the blocks of the one that it is made from.")
_PRINT_XML = click.option("--print-xml", is_flag=True, help="Print its XML and do nothing.")
_SIZE = Scaled("b")
_ALGORITHMS = [one.name.lower() for one in StorageVolWipeAlgorithm]


def find(host: Host, name: str, pool: str | None) -> Volume:
    """The volume of that name, key or path, tried in this order; the name only where the pool is said.

    Raises NoStorageVolume.
    """
    if pool is not None:
        try:
            return host.pools.lookup(pool).volumes.lookup(name)
        except NoStorageVolume:
            pass
    try:
        return host.pools.volume_by_key(name)
    except NoStorageVolume:
        pass
    try:
        return host.pools.volume_by_path(name)
    except NoStorageVolume as error:
        error.hint = error.hint or ("say which --pool it is in" if pool is None else None)
        raise


def volume(function: Function) -> Function:
    """One volume, passed as ``name`` and ``pool``."""
    return one(VOLUME)(_POOL_OPTION(function))


@command("vol-list")
@one(POOL, into="pool")
@click.option("--details", is_flag=True, help="Kinds and sizes too.")
@click.pass_obj
def vol_list(shell: Shell, pool: str, details: bool) -> None:
    found = by_name(POOL.find(shell.host, pool).volumes)
    rows = [(one.name, one.path(), *(_details(one) if details else ())) for one in found]
    titles = ("Name", "Path", *(("Type", "Capacity", "Allocation") if details else ()))
    show_table(shell, VOLUME, titles, found, rows)


def _details(volume: Volume) -> tuple[str, str, str]:
    info = volume.info()
    return _kind(info.type), pretty(info.capacity), pretty(info.allocation)


def _kind(kind: StorageVolType | int) -> str:
    return {StorageVolType.NETDIR: "net-dir"}.get(kind) or words_of(kind)  # type: ignore[call-overload]


@command("vol-info")
@volume
@click.option("--bytes", "in_bytes", is_flag=True, help="Sizes in bytes.")
@click.option("--physical", is_flag=True, help="The size of its file as the allocation.")
@click.pass_obj
def vol_info(shell: Shell, name: str, pool: str | None, in_bytes: bool, physical: bool) -> None:
    found = find(shell.host, name, pool)
    info = found.info(physical=physical)
    told = {"type": _kind(info.type), "capacity": info.capacity, "allocation": info.allocation}

    def shown(size: int) -> str:
        return f"{size} bytes" if in_bytes else pretty(size)

    pairs = [
        ("Name", found.name),
        ("Type", told["type"]),
        ("Capacity", shown(info.capacity)),
        ("Physical" if physical else "Allocation", shown(info.allocation)),
    ]
    show(shell.options, {**VOLUME.data(found), **told}, Pairs(pairs))


def _word(name: str, part, *, in_pool: bool = True) -> click.Command:
    """A command that prints one of a volume's names."""

    def run(shell: Shell, name: str, pool: str | None = None) -> None:
        found = find(shell.host, name, pool)
        show(shell.options, VOLUME.data(found), Text(part(found)))

    function = click.pass_obj(run)
    return command(name)(one(VOLUME)(_POOL_OPTION(function) if in_pool else function))


@command("vol-pool")
@one(VOLUME)
@click.option("--uuid", is_flag=True, help="Its UUID instead of its name.")
@click.pass_obj
def vol_pool(shell: Shell, name: str, uuid: bool) -> None:
    pool = find(shell.host, name, None).pool()
    show(shell.options, POOL.data(pool), Text(str(pool.uuid) if uuid else pool.name))


@command("vol-dumpxml")
@volume
@xml_options
@click.pass_obj
def vol_dumpxml(shell: Shell, name: str, pool: str | None, xpath: str | None, wrap: bool) -> None:
    found = find(shell.host, name, pool)
    show_xml(shell, VOLUME.data(found), found.xml(), xpath, wrap)


# Making them.


@command("vol-create")
@one(POOL, into="pool")
@data("file", click.Path(allow_dash=True), "The file with its XML.", needed=True, into="path")
@_PREALLOC
@VALIDATE
@click.pass_obj
def vol_create(shell: Shell, pool: str, path: str, prealloc_metadata: bool, validate: bool) -> None:
    volumes: Volumes = POOL.find(shell.host, pool).volumes
    made = volumes.create(read(path), prealloc_metadata=prealloc_metadata, validate=validate)
    finish(shell, VOLUME, made, "created")


@command("vol-create-as")
@one(POOL, into="pool")
@data("name", help="Its name.", needed=True)
@data("capacity", _SIZE, "What it can hold.", needed=True)
@click.option("--allocation", type=_SIZE, metavar="SIZE", help="What it takes of the pool at once.")
@click.option("--format", "format_", metavar="FORMAT", help="The format of what it holds: raw, qcow2, ….")
@click.option("--backing-vol", metavar="VOLUME", help="The volume that it is added to.")
@click.option("--backing-vol-format", metavar="FORMAT", help="The format of that one.")
@_PREALLOC
@_PRINT_XML
@click.pass_obj
def vol_create_as(
    shell: Shell,
    pool: str,
    name: str,
    capacity: int,
    allocation: int | None,
    format_: str | None,
    backing_vol: str | None,
    backing_vol_format: str | None,
    prealloc_metadata: bool,
    print_xml: bool,
) -> None:
    host = shell.host
    backing = None if backing_vol is None else find(host, backing_vol, pool).path()
    xml = volume_xml(name, capacity, allocation, format_, backing, backing_vol_format)
    if print_xml:
        show(shell.options, {"xml": xml}, Text(xml))
        return
    made = POOL.find(host, pool).volumes.create(xml, prealloc_metadata=prealloc_metadata)
    finish(shell, VOLUME, made, "created")


def volume_xml(
    name: str,
    capacity: int,
    allocation: int | None,
    format_: str | None,
    backing: str | None,
    backing_format: str | None,
) -> str:
    """The definition that options make, and nothing but what they say."""
    parts = [element("name", None, name), element("capacity", None, str(capacity))]
    if allocation is not None:
        parts.append(element("allocation", None, str(allocation)))
    if format_:
        parts.append(element("target", None, [element("format", {"type": format_})]))
    if backing is not None:
        store = [element("path", None, backing)]
        if backing_format:
            store.append(element("format", {"type": backing_format}))
        parts.append(element("backingStore", None, store))
    return element("volume", None, parts)


@command("vol-create-from")
@one(POOL, into="pool")
@data("file", click.Path(allow_dash=True), "The file with its XML.", needed=True, into="path")
@one(VOLUME)
@click.option("--inputpool", metavar="POOL", help="The pool that the other is in.")
@_PREALLOC
@_REFLINK
@VALIDATE
@click.pass_obj
def vol_create_from(
    shell: Shell,
    pool: str,
    path: str,
    name: str,
    inputpool: str | None,
    prealloc_metadata: bool,
    reflink: bool,
    validate: bool,
) -> None:
    clone = find(shell.host, name, inputpool or pool)
    volumes: Volumes = POOL.find(shell.host, pool).volumes
    made = volumes.create(
        read(path), clone=clone, prealloc_metadata=prealloc_metadata, reflink=reflink, validate=validate
    )
    finish(shell, VOLUME, made, f"created from {clone.name}")


@command("vol-clone")
@one(VOLUME)
@data("newname", help="The name of the copy.", needed=True)
@_POOL_OPTION
@_PREALLOC
@_REFLINK
@_PRINT_XML
@click.pass_obj
def vol_clone(
    shell: Shell,
    name: str,
    newname: str,
    pool: str | None,
    prealloc_metadata: bool,
    reflink: bool,
    print_xml: bool,
) -> None:
    original = find(shell.host, name, pool)
    xml = _renamed(original.xml(), newname)
    if print_xml:
        show(shell.options, {"xml": xml}, Text(xml))
        return
    volumes = original.pool().volumes
    made = volumes.create(xml, clone=original, prealloc_metadata=prealloc_metadata, reflink=reflink)
    finish(shell, VOLUME, made, f"cloned from {original.name}")


def _renamed(xml: str, name: str) -> str:
    """A volume's XML for a copy of another name."""
    root = ElementTree.fromstring(xml)
    found = root.find("name")
    if found is None:
        raise InvalidArgument("the volume's XML has no name")
    found.text = name
    return ElementTree.tostring(root, encoding="unicode")


# What is done with them.


@command("vol-delete")
@volume
@click.option("--delete-snapshots", is_flag=True, help="With its snapshots.")
@click.pass_obj
def vol_delete(shell: Shell, name: str, pool: str | None, delete_snapshots: bool) -> None:
    found = find(shell.host, name, pool)
    found.delete(with_snapshots=delete_snapshots)
    finish(shell, VOLUME, found, "deleted")


@command("vol-wipe")
@volume
@click.option("--algorithm", type=click.Choice(_ALGORITHMS), help="How; by zeros if it is not said.")
@click.pass_obj
def vol_wipe(shell: Shell, name: str, pool: str | None, algorithm: str | None) -> None:
    found = find(shell.host, name, pool)
    found.wipe(None if algorithm is None else StorageVolWipeAlgorithm[algorithm.upper()])
    finish(shell, VOLUME, found, "wiped")


@command("vol-resize")
@one(VOLUME)
@data("capacity", help="What it can hold from now on; negative to take away, with --shrink.", needed=True)
@_POOL_OPTION
@click.option("--allocate", is_flag=True, help="Take the space from the pool at once.")
@click.option("--delta", is_flag=True, help="The capacity is what is added.")
@click.option("--shrink", is_flag=True, help="It may become smaller.")
@click.pass_obj
def vol_resize(
    shell: Shell, name: str, capacity: str, pool: str | None, allocate: bool, delta: bool, shrink: bool
) -> None:
    negative = capacity.startswith("-")
    if negative and not shrink:
        raise click.UsageError("a negative size wants --shrink")
    size = _SIZE.convert(capacity.removeprefix("-"), None, None)
    found = find(shell.host, name, pool)
    found.resize(size, allocate=allocate, delta=delta or negative, shrink=shrink)
    finish(shell, VOLUME, found, f"resized {'by' if delta or negative else 'to'} {capacity}")


def _transfer_options(function: Function) -> Function:
    for option in (
        click.option("--sparse", is_flag=True, help="Holes stay holes."),
        click.option("--length", type=_SIZE, default=0, metavar="BYTES", help="How much; all if it is not said."),
        click.option("--offset", type=_SIZE, default=0, metavar="BYTES", help="From where in the volume."),
        _POOL_OPTION,
    ):
        function = option(function)
    return function


@command("vol-upload")
@one(VOLUME)
@data("file", click.Path(allow_dash=True), "What it is to hold.", needed=True, into="path")
@_transfer_options
@click.pass_obj
def vol_upload(shell: Shell, name: str, path: str, pool: str | None, offset: int, length: int, sparse: bool) -> None:
    found = find(shell.host, name, pool)
    with _opened(path, "rb") as file:
        size = found.upload(file, offset=offset, length=length, sparse=sparse, deadline=shell.options.deadline)
    finish(shell, VOLUME, found, f"{size} bytes written")


@command("vol-download")
@one(VOLUME)
@data("file", click.Path(allow_dash=True), "Where it goes.", needed=True, into="path")
@_transfer_options
@click.pass_obj
def vol_download(shell: Shell, name: str, path: str, pool: str | None, offset: int, length: int, sparse: bool) -> None:
    found = find(shell.host, name, pool)
    if path == "-" and sparse:
        raise click.UsageError("--sparse wants a file")
    with _opened(path, "wb") as file:
        size = found.download(file, offset=offset, length=length, sparse=sparse, deadline=shell.options.deadline)
    if path != "-":
        finish(shell, VOLUME, found, f"{size} bytes read")


def _opened(path: str, mode: str) -> BinaryIO:
    if path == "-":
        stream = sys.stdin.buffer if mode == "rb" else sys.stdout.buffer
        return open(stream.fileno(), mode, closefd=False)  # type: ignore[return-value]
    try:
        return open(path, mode)  # type: ignore[return-value]
    except OSError as error:
        raise SystemFailure(f"cannot open {path}: {error.strerror}", errno=error.errno, object=path) from error


COMMANDS = {
    one.name: one
    for one in (
        _word("vol-key", lambda volume: volume.key),
        _word("vol-name", lambda volume: volume.name, in_pool=False),
        _word("vol-path", lambda volume: volume.path()),
        vol_clone,
        vol_create,
        vol_create_as,
        vol_create_from,
        vol_delete,
        vol_download,
        vol_dumpxml,
        vol_info,
        vol_list,
        vol_pool,
        vol_resize,
        vol_upload,
        vol_wipe,
    )
}
