"""TLS with real certificates: who is let in, who is not and how it is told, and that all bytes arrive."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from virtactor.actors.config import Config
from virtactor.actors.connection.tls import distinguished_name, is_allowed
from virtactor.client import AuthFailed, NoConnect, connect
from virtactor.client.transports.tls import Certificates, TLSLink
from virtactor.wire.errors import SystemFailure
from virtactor.wire.lanes import MSGPACK

from ...actors.served import Served
from ...certificates import Authority
from ...libvirtd import Libvirtd, why_not
from ..conftest import in_thread, wait_until
from .conftest import PATIENCE, Serve, client_files, port_of, server_files, virsh


@pytest.fixture
def daemon(serve: Serve, authority: Authority) -> Served:
    return serve(tls=server_files(authority))


@pytest.fixture(scope="session")
def other_authority(authority: Authority) -> Authority:
    return Authority(authority.folder / "others", "others")


def uri(daemon: Served, pki: Path, more: str = "", host: str = "localhost") -> str:
    return f"test://{host}:{port_of(daemon, tls=True)}/default?pkipath={pki}{more}"


def test_a_client_with_a_certificate_is_served(daemon: Served, authority: Authority) -> None:
    with connect(uri(daemon, client_files(authority))) as host:
        assert host._session.connection.lane is MSGPACK
        assert host.call("connect_is_secure") == (1,)
        assert host.hostname() == socket.gethostname()


def test_libvirts_client_is_served(daemon: Served, authority: Authority) -> None:
    assert virsh(uri(daemon, client_files(authority)), "domstate", "test") == "running"


def test_much_passes_both_ways(daemon: Served, authority: Authority) -> None:
    text = "a rather long description " * 40_000
    with connect(uri(daemon, client_files(authority))) as host:
        domain = host.domains.define(
            f"<domain type='test'><name>talker</name><memory>65536</memory><description>{text}</description>"
            "<os><type>hvm</type></os></domain>"
        )
        assert f"<description>{text}</description>" in domain.xml()


def test_many_threads_share_a_channel(daemon: Served, authority: Authority) -> None:
    with connect(uri(daemon, client_files(authority))) as host, host.events(timeout=PATIENCE) as events:
        calls = [in_thread(lambda: [host.capabilities() for _ in range(30)]) for _ in range(4)]
        host.domains["test"].suspend()
        assert str(next(events)) == "test: suspended (paused)"
        assert len({text for call in calls for text in call.result(PATIENCE)}) == 1


def test_half_a_record_is_no_data(authority: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files = server_files(authority)
    context.load_cert_chain(files["certificate"], files["key"])
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.load_verify_locations(authority.certificate)
    ours, theirs = socket.socketpair()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    link = TLSLink(ours, trusting, "localhost")
    with theirs:
        shaken = in_thread(_shake_hands, server, theirs, incoming, outgoing)
        link.shake_hands(_soon(PATIENCE))
        shaken.result(PATIENCE)
        link.wait(_soon(0.0))  # The tickets that follow a handshake.
        server.write(b"word")
        record = outgoing.read()
        theirs.sendall(record[:7])
        assert link.wait(_soon(0.05)) == (False, False)
        theirs.sendall(record[7:])
        assert link.wait(_soon(PATIENCE)) == (True, False)
        assert link.receive(100) == b"word"
        assert link.wait(_soon(0.0)) == (False, False)
    assert link.receive(100) == b""
    link.close()


def _shake_hands(server: ssl.SSLObject, sock: socket.socket, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
    while True:
        try:
            server.do_handshake()
            break
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            incoming.write(sock.recv(65536))
    sock.sendall(outgoing.read())


def test_a_client_without_a_certificate_is_refused(daemon: Served, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "cacert.pem").write_bytes(authority.certificate.read_bytes())
    with pytest.raises(AuthFailed, match="wants a certificate of ours, and there is none"):
        connect(uri(daemon, tmp_path))


def test_a_client_of_another_authority_is_refused(
    daemon: Served, authority: Authority, other_authority: Authority, tmp_path: Path
) -> None:
    theirs = client_files(other_authority)
    for name in ("clientcert.pem", "clientkey.pem"):
        (tmp_path / name).write_bytes((theirs / name).read_bytes())
    (tmp_path / "cacert.pem").write_bytes(authority.certificate.read_bytes())
    with pytest.raises(AuthFailed, match="does not accept our certificate"):
        connect(uri(daemon, tmp_path))


def test_a_host_of_another_authority_is_not_believed(daemon: Served, other_authority: Authority) -> None:
    with pytest.raises(
        AuthFailed, match=r"the certificate of localhost:\d+: self-signed certificate in certificate chain"
    ):
        connect(uri(daemon, client_files(other_authority)))


def test_a_host_of_another_name_is_not_believed(daemon: Served, authority: Authority) -> None:
    with pytest.raises(AuthFailed, match=r"the certificate of 127\.0\.0\.1"):
        connect(uri(daemon, client_files(authority), host="127.0.0.1"))
    with connect(uri(daemon, client_files(authority), "&no_verify=1", host="127.0.0.1")) as host:
        assert host.hostname()


def test_only_names_that_are_allowed_are_served(serve: Serve, authority: Authority) -> None:
    daemon = serve(tls={**server_files(authority), "allowed_names": ["C=GB,O=Tests,CN=adm*"]})
    with connect(uri(daemon, client_files(authority, "/C=GB/O=Tests/CN=admin"))) as host:
        assert host.hostname()
    with pytest.raises(AuthFailed, match="does not accept our certificate"):
        connect(uri(daemon, client_files(authority, "/C=GB/O=Tests/CN=guest")))
    assert "error" in virsh(uri(daemon, client_files(authority, "/C=GB/O=Tests/CN=guest")), "domstate", "test")


def test_a_daemon_that_does_not_verify_serves_everybody(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    daemon = serve(tls={**server_files(authority), "no_verify": True})
    (tmp_path / "cacert.pem").write_bytes(authority.certificate.read_bytes())
    with connect(uri(daemon, tmp_path)) as host:
        assert host.hostname()


def test_a_client_that_does_not_shake_hands_is_disconnected(serve: Serve, authority: Authority) -> None:
    daemon = serve(tls={**server_files(authority), "handshake_seconds": 0.2})
    with socket.create_connection(("127.0.0.1", port_of(daemon, tls=True)), PATIENCE) as silent:
        assert silent.recv(1) == b""


def test_a_client_that_speaks_plainly_is_disconnected(daemon: Served, authority: Authority) -> None:
    with socket.create_connection(("127.0.0.1", port_of(daemon, tls=True)), PATIENCE) as plain:
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
        while plain.recv(4096):
            pass
    with connect(uri(daemon, client_files(authority))) as host:
        assert host.hostname()


def test_those_who_shake_hands_are_limited(serve: Serve, authority: Authority) -> None:
    daemon = serve(tls=server_files(authority), limits={"anonymous_clients": 2})
    place = ("127.0.0.1", port_of(daemon, tls=True))
    waiting = [socket.create_connection(place, PATIENCE) for _ in range(2)]
    with socket.create_connection(place, PATIENCE) as third:
        assert third.recv(1) == b""
    for one in waiting:
        one.close()
    wait_until(lambda: not any("handshake" in task for task in _tasks(daemon)))
    with connect(uri(daemon, client_files(authority))) as host:
        assert host.hostname()


def test_a_daemon_without_certificates_says_which_is_missing(root: Path, authority: Authority) -> None:
    tls = {**server_files(authority), "listen": True, "port": 0, "key": "/no/such/key.pem"}
    with pytest.raises(SystemFailure, match=r"cannot listen for TLS: /no/such/key\.pem: No such file"):
        Served(root, Config.of({"tls": tls})).stop()
    tls["key"] = tls["authority"]
    with pytest.raises(SystemFailure, match=r"cannot listen for TLS: .*servercert\.pem cannot be used"):
        Served(root, Config.of({"tls": tls})).stop()


def test_a_host_without_tls_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:

        def hang_up() -> None:
            mute.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(NoConnect):
            connect(f"test://127.0.0.1:{mute.getsockname()[1]}/default?no_verify=1")
        thread.join()


def test_a_missing_authority_is_named(daemon: Served, tmp_path: Path) -> None:
    with pytest.raises(AuthFailed, match=f"no certificate of an authority at {tmp_path}/cacert.pem"):
        connect(uri(daemon, tmp_path))


def test_certificates_are_found_where_libvirt_has_them(tmp_path: Path) -> None:
    home = tmp_path / ".pki/libvirt"
    assert Certificates.find(None, 1000, tmp_path).authority == Path("/etc/pki/CA/cacert.pem")
    home.mkdir(parents=True)
    for name in ("cacert.pem", "clientcert.pem", "clientkey.pem"):
        (home / name).touch()
    assert Certificates.find(None, 1000, tmp_path) == Certificates(
        home / "cacert.pem", home / "clientcert.pem", home / "clientkey.pem"
    )
    assert Certificates.find(None, 0, tmp_path).authority == Path("/etc/pki/CA/cacert.pem")


def test_names_are_written_as_libvirt_writes_them(authority: Authority) -> None:
    certificate = {
        "subject": ((("countryName", "GB"),), (("localityName", "London, E"),), (("commonName", "client1"),))
    }
    name = distinguished_name(certificate)
    assert name == "C=GB,L=London\\, E,CN=client1"
    assert is_allowed(name, [])
    assert is_allowed(name, ["CN=other", "C=GB,*"])
    assert not is_allowed(name, ["CN=client1"])
    assert distinguished_name(None) == ""


def test_libvirtds_tls_is_spoken_to(authority: Authority, root: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    files = server_files(authority)
    settings = f"""
listen_tls = 1
listen_tcp = 1
auth_tcp = "none"
listen_addr = "127.0.0.1"
ca_file = "{files["authority"]}"
cert_file = "{files["certificate"]}"
key_file = "{files["key"]}"
"""
    libvirtd = Libvirtd(root / "l", settings, ["--listen"])
    libvirtd.start()
    try:
        secure = f"test://localhost/default?pkipath={client_files(authority)}"
        for there in (secure, "test+tcp://localhost/default"):
            with libvirtd.in_network(lambda there=there: connect(there)) as host:
                assert (host.type, host._session.connection.lane.name) == ("TEST", "xdr")
                host.domains["test"].suspend()
    finally:
        libvirtd.stop()


def _soon(seconds: float) -> float:
    return time.monotonic() + seconds


def _tasks(daemon: Served) -> list[str]:
    return daemon.run(lambda: [task.get_name() for task in daemon.daemon.runtime.tasks])
