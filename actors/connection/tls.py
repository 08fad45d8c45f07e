"""TLS on the daemon's side: its certificates, and which clients' it accepts."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ...wire.errors import SystemFailure
from ..config import TLSConfig

# libvirt's server says by this byte, inside the channel, that it accepts the client's certificate; packets follow.
ACCEPTED = b"\1"

_SHORT_NAMES: Mapping[str, str] = {
    "countryName": "C",
    "stateOrProvinceName": "ST",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "commonName": "CN",
    "domainComponent": "DC",
    "userId": "UID",
    "emailAddress": "EMAIL",
}
_ESCAPED = str.maketrans({character: f"\\{character}" for character in ',+"\\<>;'})


def server_context(config: TLSConfig) -> ssl.SSLContext:
    """What handshakes are made with. Raises SystemFailure that names the file that is missing or of no use."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key, authority = Path(config.certificate), Path(config.key), Path(config.authority)
    _check(certificate, key, *([] if config.no_verify else [authority]))
    _use(certificate, lambda: context.load_cert_chain(certificate, key))
    # A ticket would come before ACCEPTED, and libvirt's client takes what comes first for that.
    context.num_tickets = 0
    if config.no_verify:
        return context
    context.verify_mode = ssl.CERT_REQUIRED
    _use(authority, lambda: context.load_verify_locations(authority))
    if Path(config.revoked).exists():
        _use(Path(config.revoked), lambda: context.load_verify_locations(config.revoked))
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    return context


def distinguished_name(certificate: Mapping[str, Any] | None) -> str:
    """A certificate's subject as libvirt writes it: ``C=GB,O=Example,CN=web``, in its own order."""
    if not certificate:
        return ""
    pairs = [pair for part in certificate.get("subject", ()) for pair in part]
    return ",".join(f"{_SHORT_NAMES.get(name, name)}={str(value).translate(_ESCAPED)}" for name, value in pairs)


def is_allowed(name: str, patterns: Iterable[str]) -> bool:
    """Whether a distinguished name matches one of the patterns (``*`` and ``?``), or there are none."""
    patterns = list(patterns)
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _check(*paths: Path) -> None:
    for path in paths:
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            raise SystemFailure(f"cannot listen for TLS: {path}: {error.strerror}", errno=error.errno) from error


def _use(path: Path, load: Any) -> None:
    try:
        load()
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).replace("_", " ").lower()
        raise SystemFailure(f"cannot listen for TLS: {path} cannot be used: {reason}") from error
