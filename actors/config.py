"""The daemon's configuration: a TOML file whose every key is declared, documented and checked here.

``Config.load`` reads a file; ``default_file`` writes the commented file that `virtactord --print-config` shows and
docs/virtactord.toml holds. An unknown key or a bad value is an error at start that names the file, the key and what
fits.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from ..wire.errors import InvalidArgument


def _key(default: Any, help: str, check: Callable[[Any], bool] = lambda _: True, fits: str = "") -> Any:
    metadata = {"help": help, "check": check, "fits": fits, "default": default}
    if isinstance(default, dict | list):
        return field(default_factory=type(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def _positive(value: float) -> bool:
    return 0 < value < math.inf


def _not_negative(value: float) -> bool:
    return 0 <= value < math.inf


def _is_port(value: int) -> bool:
    return 0 <= value <= 65535


LEVELS = ("debug", "info", "warning", "error")
AREAS = ("connection", "daemon", "domains", "errors", "monitor", "objects", "qemu", "runtime", "store")


def _is_level(value: Any) -> bool:
    return isinstance(value, str) and value in LEVELS


def _are_names(value: list[Any]) -> bool:
    return all(isinstance(name, str) and name for name in value)


def _is_absolute(value: str) -> bool:
    return not value or value.startswith("/")


def _are_levels(value: Mapping[str, Any]) -> bool:
    return all(area in AREAS for area in value) and all(map(_is_level, value.values()))


@dataclass(frozen=True, slots=True)
class LogConfig:
    """[log]"""

    level: str = _key("info", "Level of all areas.", _is_level, " or ".join(LEVELS))
    levels: Mapping[str, str] = _key(
        {},
        f"Levels of areas, as {{ qemu = 'debug' }}: {', '.join(AREAS)}.",
        _are_levels,
        f"a table of areas ({', '.join(AREAS)}) to {', '.join(LEVELS)}",
    )
    format: str = _key(
        "text", "One line of text, or one JSON object, per record.", lambda v: v in ("text", "json"), "text or json"
    )


@dataclass(frozen=True, slots=True)
class ListenConfig:
    """[listen]"""

    mode: int = _key(0o660, "Permissions of the socket for full access.", lambda v: 0 <= v <= 0o777, "0 to 0o777")
    readonly: bool = _key(True, "Whether there is a socket for read-only clients.")
    readonly_mode: int = _key(0o666, "Permissions of that socket.", lambda v: 0 <= v <= 0o777, "0 to 0o777")
    group: str = _key("", "Group that owns the sockets; empty leaves it to the system.")
    auth_unix_rw: str = _key(
        "none",
        "Who may use the socket for full access: none asks nothing of who can open it, polkit wants root or one of"
        " auth_users or auth_groups.",
        lambda v: v in ("none", "polkit"),
        "none or polkit",
    )
    auth_users: Sequence[str] = _key([], "Users that polkit admits beside root.", _are_names, "a list of names")
    auth_groups: Sequence[str] = _key([], "Groups whose members polkit admits.", _are_names, "a list of names")
    libvirt_sockets: bool = _key(
        False, "Whether to listen at libvirtd's own sockets too, in its place: for libvirt's clients without a socket=."
    )


@dataclass(frozen=True, slots=True)
class TCPConfig:
    """[tcp]"""

    listen: bool = _key(False, "Whether to listen for plain TCP; nothing that passes there is secret.")
    address: str = _key("", "Address to listen at; empty means all.")
    port: int = _key(16509, "Port to listen at.", _is_port, "0 to 65535")
    auth: str = _key(
        "sasl",
        "How clients say who they are. There is no SASL here, so listening takes none: whoever reaches the port may do"
        " everything.",
        lambda v: v in ("sasl", "none"),
        "sasl or none",
    )


@dataclass(frozen=True, slots=True)
class TLSConfig:
    """[tls]"""

    listen: bool = _key(False, "Whether to listen for TLS.")
    address: str = _key("", "Address to listen at; empty means all.")
    port: int = _key(16514, "Port to listen at.", _is_port, "0 to 65535")
    authority: str = _key("/etc/pki/CA/cacert.pem", "Certificate of the authority that signs for clients.")
    revoked: str = _key("/etc/pki/CA/cacrl.pem", "Its list of those that it has revoked, where there is one.")
    certificate: str = _key("/etc/pki/libvirt/servercert.pem", "Certificate of this host.")
    key: str = _key("/etc/pki/libvirt/private/serverkey.pem", "Key of this host.")
    no_verify: bool = _key(False, "Whether clients need no certificate: whoever reaches the port may do everything.")
    allowed_names: Sequence[str] = _key(
        [],
        "Distinguished names of the clients that are served, as 'C=GB,O=Example,CN=*'; empty serves all that the"
        " authority signed for.",
        _are_names,
        "a list of names",
    )
    handshake_seconds: float = _key(10.0, "Seconds that a client's handshake may take.", _positive, "more than 0")


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """[limits]"""

    clients: int = _key(5000, "Connections at a time.", _positive, "more than 0")
    anonymous_clients: int = _key(
        100, "Connections at a time whose clients have still to say who they are.", _positive, "more than 0"
    )
    open_seconds: float = _key(
        60.0,
        "Seconds after which a client that has not opened anything is disconnected; 0 lets it be.",
        _not_negative,
        "0 or more",
    )
    calls_per_client: int = _key(
        256, "Calls of one client that are worked on at a time; more wait.", _positive, "more than 0"
    )
    deadline: float = _key(
        30.0, "Seconds that a call waits when its client names no deadline.", _positive, "more than 0"
    )
    deadline_max: float = _key(
        86400.0, "The longest deadline that a client may name, in seconds.", _positive, "more than 0"
    )
    events: int = _key(10000, "Events kept for clients that come back.", _positive, "more than 0")


@dataclass(frozen=True, slots=True)
class KeepaliveConfig:
    """[keepalive]"""

    interval: float = _key(
        5.0,
        "Seconds of silence after which a client is asked whether it lives; 0 never asks.",
        _not_negative,
        "0 or more",
    )
    count: int = _key(5, "Questions without an answer after which it is disconnected.", _positive, "more than 0")


@dataclass(frozen=True, slots=True)
class QemuConfig:
    """[qemu]"""

    emulator: str = _key("", "QEMU for definitions that name none; empty looks for qemu-system-* in PATH.")
    monitor_deadline: float = _key(
        10.0, "Seconds that QEMU may take to answer a monitor command.", _positive, "more than 0"
    )
    start_deadline: float = _key(30.0, "Seconds that QEMU may take to open its monitor.", _positive, "more than 0")
    reconnect_pause: float = _key(
        5.0, "Seconds between attempts to reach the monitor of a guest that does not answer.", _positive, "more than 0"
    )
    destroy_grace: float = _key(5.0, "Seconds between asking QEMU to end and killing it.", _not_negative, "0 or more")
    log_size: int = _key(
        2 * 1024 * 1024,
        "Bytes of a guest's log after which it is rotated, also while the guest runs.",
        _positive,
        "more than 0",
    )
    log_backups: int = _key(3, "Rotated logs of a guest that are kept.", _not_negative, "0 or more")
    autostart: bool = _key(True, "Whether domains marked for it are started with the daemon.")
    save_image_format: str = _key(
        "raw",
        "How saved guests are packed: raw, gzip, bzip2, xz, lzop or zstd; the program of that name does it.",
        lambda v: v in ("raw", "gzip", "bzip2", "xz", "lzop", "zstd"),
        "raw, gzip, bzip2, xz, lzop or zstd",
    )
    auto_dump_path: str = _key(
        "",
        "Folder for the memory of guests that panicked, where on_crash says coredump-destroy or coredump-restart, and"
        " of those whose watchdog ran out, where its action is dump; empty is lib/qemu/dump of the daemon's own.",
        _is_absolute,
        "an absolute path",
    )
    auto_dump_bypass_cache: bool = _key(False, "Whether it is written past the host's cache.")
    groups: str = _key(
        "limited",
        "Which guests have control groups of their own: limited, those that have limits or a partition, or all.",
        lambda v: v in ("limited", "all"),
        "limited or all",
    )


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file, a field per section."""

    log: LogConfig = field(default_factory=LogConfig)
    listen: ListenConfig = field(default_factory=ListenConfig)
    tcp: TCPConfig = field(default_factory=TCPConfig)
    tls: TLSConfig = field(default_factory=TLSConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    keepalive: KeepaliveConfig = field(default_factory=KeepaliveConfig)
    qemu: QemuConfig = field(default_factory=QemuConfig)

    @classmethod
    def load(cls, path: Path) -> Config:
        """Read a file. Raises InvalidArgument that names the file, the key and what would fit; or OSError."""
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidArgument(f"{path}: {error}") from error
        return cls.of(given, str(path))

    @classmethod
    def of(cls, given: Mapping[str, Any], where: str = "configuration") -> Config:
        """The configuration that a parsed file stands for. Raises InvalidArgument."""
        sections = get_type_hints(cls)
        _refuse_unknown(given, sections, where, "section")
        return cls(**{name: _section(sections[name], name, given[name], where) for name in given})


def _section(kind: Any, name: str, given: Any, where: str) -> Any:
    if not isinstance(given, Mapping):
        raise InvalidArgument(f"{where}: '{name}' is a section, written [{name}]")
    known = {known.name: known for known in fields(kind)}
    _refuse_unknown(given, known, where, f"key in [{name}]")
    return kind(**{key: _value(known[key], f"{name}.{key}", value, where) for key, value in given.items()})


def _value(key: Any, name: str, value: Any, where: str) -> Any:
    wanted = Mapping if isinstance(key.metadata["default"], dict) else type(key.metadata["default"])
    if wanted is float and type(value) is int:
        value = float(value)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        kind = "table" if wanted is Mapping else wanted.__name__
        raise InvalidArgument(f"{where}: {name} = {value!r} is not a {kind}")
    if not key.metadata["check"](value):
        raise InvalidArgument(f"{where}: {name} = {value!r} does not fit: {key.metadata['fits']}")
    return value


def _refuse_unknown(given: Mapping[str, Any], known: Mapping[str, Any], where: str, what: str) -> None:
    for name in given:
        if name not in known:
            raise InvalidArgument(f"{where}: unknown {what}: '{name}' (known: {', '.join(known)})")


def default_file() -> str:
    """The commented configuration file with every key at its default."""
    lines = ["# virtactord's configuration. Every key is shown with its default."]
    for section in fields(Config):
        kind = get_type_hints(Config)[section.name]
        lines += ["", f"[{section.name}]"]
        for key in fields(kind):
            lines += [f"# {key.metadata['help']}", f"#{key.name} = {_as_toml(key)}"]
    return "\n".join(lines) + "\n"


def _as_toml(key: Any) -> str:
    if isinstance(key.metadata["default"], dict):
        return "{}"
    if key.name.endswith("mode"):
        return f"0o{key.metadata['default']:o}"
    return json.dumps(key.metadata["default"])
