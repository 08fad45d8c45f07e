"""SSH: the ssh program runs something at the other end that joins us to the daemon's socket there.

What it runs is one line for sh that takes what that host has: our ``virtactor-proxy``, which finds virtactord and else
libvirtd; libvirt's ``virt-ssh-helper``; or ``nc`` and the first of the known sockets that is there. ``proxy=native``
leaves out nc, ``proxy=netcat`` (also meant by ``socket=`` and ``netcat=``) the other two. No shell runs on this side.
"""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath

from ...wire.errors import InvalidArgument
from ...wire.uri import ConnectURI
from .process import ProcessDialer

PROXIES = ("auto", "native", "netcat")
# ssh's own word for it would be "255".
NAME = "ssh"


def ssh_dialer(uri: ConnectURI, readonly: bool) -> ProcessDialer:
    """The dialer for a URI with the ssh transport and libvirt's parameters. Raises InvalidArgument."""
    if uri.host is None:
        raise InvalidArgument(f"URI '{uri}' names no host to reach by ssh")
    command = [*ssh_command(uri), "--", uri.host, f"sh -c {shlex.quote(remote_script(uri, readonly))}"]
    where = f"{uri.user}@{uri.host}" if uri.user else uri.host
    return ProcessDialer(command, f"{NAME} to {where}")


def ssh_command(uri: ConnectURI) -> list[str]:
    """ssh with its options: ``command keyfile known_hosts no_verify no_tty`` of the URI's parameters."""
    given = uri.parameters
    command = [given.get("command") or "ssh", "-T", "-e", "none"]
    if uri.port is not None:
        command += ["-p", str(uri.port)]
    if uri.user is not None:
        command += ["-l", uri.user]
    if "keyfile" in given:
        command += ["-i", given["keyfile"]]
    if "known_hosts" in given:
        command += ["-o", f"UserKnownHostsFile={given['known_hosts']}"]
    if _is_set(given.get("no_verify")) or given.get("known_hosts_verify") == "ignore":
        command += ["-o", "StrictHostKeyChecking=no"]
    elif given.get("known_hosts_verify") == "auto":
        command += ["-o", "StrictHostKeyChecking=accept-new"]
    if _is_set(given.get("no_tty")):
        command += ["-o", "BatchMode=yes"]
    return command


def remote_script(uri: ConnectURI, readonly: bool) -> str:
    """The line that the other host's sh runs. Raises InvalidArgument for a ``proxy`` that there is not."""
    given = uri.parameters
    proxy = given.get("proxy") or ("netcat" if "socket" in given or "netcat" in given else "auto")
    if proxy not in PROXIES:
        raise InvalidArgument(f"proxy '{proxy}' is not one of {', '.join(PROXIES)}")
    tries = []
    if proxy != "netcat":
        arguments = f"{'-r ' if readonly else ''}{shlex.quote(f'{uri.driver}://{uri.path}')}"
        tries += [
            f"command -v {program} >/dev/null 2>&1 && exec {program} {arguments}"
            for program in ("virtactor-proxy", "virt-ssh-helper")
        ]
    if proxy != "native":
        tries.append(_netcat(given.get("netcat") or "nc", _sockets(uri, readonly)))
    return "; ".join([*tries, "echo nothing here leads to virtactord or libvirtd >&2", "exit 1"])


def _netcat(program: str, sockets: list[str]) -> str:
    """Joins us to the first socket that is there. Netcats differ in what lets them end with their input."""
    program = shlex.quote(program)
    places = " ".join(sockets)
    option = f'o=; h=$({program} -h 2>&1); case "$h" in *"-q "*) o="-q 0";; *"-N"*) o=-N;; esac; '
    return f'{option}for s in {places}; do test -S "$s" && exec {program} $o -U "$s"; done'


def _sockets(uri: ConnectURI, readonly: bool) -> list[str]:
    """Where the other host's daemons listen, quoted for sh."""
    if "socket" in uri.parameters:
        return [shlex.quote(str(PurePosixPath(uri.parameters["socket"])))]
    if uri.path == "/session":
        runtime = '"${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"'
        return [f"{runtime}/{name}" for name in ("virtactor/virtactor.sock", "libvirt/libvirt-sock")]
    ro = "-ro" if readonly else ""
    names = (f"virtactor/virtactor{ro}.sock", f"libvirt/libvirt-sock{ro}", f"libvirt/virt{uri.driver}d-sock{ro}")
    return [shlex.quote(f"/run/{name}") for name in names]


def _is_set(value: str | None) -> bool:
    return value is not None and value != "0"
