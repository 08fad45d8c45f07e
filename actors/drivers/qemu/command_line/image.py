"""What is behind a drive: -blockdev nodes, from the file or server up to what the guest's device uses.

A disk is a stack of nodes named after its target: `vda-storage` (where the bytes are), `vda-slice` (the part of them
that is the image, where the document says one), `vda-format` (the image's format) and `vda-cor` (copies what it reads
into the image). The images that an image stands on are `vda-1-storage`, `vda-1-format` and so on where the document
names them, else QEMU finds them by the image's own word. Names are stable: snapshots and jobs refer to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .....wire.documents.binding import Subtree
from .....wire.documents.domain import Disk, DiskDriver
from .....wire.documents.domain.devices.disk import Slice
from .....wire.errors import InvalidArgument, UnsupportedConfig
from ..labels import label
from .resources import DescriptorSet
from .syntax import NODE_NAME_LENGTH, identifier

Node = dict[str, Any]

NBD_PORT = 10809
DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21, "ftps": 990}
# What each type of disk may say of its source; what is said of another is refused.
SOURCE_FIELDS = {
    "file": ("source", "fd_group"),
    "block": ("source_dev",),
    "dir": ("source_dir",),
    "network": ("protocol", "source_name", "query", "hosts", "ssl_verify", "readahead", "timeout"),
}
# What QEMU only reads.
READ_ONLY_FORMATS = ("bochs", "cloop", "dmg")
FORMATS = ("raw", "qcow2", "qcow", "qed", "vmdk", "vpc", "vdi", *READ_ONLY_FORMATS)
# The longest chain of images that a document may name.
MAX_DEPTH = 200


class Cache(NamedTuple):
    """A cache mode: past the host's cache, without flushes, with the drive's own write cache shown to the guest."""

    direct: bool
    no_flush: bool
    write_cache: bool


CACHES = {
    "none": Cache(direct=True, no_flush=False, write_cache=True),
    "writeback": Cache(direct=False, no_flush=False, write_cache=True),
    "writethrough": Cache(direct=False, no_flush=False, write_cache=False),
    "directsync": Cache(direct=True, no_flush=False, write_cache=False),
    "unsafe": Cache(direct=False, no_flush=True, write_cache=True),
}


class NodeNames(NamedTuple):
    """What a drive's main nodes are called; `format` has the image's content."""

    storage: str
    format: str


@dataclass(frozen=True, slots=True)
class BackingImage:
    """An image that another stands on, as the document names it; ``type`` is file or block."""

    type: str
    path: str
    format: str


def node_names(disk: Disk) -> NodeNames:
    """The names of a drive's main nodes, made from its target. Raises UnsupportedConfig for an unusable target."""
    return NodeNames(_node_name(disk, "storage"), _node_name(disk, "format"))


def top_node(disk: Disk) -> str | None:
    """The name of the node that a drive's device uses; None for an empty drive."""
    if not has_medium(disk):
        return None
    return _node_name(disk, "cor") if _copies(disk) else node_names(disk).format


def has_medium(disk: Disk) -> bool:
    """Whether there is something in the drive."""
    return disk.path is not None or disk.protocol is not None


def node_descriptions(disk: Disk, sets: Mapping[str, DescriptorSet]) -> list[Node]:
    """A drive's nodes from the bottom up, as blockdev-add takes them too; absent properties are None.

    ``sets`` are the groups of files that drives may name. Raises InvalidArgument for another.
    """
    if not has_medium(disk):
        return []
    nodes: list[Node] = []
    backing = _add_backing(nodes, disk)
    nodes.append(_storage(disk) | _opened(disk, sets))
    for part in disk.slices:
        nodes.append(_slice(disk, part))
    nodes.append(_format(disk, nodes[-1]["node-name"], backing))
    if _copies(disk):
        copying = {"driver": "copy-on-read", "node-name": _node_name(disk, "cor"), "file": node_names(disk).format}
        nodes.append({**copying, "discard": "unmap"})
    return nodes


def check_source(disk: Disk) -> None:
    """Refuse a source that is not of the disk's type."""
    for kind, fields in SOURCE_FIELDS.items():
        for field in fields:
            if kind != disk.type and getattr(disk, field) not in (None, ()):
                raise UnsupportedConfig(f"{label(disk)}: {field.replace('_', ' ')} with type {disk.type!r}")


def cache_of(disk: Disk) -> Cache | None:
    """The cache mode of a drive; None leaves it to QEMU."""
    return CACHES.get((disk.driver or DiskDriver()).cache or "default")


def _node_name(disk: Disk, layer: str) -> str:
    return identifier(f"{disk.target}-{layer}", label(disk), NODE_NAME_LENGTH)


def _copies(disk: Disk) -> bool:
    return bool(disk.driver and disk.driver.copy_on_read)


def _cache_switches(disk: Disk) -> dict[str, bool] | None:
    mode = cache_of(disk)
    return {"direct": mode.direct, "no-flush": mode.no_flush} if mode else None


# --- where the bytes are


def _storage(disk: Disk) -> Node:
    source = _SOURCES.get(disk.type)
    if source is None:
        raise UnsupportedConfig(f"{label(disk)}: type {disk.type!r}")
    return {
        **source(disk),
        "node-name": node_names(disk).storage,
        "cache": _cache_switches(disk),
        "auto-read-only": True,
        "discard": "unmap",
    }


def _opened(disk: Disk, sets: Mapping[str, DescriptorSet]) -> Node:
    """What is otherwise for a file that QEMU has open already: it opens no mode that it was not given."""
    if disk.fd_group is None:
        return {}
    files = sets.get(disk.fd_group)
    if files is None:
        raise InvalidArgument(f"file descriptor group '{disk.fd_group}' was not associated with the domain")
    chosen = {} if files.read_only is None else {"read-only": files.read_only, "auto-read-only": None}
    return {"filename": f"/dev/fdset/{files.number}", **chosen}


def _file(disk: Disk) -> Node:
    return {"driver": "file", "filename": _absolute(disk, disk.source), "aio": disk.driver and disk.driver.io}


def _block(disk: Disk) -> Node:
    return {
        "driver": "host_device",
        "filename": _absolute(disk, disk.source_dev),
        "aio": disk.driver and disk.driver.io,
    }


def _directory(disk: Disk) -> Node:
    """A directory that looks like a disk with a FAT file system."""
    if disk.driver is not None and disk.driver.io is not None:
        raise UnsupportedConfig(f"{label(disk)}: io of a directory")
    path = _absolute(disk, disk.source_dir)
    return {"driver": "vvfat", "dir": path, "floppy": disk.device == "floppy", "rw": not disk.readonly}


def _network(disk: Disk) -> Node:
    if disk.driver is not None and disk.driver.io is not None:
        raise UnsupportedConfig(f"{label(disk)}: io of a network disk")
    return _nbd(disk) if disk.protocol == "nbd" else _url(disk)


_SOURCES: dict[str, Callable[[Disk], Node]] = {
    "file": _file,
    "block": _block,
    "dir": _directory,
    "network": _network,
}


def _absolute(disk: Disk, path: str | None) -> str:
    if path is None:
        raise UnsupportedConfig(f"{label(disk)}: type {disk.type!r} without its source")
    if not path.startswith("/"):
        raise UnsupportedConfig(f"{label(disk)}: source {path!r} is not an absolute path")
    return path


def _nbd(disk: Disk) -> Node:
    if len(disk.hosts) != 1:
        raise UnsupportedConfig(f"{label(disk)}: nbd with {len(disk.hosts)} hosts, expected one")
    for field in ("query", "ssl_verify", "readahead", "timeout"):
        if getattr(disk, field) is not None:
            raise UnsupportedConfig(f"{label(disk)}: {field.replace('_', ' ')} with protocol nbd")
    (host,) = disk.hosts
    if host.transport == "unix":
        if host.socket is None or host.name is not None or host.port is not None:
            raise UnsupportedConfig(f"{label(disk)}: a host with transport unix has a socket and nothing else")
        server = {"type": "unix", "path": host.socket}
    elif host.name is None or host.socket is not None:
        raise UnsupportedConfig(f"{label(disk)}: a host without a name")
    else:
        server = {"type": "inet", "host": host.name, "port": str(NBD_PORT if host.port is None else host.port)}
    return {"driver": "nbd", "server": server, "export": disk.source_name}


def _url(disk: Disk) -> Node:
    """What a web or FTP server has."""
    if disk.protocol not in DEFAULT_PORTS:
        raise UnsupportedConfig(f"{label(disk)}: protocol {disk.protocol!r}")
    if len(disk.hosts) != 1 or disk.hosts[0].name is None or disk.hosts[0].socket is not None:
        raise UnsupportedConfig(f"{label(disk)}: {disk.protocol} expects one host with a name")
    if disk.hosts[0].transport not in (None, "tcp"):
        raise UnsupportedConfig(f"{label(disk)}: transport {disk.hosts[0].transport!r}")
    if disk.ssl_verify is not None and disk.protocol not in ("https", "ftps"):
        raise UnsupportedConfig(f"{label(disk)}: ssl with protocol {disk.protocol}")
    (host,) = disk.hosts
    port = DEFAULT_PORTS[disk.protocol] if host.port is None else host.port
    query = f"?{disk.query}" if disk.query is not None else ""
    return {
        "driver": disk.protocol,
        "url": f"{disk.protocol}://{host.name}:{port}/{(disk.source_name or '').lstrip('/')}{query}",
        "sslverify": disk.ssl_verify,
        "readahead": disk.readahead,
        "timeout": disk.timeout,
    }


# --- what is in them


def _slice(disk: Disk, part: Slice) -> Node:
    if len(disk.slices) > 1:
        raise UnsupportedConfig(f"{label(disk)}: more than one slice")
    return {
        "driver": "raw",
        "node-name": _node_name(disk, "slice"),
        "offset": part.offset,
        "size": part.size,
        "file": node_names(disk).storage,
        "auto-read-only": True,
        "discard": "unmap",
    }


def _format(disk: Disk, file: str, backing: Node) -> Node:
    driver = disk.driver or DiskDriver()
    read_only = disk.readonly or disk.device == "cdrom"
    name = _format_name(disk, driver)
    if name in READ_ONLY_FORMATS and not read_only:
        raise UnsupportedConfig(f"{label(disk)}: QEMU only reads {name}", hint="<readonly/>")
    if driver.metadata_cache is not None and name != "qcow2":
        raise UnsupportedConfig(f"{label(disk)}: a metadata cache is for qcow2")
    return {
        "driver": name,
        "node-name": node_names(disk).format,
        "read-only": read_only,
        "discard": driver.discard,
        "detect-zeroes": _detect_zeroes(driver),
        "cache": _cache_switches(disk),
        "cache-size": driver.metadata_cache,
        "file": file,
        **backing,
    }


def _format_name(disk: Disk, driver: DiskDriver) -> str:
    """A directory is a FAT file system, whose bytes are raw."""
    name = driver.type or "raw"
    if disk.type == "dir":
        if name not in ("fat", "raw"):
            raise UnsupportedConfig(f"{label(disk)}: a directory as {name}")
        return "raw"
    if name not in FORMATS:
        raise UnsupportedConfig(f"{label(disk)}: format {name!r}")
    return name


def _detect_zeroes(driver: DiskDriver) -> str | None:
    """Zeroes can be unmapped only where the guest may unmap; elsewhere they are written as zeroes, as with libvirt."""
    if driver.detect_zeroes == "unmap" and driver.discard != "unmap":
        return "on"
    return driver.detect_zeroes


# --- what it stands on


def _add_backing(nodes: list[Node], disk: Disk) -> Node:
    """Add the nodes of the images below, the lowest first; gives the property of what stands on them."""
    if disk.backing is None:
        return {}
    images, ends = backing_chain(disk)
    if not images and (disk.driver or DiskDriver()).type in (None, "raw"):
        return {}  # Raw stands on nothing, and QEMU does not want to be told.
    below: Node = {"backing": None} if ends else {}
    for depth in range(len(images), 0, -1):
        image = images[depth - 1]
        storage, format = (_node_name(disk, f"{depth}-{layer}") for layer in NodeNames._fields)
        nodes.append(
            {
                "driver": "file" if image.type == "file" else "host_device",
                "filename": image.path,
                "node-name": storage,
                "cache": _cache_switches(disk),
                "auto-read-only": True,
                "discard": "unmap",
            }
        )
        # An image of bytes alone stands on nothing anyway, and is not to be told so.
        own = {} if image.format == "raw" else below
        nodes.append(
            {
                "driver": image.format,
                "node-name": format,
                "read-only": True,
                "cache": _cache_switches(disk),
                "file": storage,
                **own,
            }
        )
        below = {"backing": format}
    return below


def backing_chain(disk: Disk) -> tuple[list[BackingImage], bool]:
    """The images that a disk's document says it stands on, and whether it says that this is all.

    An empty `<backingStore/>` ends the chain. Raises UnsupportedConfig for images that are no files or devices.
    """
    images = list(_chain(disk))
    ends = _last(disk.backing) is not None if disk.backing is not None else False
    return images, ends


def _chain(disk: Disk) -> Iterator[BackingImage]:
    said = disk.backing
    for _ in range(MAX_DEPTH):
        if said is None or not (said.attributes or said.children):
            return
        yield _backing_image(disk, said)
        said = dict(said.children).get("backingStore")
    raise UnsupportedConfig(f"{label(disk)}: a chain of more than {MAX_DEPTH} images")


def _last(said: Subtree) -> Subtree | None:
    """The empty element that ends a chain, if it is there."""
    for _ in range(MAX_DEPTH):
        if not (said.attributes or said.children):
            return said
        below = dict(said.children).get("backingStore")
        if below is None:
            return None
        said = below
    return None


def _backing_image(disk: Disk, said: Subtree) -> BackingImage:
    children = dict(said.children)
    kind = dict(said.attributes).get("type", "file")
    source = dict(children["source"].attributes) if "source" in children else {}
    format = dict(children["format"].attributes).get("type", "raw") if "format" in children else "raw"
    path = source.get({"file": "file", "block": "dev"}.get(kind, ""))
    unknown = {name for name, _ in said.children} - {"format", "source", "backingStore"}
    unknown |= source.keys() - {"file", "dev", "index", "startupPolicy"}
    if "source" in children:
        unknown |= {name for name, _ in children["source"].children}
    if path is None or unknown or format not in FORMATS:
        told = f": {', '.join(sorted(unknown))}" if unknown else ""
        raise UnsupportedConfig(f"{label(disk)}: a backing store of type {kind!r} and format {format!r}{told}")
    if not path.startswith("/"):
        raise UnsupportedConfig(f"{label(disk)}: backing store {path!r} is not an absolute path")
    return BackingImage(kind, path, format)
