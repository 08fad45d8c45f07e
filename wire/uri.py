"""Connection URIs: ``driver[+transport]://[user@][host][:port]/path[?parameter=value&…]``, as libvirt writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from .errors import InvalidArgument

TRANSPORTS = ("unix", "tcp", "tls", "ssh", "ext")


@dataclass(frozen=True, slots=True)
class ConnectURI:
    """A parsed URI. ``transport`` is None where the URI names none; ``path`` keeps its leading slash."""

    driver: str
    transport: str | None = None
    user: str | None = None
    host: str | None = None
    port: int | None = None
    path: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> ConnectURI:
        """Read ``text``. Raises InvalidArgument, naming the part that is wrong."""
        try:
            parts = urlsplit(text)
            host, port, user = parts.hostname, parts.port, parts.username
        except ValueError as error:
            raise InvalidArgument(f"URI '{text}' is malformed: {error}") from error
        driver, _, transport = parts.scheme.partition("+")
        if not driver:
            raise InvalidArgument(f"URI '{text}' names no driver, as in qemu:///system")
        if parts.path and not parts.path.startswith("/"):
            raise InvalidArgument(f"URI '{text}' has no // before its path, as in qemu:///system")
        if transport and transport not in TRANSPORTS:
            raise InvalidArgument(f"URI '{text}' names transport '{transport}', not one of {', '.join(TRANSPORTS)}")
        return cls(
            driver=driver,
            transport=transport or None,
            user=unquote(user) if user else None,
            host=host or None,
            port=port,
            path=unquote(parts.path),
            parameters=dict(parse_qsl(parts.query, keep_blank_values=True)),
        )

    def __str__(self) -> str:
        scheme = f"{self.driver}+{self.transport}" if self.transport else self.driver
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        host = f"[{self.host}]" if self.host and ":" in self.host else (self.host or "")
        port = f":{self.port}" if self.port is not None else ""
        query = f"?{urlencode(self.parameters, safe='/:')}" if self.parameters else ""
        return f"{scheme}://{user}{host}{port}{quote(self.path)}{query}"

    @property
    def carrier(self) -> str:
        """The transport that it goes by: the one that it names, else a unix socket here and TLS to elsewhere."""
        return self.transport or ("unix" if self.host is None else "tls")

    @property
    def is_local(self) -> bool:
        """Whether it means this machine: no host, and a transport that stays here."""
        return self.host is None and self.transport in (None, "unix")

    def without_transport(self) -> ConnectURI:
        """What the daemon at the other end is to open: the same driver and path, nothing about the way there."""
        return replace(self, transport=None, user=None, host=None, port=None, parameters={})
