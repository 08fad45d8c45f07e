"""Commands about networks, pools, volumes, interfaces and devices: virsh's shapes to the byte, and what they do."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from virtactor.client import Host, connect
from virtactor.client.shell.program import program

from ...libvirtd import Libvirtd
from ..conftest import in_thread
from .conftest import URI, Run, json_of

NETWORK = "<network><name>a</name><bridge name='virbr7'/><ip address='192.168.77.1' netmask='255.255.255.0'/></network>"
POOL = "<pool type='dir'><name>a</name><target><path>/x</path></target></pool>"
VOLUME = "<volume><name>{}</name><capacity>1073741824</capacity><allocation>5242880</allocation></volume>"
INTERFACE = (
    "<interface type='ethernet' name='eth9'><start mode='none'/><mac address='aa:bb:cc:dd:ee:09'/>"
    "<mtu size='1492'/></interface>"
)
DEVICE = (
    "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>"
    "<wwnn>2001001b32a9da4e</wwnn><wwpn>2101001b32a9da4e</wwpn></capability></capability></device>"
)


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


@pytest.mark.skipif(shutil.which("virsh") is None, reason="compares with virsh")
@pytest.mark.parametrize(
    "arguments",
    [
        "net-list",
        "net-list --all --name",
        "net-list --inactive",
        "net-list --transient",
        "-q net-list",
        "net-info default",
        "net-dumpxml default --xpath //name",
        "pool-list",
        "pool-list --details",
        "pool-list --inactive --details",
        "pool-list --all --name",
        "pool-list --uuid",
        "pool-list --uuid --name",
        "pool-list --type dir",
        "pool-list --type logical",
        "-q pool-list --details",
        "pool-info default-pool",
        "pool-info --bytes default-pool",
        "pool-uuid default-pool",
        "pool-name dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566",
        "pool-dumpxml default-pool --xpath //target",
        "pool-event --list",
        "pool-define-as z dir --target /z --print-xml",
        "pool-create-as z netfs --source-host h --source-path /e --target /z --print-xml",
        "pool-define-as z scsi --adapter-name scsi_host1 --target /t --print-xml",
        "find-storage-pool-sources logical",
        "find-storage-pool-sources-as netfs h",
        "vol-list default-pool",
        "vol-list default-pool --details",
        "vol-create-as default-pool q 1G --format qcow2 --print-xml",
        "iface-list",
        "iface-list --inactive",
        "iface-mac eth1",
        "iface-name aa:bb:cc:dd:ee:ff",
        "nodedev-event --list",
        "nodedev-dumpxml computer --xpath //name",
        "secret-event --list",
    ],
)
def test_what_is_printed_is_what_virsh_prints(run: Run, arguments: str) -> None:
    virsh = subprocess.run(["virsh", "-c", URI, *arguments.split()], capture_output=True, text=True, check=True)
    ours = run(*arguments.split())
    assert ours.exit_code == 0, ours.output
    assert ours.stdout == virsh.stdout


@pytest.mark.skipif(shutil.which("virsh") is None, reason="compares with virsh")
@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("pool-define-as z rbd", "--source-host h --source-name n --auth-type ceph --auth-username u --secret-usage s"),
        ("pool-define-as z iscsi", "--source-host h --source-dev iqn.x --source-initiator iqn.y --target /t"),
        ("pool-create-as z fs", "--source-dev /dev/vdz --source-format ext4 --target /t"),
        ("snapshot-create-as test s", "--description words --memspec file=/m,snapshot=external"),
        ("snapshot-create-as test s", "--diskspec vda,snapshot=external,file=/f,driver=qcow2 vdb"),
        ("checkpoint-create-as test c", "--diskspec vda,checkpoint=bitmap,bitmap=b"),
    ],
)
def test_definitions_of_options_are_virshs(run: Run, command: str, options: str) -> None:
    arguments = [*command.split(), "--print-xml", *options.split()]
    virsh = subprocess.run(["virsh", "-c", URI, *arguments], capture_output=True, text=True, check=True)
    assert run(*arguments).stdout.split("\n") == [*virsh.stdout.rstrip("\n").split("\n"), "", ""]


@pytest.mark.skipif(shutil.which("virsh") is None, reason="compares with virsh")
@pytest.mark.parametrize(
    "arguments",
    [
        "vol-list default-pool",
        "vol-list default-pool --details",
        "vol-info v --pool default-pool",
        "vol-info v --pool default-pool --bytes",
        "vol-info /default-pool/v",
        "vol-key v default-pool",
        "vol-path v default-pool",
        "vol-name /default-pool/v",
        "vol-pool /default-pool/v",
        "vol-pool /default-pool/v --uuid",
        "vol-dumpxml /default-pool/v",
        "vol-create-as default-pool q 1G --backing-vol v --backing-vol-format raw --print-xml",
    ],
)
def test_a_volume_is_shown_as_virsh_shows_it(run: Run, host: Host, arguments: str) -> None:
    host.pools["default-pool"].volumes.create(VOLUME.format("v"))
    making = "vol-create-as default-pool v 1G --allocation 5M"
    virsh = subprocess.run(["virsh", "-c", URI, f"{making}; {arguments}"], capture_output=True, text=True, check=True)
    ours = run(*arguments.split())
    assert ours.exit_code == 0, ours.output
    assert f"Vol v created\n\n{ours.stdout}" == virsh.stdout


class TestNetworks:
    def test_a_network_lives_and_ends(self, run: Run, host: Host, tmp_path: Path) -> None:
        path = written(tmp_path / "a.xml", NETWORK)
        for arguments, said in (
            (("net-define", path), "a: defined\n"),
            (("net-start", "a"), "a: started\n"),
            (("net-autostart", "a"), "a: started with the daemon from now on\n"),
            (("net-autostart", "--network", "a", "--disable"), "a: not started with the daemon any more\n"),
            (("net-destroy", "a"), "a: destroyed\n"),
            (("net-undefine", "a"), "a: undefined\n"),
            (("net-create", path), "a: started\n"),
        ):
            result = run(*arguments)
            assert (result.exit_code, result.stdout) == (0, said)
        assert run("net-list", "--transient", "--name").stdout == "a\n\n"
        assert json_of(run("--json", "net-list"))["networks"][0]["name"] == "a"
        assert not host.networks["a"].is_persistent()

    def test_uuids_and_names_lead_to_each_other(self, run: Run, host: Host) -> None:
        uuid = str(host.networks["default"].uuid)
        assert run("net-uuid", "default").stdout == f"{uuid}\n\n"
        assert run("net-name", uuid).stdout == "default\n\n"
        assert json_of(run("--json", "net-info", uuid))["bridge"] == "virbr0"

    def test_a_missing_one_is_told_and_the_others_go_on(self, run: Run) -> None:
        result = run("net-destroy", "none", "default")
        assert result.exit_code == 1
        assert result.stdout == "default: destroyed\n"
        assert "error: none: Network not found: no network with matching name 'none'" in result.stderr

    def test_an_update_takes_xml_or_a_file(self, run: Run, tmp_path: Path) -> None:
        entry = "<host mac='52:54:00:11:22:33' ip='192.168.122.9'/>"
        result = run("net-update", "default", "add", "ip-dhcp-host", entry, "--live")
        assert (result.exit_code, result.stdout) == (0, "default: updated (live)\n")
        path = written(tmp_path / "host.xml", entry)
        assert run("net-update", "default", "delete", "ip-dhcp-host", path).exit_code == 0
        assert run("net-update", "default", "twist", "ip-dhcp-host", entry).exit_code == 2

    def test_what_the_driver_lacks_is_said(self, run: Run) -> None:
        for arguments in (("net-dhcp-leases", "default"), ("net-port-list", "default")):
            result = run(*arguments)
            assert result.exit_code == 1
            assert "is not supported by the connection driver" in result.stderr


class TestPools:
    def test_a_pool_lives_and_ends(self, run: Run, tmp_path: Path) -> None:
        path = written(tmp_path / "a.xml", POOL)
        for arguments, said in (
            (("pool-define", path), "a: defined\n"),
            (("pool-build", "a"), "a: built\n"),
            (("pool-start", "a"), "a: started\n"),
            (("pool-refresh", "a"), "a: refreshed\n"),
            (("pool-autostart", "a"), "a: started with the daemon from now on\n"),
            (("pool-destroy", "a"), "a: destroyed\n"),
            (("pool-delete", "a"), "a: deleted\n"),
            (("pool-undefine", "a"), "a: undefined\n"),
            (("pool-create", path), "a: started\n"),
            (("pool-define-as", "b", "dir", "-", "-", "-", "-", "/b"), "b: defined\n"),
            (("pool-create-as", "c", "dir", "--target", "/c"), "c: started\n"),
        ):
            result = run(*arguments)
            assert (result.exit_code, result.stdout) == (0, said), result.output
        assert run("pool-list", "--all", "--name").stdout.split() == ["a", "b", "c", "default-pool"]
        listed = json_of(run("--json", "pool-list", "--all", "--details"))["pools"]
        assert [(one["name"], one["state"], one["capacity"]) for one in listed][1] == ("b", "inactive", "-")

    def test_options_that_do_not_fit_are_refused(self, run: Run) -> None:
        assert run("find-storage-pool-sources-as", "netfs", "--port", "5").exit_code == 2
        result = run("pool-define-as", "x", "dir", "--secret-usage", "a", "--secret-uuid", "b")
        assert (result.exit_code, "either --secret-usage or" in result.stderr) == (1, True)
        assert run("pool-list", "--type", "tape").exit_code == 1


class TestVolumes:
    def test_volumes_are_made_copied_and_deleted(self, run: Run, tmp_path: Path) -> None:
        path = written(tmp_path / "v.xml", VOLUME.format("v"))
        for arguments, said in (
            (("vol-create", "default-pool", path), "v: created\n"),
            (("vol-create-as", "default-pool", "w", "1G", "--allocation", "5M"), "w: created\n"),
            (("vol-clone", "v", "x", "--pool", "default-pool"), "x: cloned from v\n"),
            (
                ("vol-create-from", "default-pool", written(tmp_path / "y.xml", VOLUME.format("y")), "v"),
                "y: created from v\n",
            ),
            (("vol-delete", "/default-pool/v"), "v: deleted\n"),
            (("vol-delete", "w", "--pool", "default-pool"), "w: deleted\n"),
        ):
            result = run(*arguments)
            assert (result.exit_code, result.stdout) == (0, said), result.output
        listed = json_of(run("--json", "vol-list", "default-pool"))["volumes"]
        assert [(one["name"], one["path"], one["pool"]) for one in listed] == [
            ("x", "/default-pool/x", "default-pool"),
            ("y", "/default-pool/y", "default-pool"),
        ]

    def test_a_name_without_its_pool_is_not_found_and_the_pool_hinted_at(self, run: Run, host: Host) -> None:
        host.pools["default-pool"].volumes.create(VOLUME.format("v"))
        result = run("vol-info", "v")
        assert result.exit_code == 1
        assert "no storage vol with matching path 'v'" in result.stderr
        assert "--pool" in result.stderr

    @pytest.mark.parametrize(
        "arguments", ["vol-resize v 5G", "vol-wipe v", "vol-wipe v --algorithm nnsa", "vol-download v /dev/null"]
    )
    def test_what_the_driver_lacks_is_said(self, run: Run, host: Host, arguments: str) -> None:
        host.pools["default-pool"].volumes.create(VOLUME.format("v"))
        result = run(*arguments.split(), "--pool", "default-pool")
        assert result.exit_code == 1
        assert "is not supported by the connection driver" in result.stderr

    def test_a_negative_size_wants_shrink(self, run: Run) -> None:
        assert run("vol-resize", "--vol", "v", "--capacity", "-5G").exit_code == 2


class TestInterfaces:
    def test_an_interface_lives_and_ends(self, run: Run, tmp_path: Path) -> None:
        for arguments, said in (
            (("iface-begin",), "changes can be taken back from now on\n"),
            (("iface-define", written(tmp_path / "i.xml", INTERFACE)), "eth9: defined\n"),
            (("iface-start", "eth9"), "eth9: started\n"),
            (("iface-destroy", "aa:bb:cc:dd:ee:09"), "eth9: destroyed\n"),
            (("iface-commit",), "changes stay\n"),
            (("iface-undefine", "eth9"), "eth9: undefined\n"),
        ):
            result = run(*arguments)
            assert (result.exit_code, result.stdout) == (0, said), result.output
        assert json_of(run("--json", "iface-list", "--all"))["interfaces"] == [
            {"name": "eth1", "state": "active", "mac_address": "aa:bb:cc:dd:ee:ff", "mac": "aa:bb:cc:dd:ee:ff"}
        ]

    def test_changes_are_taken_back(self, run: Run, tmp_path: Path) -> None:
        run("iface-begin")
        run("iface-define", written(tmp_path / "i.xml", INTERFACE))
        assert run("iface-rollback").stdout == "changes are taken back\n"
        assert "eth9" not in run("iface-list", "--all").stdout


class TestDevices:
    def test_devices_are_listed_by_name_capability_and_tree(self, run: Run) -> None:
        assert run("nodedev-list").stdout.split() == ["computer", "scsi_host1", "scsi_host11", "scsi_host2"]
        assert run("nodedev-list", "--cap", "system").stdout == "computer\n\n"
        assert run("nodedev-list", "--tree").stdout == (
            "computer\n  |\n  +- scsi_host1\n  |   |\n  |   +- scsi_host11\n  |     \n  +- scsi_host2\n    \n\n"
        )
        assert {"name": "scsi_host1", "parent": "computer"} in json_of(run("--json", "nodedev-list", "--tree"))[
            "devices"
        ]
        assert run("nodedev-list", "--tree", "--cap", "system").exit_code == 2
        assert run("nodedev-list", "--cap", "tape").exit_code == 1

    def test_a_device_is_made_and_removed(self, run: Run, tmp_path: Path) -> None:
        assert run("nodedev-create", written(tmp_path / "d.xml", DEVICE)).stdout == "scsi_host12: created\n"
        assert run("nodedev-destroy", "scsi_host12").stdout == "scsi_host12: destroyed\n"

    def test_what_the_driver_lacks_is_said(self, run: Run) -> None:
        for command in ("detach", "reattach", "reset", "start", "undefine"):
            result = run(f"nodedev-{command}", "computer")
            assert result.exit_code == 1
            assert "is not supported by the connection driver" in result.stderr


def test_secrets_and_filters_are_none_of_a_test_drivers(run: Run) -> None:
    for command in ("secret-list", "nwfilter-list", "nwfilter-binding-list"):
        result = run(command)
        assert result.exit_code == 1
        assert "is not supported by the connection driver" in result.stderr


class TestEditing:
    @pytest.fixture
    def editor(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        """An editor that does what the script in this file says."""
        script = tmp_path / "editor"
        script.write_text("#!/bin/sh\n")
        script.chmod(0o755)
        monkeypatch.setenv("VISUAL", str(script))
        return script

    def test_a_definition_is_changed_in_an_editor(self, run: Run, host: Host, editor: Path) -> None:
        host.networks["default"].destroy()
        editor.write_text("#!/bin/sh\nsed -i s/virbr0/virbr9/ $1\n")
        assert run("net-edit", "default").stdout == "default: definition changed\n"
        assert host.networks["default"].bridge() == "virbr9"

    def test_nothing_is_done_when_nothing_was_changed(self, run: Run, editor: Path) -> None:
        assert run("pool-edit", "default-pool").stdout == "default-pool: definition not changed\n"


class TestWatching:
    def test_events_are_printed(self, run: Run, host: Host) -> None:
        done = in_thread(run, "pool-event")
        while not done.done():
            host.pools["default-pool"].refresh()
        assert done.result().stdout == "event 'refresh' for storage pool default-pool\nevents received: 1\n"

    def test_time_is_up_where_nothing_happens(self, run: Run) -> None:
        result = run("net-event", "--timeout", "0.05", "--network", "default")
        assert result.exit_code == 1
        assert result.stdout == "events received: 0\n"


class TestBehindLibvirtd:
    """What no test driver has, in a real libvirtd."""

    @pytest.fixture
    def at(self, libvirtd: Libvirtd):
        def at(driver: str, *arguments: str, input: bytes | None = None):
            result = CliRunner().invoke(program, ["-c", libvirtd.uri(driver), *arguments], input=input)
            assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
            return result

        return at

    @pytest.fixture
    def volume(self, libvirtd: Libvirtd, tmp_path: Path) -> Iterator[str]:
        with connect(libvirtd.uri("storage"), keepalive_interval=0) as host:
            path = tmp_path / "pool"
            pool = host.pools.create(POOL.replace("/x", str(path)), build=True)
            yield pool.volumes.create(VOLUME.format("v").replace("1073741824", "1048576").replace("5242880", "0")).key
            pool.destroy()

    def test_contents_go_there_and_back(self, at, volume: str, tmp_path: Path) -> None:
        data = os.urandom(70_000)
        (tmp_path / "in").write_bytes(data)
        assert at("storage", "vol-upload", volume, str(tmp_path / "in")).stdout == "v: 70000 bytes written\n"
        downloaded = at("storage", "vol-download", volume, str(tmp_path / "out"), "--length", "70000", "--sparse")
        assert downloaded.stdout == "v: 70000 bytes read\n"
        assert (tmp_path / "out").read_bytes() == data
        assert at("storage", "vol-resize", volume, "2M").stdout == "v: resized to 2M\n"
        assert at("storage", "vol-resize", volume, "1M", "--delta").stdout == "v: resized by 1M\n"
        assert "Capacity:       3.00 MiB" in at("storage", "vol-info", volume).stdout
        assert "Physical:       3.00 MiB" in at("storage", "vol-info", volume, "--physical").stdout
        assert at("storage", "vol-wipe", volume).stdout == "v: wiped\n"

    def test_secrets_are_kept(self, at, tmp_path: Path) -> None:
        uuid = "5b6bd5c4-7f4c-4b6c-9c33-9bf1e1c0c7aa"
        xml = f"<secret ephemeral='yes'><uuid>{uuid}</uuid><usage type='ceph'><name>admin</name></usage></secret>"
        assert at("secret", "secret-define", written(tmp_path / "s.xml", xml)).stdout == f"{uuid}: defined\n"
        try:
            listed = at("secret", "secret-list").stdout
            assert listed.splitlines()[2] == f" {uuid}   ceph admin"
            for arguments in (
                (base64.b64encode(b"sesame").decode(),),
                ("--file", written(tmp_path / "value", "sesame"), "--plain"),
                ("--file", written(tmp_path / "encoded", "c2VzYW1l\n")),
            ):
                assert at("secret", "secret-set-value", uuid, *arguments).stdout == f"{uuid}: value set\n"
                assert at("secret", "secret-get-value", uuid).stdout == "c2VzYW1l\n\n"
            assert at("secret", "secret-get-value", uuid, "--plain").stdout_bytes == b"sesame"
            assert json_of(at("secret", "--json", "secret-get-value", uuid))["base64"] == "c2VzYW1l"
            assert at("secret", "secret-set-value", uuid, "no base64!").exit_code == 1
            assert at("secret", "secret-set-value", uuid).exit_code == 2
            assert f"<uuid>{uuid}</uuid>" in at("secret", "secret-dumpxml", uuid).stdout
        finally:
            assert at("secret", "secret-undefine", uuid).stdout == f"{uuid}: undefined\n"

    def test_filters_are_kept(self, at, tmp_path: Path) -> None:
        xml = "<filter name='ours'><rule action='drop' direction='in'/></filter>"
        assert at("nwfilter", "nwfilter-define", written(tmp_path / "f.xml", xml)).stdout == "ours: defined\n"
        try:
            listed = json_of(at("nwfilter", "--json", "nwfilter-list"))["nwfilters"]
            (uuid,) = [one["uuid"] for one in listed if one["name"] == "ours"]
            assert UUID(uuid)
            assert f" {uuid}   ours" in at("nwfilter", "nwfilter-list").stdout.splitlines()
            assert "action='drop'" in at("nwfilter", "nwfilter-dumpxml", "ours").stdout
            assert at("nwfilter", "nwfilter-binding-list").stdout == " Port Dev   Filter\n--------------------\n\n"
        finally:
            assert at("nwfilter", "nwfilter-undefine", "ours").stdout == "ours: undefined\n"

    def test_ports_and_leases_are_listed(self, at, tmp_path: Path) -> None:
        assert at("network", "net-define", written(tmp_path / "n.xml", NETWORK)).exit_code == 0
        try:
            assert at("network", "net-start", "a").exit_code == 0
            assert at("network", "net-port-list", "a").stdout == " UUID\n-------\n\n"
            titles = " Expiry Time   MAC address   Protocol   IP address   Hostname   Client ID or DUID"
            assert at("network", "net-dhcp-leases", "a").stdout.splitlines()[0] == titles
            owner = "<owner><name>w</name><uuid>5b6bd5c4-7f4c-4b6c-9c33-9bf1e1c0c7ab</uuid></owner>"
            identity = "<uuid>5b6bd5c4-7f4c-4b6c-9c33-9bf1e1c0c7ac</uuid>"
            port = f"<networkport>{identity}{owner}<mac address='52:54:00:11:22:33'/></networkport>"
            made = json_of(at("network", "--json", "net-port-create", "a", written(tmp_path / "p.xml", port)))
            uuid = made["ports"][0]["uuid"]
            assert at("network", "net-port-list", "a", "--uuid").stdout == f"{uuid}\n\n"
            tuned = at("network", "net-port-tune", "a", uuid, "--inbound", "1000,2000,4000")
            assert tuned.stdout == f"{uuid}: limits changed\n", tuned.output
            assert "inbound.average  : 1000" in at("network", "net-port-tune", "a", uuid).stdout
            assert uuid in at("network", "net-port-dumpxml", "a", uuid).stdout
            assert at("network", "net-port-delete", "a", uuid).stdout == f"{uuid}: deleted\n"
        finally:
            at("network", "net-destroy", "a")
            at("network", "net-undefine", "a")
