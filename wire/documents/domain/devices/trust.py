"""Locks, cards and modules that guard secrets: `<lease>`, `<smartcard>`, `<tpm>` and `<crypto>`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ...binding import At
from ...values import UUID, YES_NO
from ..address import Device, VirtioDevice
from .character import HostSide


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A lock that the guest needs."""

    lockspace: Annotated[str | None, At("lockspace")] = None
    key: Annotated[str, At("key")]
    path: Annotated[str, At("target/@path")]
    offset: Annotated[int | None, At("target/@offset")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Smartcard(Device):
    """A reader with a card that is the host's, made of certificates, or a viewer's (`type`)."""

    mode: Annotated[Literal["host", "host-certificates", "passthrough"], At("@mode")]
    type: Annotated[HostSide | None, At("@type")] = None
    source_mode: Annotated[Literal["bind", "connect"] | None, At("source/@mode")] = None
    source_path: Annotated[str | None, At("source/@path")] = None
    source_host: Annotated[str | None, At("source/@host")] = None
    source_service: Annotated[str | None, At("source/@service")] = None
    protocol: Annotated[Literal["raw", "telnet", "telnets", "tls"] | None, At("protocol/@type")] = None
    certificates: Annotated[tuple[str, ...], At("certificate")] = ()
    database: Annotated[str | None, At("database")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tpm(Device):
    """A trusted platform module: the host's (passthrough), a program (emulator), or one that runs (external)."""

    model: Annotated[Literal["tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy"] | None, At("@model")] = None
    backend: Annotated[Literal["passthrough", "emulator", "external"], At("backend/@type")]
    version: Annotated[Literal["1.2", "2.0"] | None, At("backend/@version")] = None
    persistent_state: Annotated[bool | None, At("backend/@persistent_state", YES_NO)] = None
    debug: Annotated[int | None, At("backend/@debug")] = None
    device: Annotated[str | None, At("backend/device/@path")] = None
    encryption: Annotated[str | None, At("backend/encryption/@secret", UUID)] = None
    sha1: Annotated[bool, At("backend/active_pcr_banks/sha1")] = False
    sha256: Annotated[bool, At("backend/active_pcr_banks/sha256")] = False
    sha384: Annotated[bool, At("backend/active_pcr_banks/sha384")] = False
    sha512: Annotated[bool, At("backend/active_pcr_banks/sha512")] = False
    source_type: Annotated[Literal["unix"] | None, At("backend/source/@type")] = None
    source_mode: Annotated[Literal["bind", "connect"] | None, At("backend/source/@mode")] = None
    source_path: Annotated[str | None, At("backend/source/@path")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Crypto(VirtioDevice):
    """A processor for cryptography."""

    model: Annotated[Literal["virtio"], At("@model")]
    type: Annotated[Literal["qemu"], At("@type")]
    backend: Annotated[Literal["builtin", "lkcf"], At("backend/@model")]
    queues: Annotated[int | None, At("backend/@queues")] = None
