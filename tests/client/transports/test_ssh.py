"""ssh with a real sshd: what is run at the other end, by whom it is found, and what is said when it fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from virtactor.client import ConnectionLost, Host, NoConnect, OperationDenied, connect
from virtactor.client.transports.process import ProcessLink
from virtactor.client.transports.ssh import remote_script, ssh_command
from virtactor.wire.lanes import MSGPACK, XDR
from virtactor.wire.uri import ConnectURI

from ...libvirtd import Libvirtd
from ...sshd import SSHD, sshd
from ..conftest import wait_until
from .conftest import PATIENCE, Serve, virsh

__all__ = ["sshd"]

PROXY = f'exec {sys.executable} -m virtactor.actors.proxy "$@"'


def uri(sshd: SSHD, path: str = "/default", more: str = "") -> str:
    return f"test+ssh://{sshd.user}@127.0.0.1:{sshd.port}{path}?{sshd.options}{more}"


def proxy_to(socket: Path) -> str:
    """A virtactor-proxy that looks at one place, whatever it is asked for: nothing of this machine's is touched."""
    return (
        f'echo "$@" >> "{socket}.asked"; case "$1" in -r) s={str(socket).removesuffix(".sock")}-ro.sock;; '
        f"*) s={socket};; esac; exec {sys.executable} -m virtactor.actors.proxy $s"
    )


def link_of(host: Host) -> ProcessLink:
    link = host._session.connection._link
    assert isinstance(link, ProcessLink)
    return link


@pytest.fixture
def ours(serve: Serve, root: Path, sshd: SSHD) -> Path:
    """The socket of a daemon of ours, which virtactor-proxy leads to at the other end."""
    serve()
    path = root / "run/virtactor.sock"
    sshd.script("virtactor-proxy", proxy_to(path))
    return path


def test_a_host_is_driven_through_ssh(sshd: SSHD, ours: Path) -> None:
    with connect(uri(sshd)) as host, host.events(timeout=PATIENCE) as events:
        assert host._session.connection.lane is MSGPACK
        host.domains["test"].suspend()
        assert str(next(events)) == "test: suspended (paused)"
    assert Path(f"{ours}.asked").read_text() == "test:///default\n"


def test_reading_only_is_told_to_the_other_end(sshd: SSHD, ours: Path) -> None:
    with connect(uri(sshd), readonly=True) as host, pytest.raises(OperationDenied):
        host.domains["test"].suspend()
    assert Path(f"{ours}.asked").read_text() == "-r test:///default\n"


def test_ssh_ends_with_the_connection(sshd: SSHD, ours: Path) -> None:
    host = connect(uri(sshd))
    link = link_of(host)
    host.close()
    assert link.process.poll() is not None


def test_a_connection_whose_ssh_died_is_made_anew(sshd: SSHD, ours: Path) -> None:
    with connect(uri(sshd), keepalive_interval=0) as host:
        link = link_of(host)
        link.process.kill()
        link.process.wait(PATIENCE)
        assert host.hostname()
        assert link_of(host) is not link


def test_much_passes(sshd: SSHD, ours: Path) -> None:
    text = "a rather long description " * 40_000
    with connect(uri(sshd)) as host:
        domain = host.domains.define(
            f"<domain type='test'><name>talker</name><memory>65536</memory><description>{text}</description>"
            "<os><type>hvm</type></os></domain>"
        )
        assert text in domain.xml()


def test_libvirts_helper_is_used_where_ours_is_not_there(sshd: SSHD, libvirtd: Libvirtd) -> None:
    sshd.script("virt-ssh-helper", f"exec {sys.executable} -m virtactor.actors.proxy {libvirtd.socket}")
    with connect(uri(sshd)) as host:
        assert (host.type, host._session.connection.lane) == ("TEST", XDR)


def test_a_netcat_is_used_where_no_helper_is_there(sshd: SSHD, libvirtd: Libvirtd) -> None:
    if shutil.which("nc") is None:
        pytest.skip("nc is not installed")
    sshd.provide("nc", Path(shutil.which("nc") or "").resolve())
    with connect(uri(sshd, more=f"&socket={libvirtd.socket}")) as host:
        assert host.type == "TEST"


def test_libvirts_client_reaches_us_by_our_proxy_in_its_helpers_place(sshd: SSHD, ours: Path) -> None:
    (sshd.programs / "virtactor-proxy").rename(sshd.programs / "virt-ssh-helper")
    for name in ("which", "head"):
        if (found := shutil.which(name)) is not None:
            sshd.provide(name, found)
    sshd.script("ssh", f'exec {shutil.which("ssh")} -o UserKnownHostsFile={sshd.known_hosts} "$@"')
    through = uri(sshd, more=f"&proxy=native&command={sshd.programs}/ssh")
    assert virsh(through, "domstate", "test") == "running"
    assert Path(f"{ours}.asked").read_text() == "test:///default\n"


def test_libvirts_client_reaches_us_by_netcat(sshd: SSHD, serve: Serve, root: Path) -> None:
    if shutil.which("nc") is None:
        pytest.skip("nc is not installed")
    serve()
    sshd.provide("nc", Path(shutil.which("nc") or "").resolve())
    sshd.script("ssh", f'exec {shutil.which("ssh")} -o UserKnownHostsFile={sshd.known_hosts} "$@"')
    through = uri(sshd, more=f"&proxy=netcat&socket={root}/run/virtactor.sock&command={sshd.programs}/ssh")
    assert virsh(through, "domstate", "test") == "running"


def test_a_key_that_is_not_known_there_is_refused_in_sshs_words(sshd: SSHD) -> None:
    wrong = uri(sshd).replace(str(sshd.key), str(sshd.other_key))
    with pytest.raises(NoConnect, match=r"ssh to root@127\.0\.0\.1 ended with status 255: .*Permission denied"):
        connect(f"{wrong}&command={_without_agents(sshd)}")


def test_a_host_that_is_not_known_is_refused_in_sshs_words(sshd: SSHD, ours: Path) -> None:
    sshd.known_hosts.write_text("")
    with pytest.raises(NoConnect, match="Host key verification failed"):
        connect(uri(sshd))
    with connect(uri(sshd, more="&no_verify=1")) as host:
        assert host.type == "TEST"


def test_nothing_at_the_other_end_says_so(sshd: SSHD) -> None:
    with pytest.raises(NoConnect, match=r"status 1: .*nothing here leads to virtactord or libvirtd"):
        connect(uri(sshd, more="&proxy=native"))


def test_nobody_listening_at_the_other_end_is_told_in_the_proxys_words(sshd: SSHD, root: Path) -> None:
    sshd.script("virtactor-proxy", proxy_to(root / "nobody.sock"))
    with pytest.raises(NoConnect, match=f"virtactor-proxy: {root}/nobody.sock: No such file or directory"):
        connect(uri(sshd))


def test_an_ssh_that_there_is_not_is_named() -> None:
    with pytest.raises(NoConnect, match="ssh to there cannot be run: No such file"):
        connect("test+ssh://there/default?command=/no/such/ssh")


def test_the_other_host_names_itself_last_whatever_its_name_is() -> None:
    command = ssh_command(
        ConnectURI.parse("qemu+ssh://me@there:99/system?keyfile=/k&known_hosts=/h&no_verify=1&no_tty=1")
    )
    assert command == [
        *("ssh", "-T", "-e", "none", "-p", "99", "-l", "me", "-i", "/k", "-o", "UserKnownHostsFile=/h"),
        *("-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes"),
    ]


@pytest.mark.parametrize(
    ("text", "has", "has_not"),
    [
        ("qemu+ssh://there/system", ["virtactor-proxy", "virt-ssh-helper", "nc", "/run/libvirt/libvirt-sock"], []),
        ("qemu+ssh://there/system?proxy=native", ["virtactor-proxy", "virt-ssh-helper"], ["nc "]),
        ("qemu+ssh://there/system?proxy=netcat", ["nc -h", "/run/libvirt/virtqemud-sock"], ["virtactor-proxy"]),
        ("qemu+ssh://there/system?socket=/a b", ["'/a b'"], ["virt-ssh-helper", "/run/"]),
        ("qemu+ssh://there/system?netcat=/opt/nc&proxy=auto", ["/opt/nc -h", "virt-ssh-helper"], []),
        ("qemu+ssh://there/session", ['"${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"/libvirt/libvirt-sock'], []),
    ],
)
def test_what_runs_at_the_other_end(text: str, has: list[str], has_not: list[str]) -> None:
    script = remote_script(ConnectURI.parse(text), False)
    assert all(word in script for word in has)
    assert not any(word in script for word in has_not)
    assert "\n" not in script
    assert "!" not in script
    assert subprocess.run(["sh", "-nc", script], timeout=120).returncode == 0


def test_any_program_may_lead_to_a_daemon(tmp_path: Path, serve: Serve, root: Path) -> None:
    serve()
    program = tmp_path / "way"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -m virtactor.actors.proxy {root}/run/virtactor.sock\n")
    program.chmod(0o755)
    with connect(f"test+ext:///default?command={program}") as host:
        assert host.type == "TEST"


def test_a_program_that_fails_is_quoted(tmp_path: Path) -> None:
    program = tmp_path / "way"
    program.write_text("#!/bin/sh\necho the way is blocked >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(NoConnect, match=f"{program} ended with status 3: the way is blocked"):
        connect(f"test+ext:///default?command={program}")


def test_a_program_that_ends_later_is_quoted_by_who_waited(tmp_path: Path, serve: Serve, root: Path) -> None:
    serve()
    program = tmp_path / "way"
    program.write_text(
        "#!/bin/sh\nexec 3<&0\ntrap 'kill $!; echo the bridge fell >&2; exit 4' TERM\n"
        f"{sys.executable} -m virtactor.actors.proxy {root}/run/virtactor.sock <&3 3<&- &\nexec 3<&-\nwait\n"
    )
    program.chmod(0o755)
    with connect(f"test+ext:///default?command={program}", reconnect=False, keepalive_interval=0) as host:
        link_of(host).process.terminate()
        wait_until(lambda: link_of(host).process.poll() is not None)
        with pytest.raises(ConnectionLost, match=f"{program} ended with status 4: the bridge fell"):
            host.hostname()


def _without_agents(sshd: SSHD) -> Path:
    """An ssh that knows of no other key: no agent's, none of its user's."""
    sshd.script("ssh-alone", f'exec {shutil.which("ssh")} -F none -o IdentitiesOnly=yes -o IdentityAgent=none "$@"')
    return sshd.programs / "ssh-alone"
