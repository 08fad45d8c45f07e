"""Sources of randomness: libvirt's `<rng>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ..address import VirtioDevice


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomnessServer:
    """One end of the connection to a server of randomness."""

    mode: Annotated[Literal["bind", "connect"] | None, At("@mode")] = None
    host: Annotated[str | None, At("@host")] = None
    service: Annotated[str | None, At("@service")] = None
    path: Annotated[str | None, At("@path")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rng(VirtioDevice):
    """A virtio source. Backend random reads `source` (/dev/urandom if None), builtin is QEMU's own, egd a server.

    At most `rate_bytes` are given per `rate_period` milliseconds (a second if None).
    """

    model: Annotated[Literal["virtio", "virtio-transitional", "virtio-non-transitional"], At("@model")]
    rate_bytes: Annotated[int | None, At("rate/@bytes")] = None
    rate_period: Annotated[int | None, At("rate/@period")] = None
    backend: Annotated[Literal["random", "builtin", "egd"], At("backend/@model")]
    server_type: Annotated[
        Literal["udp", "tcp", "unix", "pty", "null", "vc", "file", "pipe", "dev", "stdio"] | None, At("backend/@type")
    ] = None
    servers: Annotated[tuple[RandomnessServer, ...], At("backend/source")] = ()
    server_protocol: Annotated[Literal["raw", "telnet"] | None, At("backend/protocol/@type")] = None
    source: Annotated[str | None, At("backend")] = None
