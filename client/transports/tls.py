"""TLS: what passes a TCP socket is ciphered; certificates say who is who, at the places where libvirt has them.

Ciphering happens in memory (ssl's MemoryBIO), the socket is used as in any other link: one thread reads it while others
send. The lock is held over ciphering alone, never over the socket. What was ciphered but did not fit the socket is
sent before anything else, and only then does ``send`` say that it took those bytes: who sends comes again with the same
ones, as with any full socket.

After the handshake libvirt's servers send one byte, 1, when they accept the client's certificate; then packets begin.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ...wire.errors import AuthFailed, NoConnect, SystemFailure
from ...wire.uri import ConnectURI
from . import CONNECT_SECONDS
from .local import RECEIVE_SIZE, SocketLink
from .tcp import connect_tcp

TLS_PORT = 16514
ACCEPTED = b"\1"
CHUNK = 65536
_SIZES = (RECEIVE_SIZE,)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM: the authority that signs for hosts, and what we show; a server may do without the latter."""

    authority: Path
    certificate: Path | None
    key: Path | None

    @classmethod
    def find(cls, folder: Path | None, uid: int, home: Path) -> Certificates:
        """Those of a folder (``pkipath=``), else of a user's ~/.pki/libvirt, else of the system, as libvirt looks.

        A user without an authority of his own uses the system's; likewise the certificate with its key.
        """
        if folder is not None:
            return cls(folder / "cacert.pem", *_pair(folder / "clientcert.pem", folder / "clientkey.pem"))
        system = Path("/etc/pki")
        authority = system / "CA/cacert.pem"
        pair = _pair(system / "libvirt/clientcert.pem", system / "libvirt/private/clientkey.pem")
        if uid != 0:
            own = home / ".pki/libvirt"
            if (own / "cacert.pem").exists():
                authority = own / "cacert.pem"
            if (own / "clientcert.pem").exists():
                pair = _pair(own / "clientcert.pem", own / "clientkey.pem")
        return cls(authority, *pair)


def _pair(certificate: Path, key: Path) -> tuple[Path | None, Path | None]:
    return (certificate, key) if certificate.exists() and key.exists() else (None, None)


class TLSDialer:
    """Dials a host's daemon over TLS. ``verify`` False takes any certificate of the host's."""

    keepalive = True
    lane = None

    def __init__(self, host: str, port: int | None, certificates: Certificates, verify: bool = True) -> None:
        self.host = host
        self.port = TLS_PORT if port is None else port
        self.certificates = certificates
        self.verify = verify

    @classmethod
    def of(cls, uri: ConnectURI) -> TLSDialer:
        """The dialer that a URI asks for; ``tls_priority`` is GnuTLS's language and says nothing to OpenSSL."""
        folder = uri.parameters.get("pkipath")
        certificates = Certificates.find(Path(folder) if folder else None, os.geteuid(), Path.home())
        verify = uri.parameters.get("no_verify", "0") == "0"
        return cls(uri.host or "localhost", uri.port, certificates, verify)

    def dial(self) -> TLSLink:
        context = self._context()
        sock = connect_tcp(self.host, self.port)
        try:
            # Within the time in which TCP had to answer: the socket has that timeout.
            return self._shake_hands(sock, context)
        except ssl.SSLCertVerificationError as error:
            raise AuthFailed(f"the certificate of {self._where}: {error.verify_message}", object=self._where) from error
        except ssl.SSLError as error:
            raise _refusal(self._where, error) from error
        except TimeoutError as error:
            raise NoConnect(f"{self._where}: no TLS handshake within {CONNECT_SECONDS:g} s") from error
        except OSError as error:
            raise NoConnect(f"{self._where}: {error.strerror or error}", errno=error.errno) from error

    def release(self) -> None:
        """An address needs no giving back."""

    @property
    def _where(self) -> str:
        return f"{self.host}:{self.port}"

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        certificates = self.certificates
        try:
            if self.verify:
                context.load_verify_locations(certificates.authority)
            if certificates.certificate is not None:
                context.load_cert_chain(certificates.certificate, certificates.key)
        except FileNotFoundError as error:
            raise AuthFailed(
                f"there is no certificate of an authority at {certificates.authority}",
                hint="put it there, name its folder with pkipath=, or do without by no_verify=1",
            ) from error
        except OSError as error:  # ssl.SSLError is one too.
            raise SystemFailure(f"a certificate cannot be used: {error.strerror or error}") from error
        return context

    def _shake_hands(self, sock: socket.socket, context: ssl.SSLContext) -> TLSLink:
        until = time.monotonic() + CONNECT_SECONDS
        link = None
        try:
            link = TLSLink(sock, context, self.host)
            link.shake_hands(until)
            answer = link.receive_until(1, until)
        except BaseException:
            (link or sock).close()
            raise
        if answer != ACCEPTED:
            link.close()
            raise self._not_accepted()
        return link

    def _not_accepted(self) -> AuthFailed:
        if self.certificates.certificate is None:
            return AuthFailed(
                f"{self._where} wants a certificate of ours, and there is none",
                object=self._where,
                hint="a clientcert.pem and its clientkey.pem are looked for, in the folder of pkipath= too",
            )
        return AuthFailed(
            f"{self._where} does not accept our certificate",
            object=self._where,
            hint="who signed it must be known there, and its name be allowed",
        )


class TLSLink(SocketLink):
    """A socket through which only ciphered bytes go."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        super().__init__(sock)
        self._raw_receive = sock.recv
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._cipher = threading.Lock()
        self._fetched: list[bytes] = []
        self._plain = b""
        self._at_end = False
        self._unsent = memoryview(b"")
        self._taken = 0
        self.receive = self._receive

    def shake_hands(self, until: float) -> None:
        """Agree on keys. Raises ssl.SSLError, OSError, TimeoutError when ``until`` (monotonic time) passed."""
        while True:
            try:
                self._object.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._send_all(until)
                if not self._await(until) or not self._fetch():
                    raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "it closed the connection in the handshake") from None
            except ssl.SSLError:
                self._send_all(until)  # The alert that says what was wrong.
                raise
        self._send_all(until)

    def receive_until(self, size: int, until: float) -> bytes:
        """The next ``size`` bytes, fewer at the end. Raises TimeoutError when ``until`` passed, and OSError."""
        while len(self._plain) < size and not self._at_end:
            self._decipher()
            if len(self._plain) < size and not self._at_end:
                self._await(until)
                self._fetch()
        data, self._plain = self._plain[:size], self._plain[size:]
        return data

    def send(self, data: bytes | memoryview) -> int:
        if not self._unsent:
            part = memoryview(data)[:CHUNK]
            with self._cipher:
                self._object.write(part)
                self._unsent = memoryview(self._outgoing.read())
            self._taken = len(part)
        self._unsent = self._unsent[super().send(self._unsent) :]
        return 0 if self._unsent else self._taken

    def wait(
        self, until: float | None, *, read: bool = True, write: bool = False, interruptible: bool = False
    ) -> tuple[bool, bool]:
        # What was deciphered is no longer in the socket; and a record that is not complete is no data yet.
        if read and self._has_data():
            return True, False
        while True:
            readable, writable = super().wait(until, read=read, write=write, interruptible=interruptible)
            if not readable or not read:
                return readable, writable
            self._fetch()
            if self._has_data() or writable:
                return self._has_data(), writable

    def linger(self) -> None:
        if not self._has_data():
            super().linger()

    def _receive(self, size: int) -> bytes:
        while not self._has_data():
            self._fetch()
        try:
            data, self._plain = self._plain[:size], self._plain[size:]
            return data
        except BaseException:  # a signal's: what it interrupted is lost, and nothing may follow it
            self.shutdown()
            raise

    def _has_data(self) -> bool:
        """Whether ``receive`` has an answer, be it the end, without waiting."""
        if not self._plain and not self._at_end:
            self._decipher()
        return bool(self._plain) or self._at_end

    def _fetch(self) -> bool:
        """Take what the socket has, waiting for it; False at its end."""
        # In one step of C code: a signal's exception comes before or after it, and what was read stays for the next.
        fetched = self._fetched
        if not fetched:
            fetched.extend(map(self._raw_receive, _SIZES))
        data = fetched[0]
        with self._cipher:
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()
            fetched.clear()
        return bool(data)

    def _decipher(self) -> None:
        pieces = [self._plain]
        with self._cipher:
            try:
                while piece := self._object.read(RECEIVE_SIZE):
                    pieces.append(piece)
                self._at_end = True
            except ssl.SSLWantReadError:
                pass
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                self._at_end = True
        self._plain = b"".join(pieces)

    def _await(self, until: float) -> bool:
        readable, _ = super().wait(until)
        if not readable and time.monotonic() >= until:
            raise TimeoutError
        return True

    def _send_all(self, until: float) -> None:
        """Send what the handshake has to say."""
        data = memoryview(self._outgoing.read())
        while data:
            data = data[super().send(data) :]
            if data and not any(super().wait(until, read=False, write=True)):
                raise TimeoutError


def _refusal(where: str, error: ssl.SSLError) -> AuthFailed | NoConnect:
    reason = (getattr(error, "reason", None) or "").replace("_", " ").lower()
    if isinstance(error, ssl.SSLEOFError):
        return NoConnect(f"{where} closed the connection in the TLS handshake", object=where)
    return AuthFailed(f"TLS with {where}: {reason or error}", object=where)
