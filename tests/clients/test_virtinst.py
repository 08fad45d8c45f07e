"""virt-install, virt-xml and virt-clone: guests made, changed and copied by tools that know libvirt alone."""

from __future__ import annotations

import subprocess

import guest

from ..system.virtactord import PATIENCE
from .conftest import Run, need, said


def test_virt_install_imports_a_disk(qemu_uri: str, environment: dict[str, str], virsh: Run, tmp_path) -> None:
    disk = tmp_path / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(disk), "16M"], check=True, timeout=PATIENCE)
    arguments = ["--name", "imported", "--memory", "32", "--import", "--osinfo", "detect=off,require=off"]
    devices = ["--disk", f"source.file={disk},driver.type=qcow2,bus=virtio", "--network", "none", "--graphics", "none"]
    program = need("virt-install", "virtinst")
    said([program, "--connect", qemu_uri, "--virt-type", "qemu", *arguments, *devices, "--noautoconsole"], environment)
    assert virsh(qemu_uri, "domstate", "imported") == "running"
    assert str(disk) in virsh(qemu_uri, "domblklist", "imported")
    virsh(qemu_uri, "destroy", "imported")


def install_linux(uri: str, environment: dict[str, str], image: guest.Guest, name: str) -> None:
    boot = f"kernel={image.kernel},initrd={image.initrd},kernel_args={image.cmdline_for(name)}"
    arguments = [
        "--name",
        name,
        "--memory",
        "96",
        "--osinfo",
        "detect=off,require=off",
        "--boot",
        boot,
        "--disk",
        "none",
    ]
    devices = ["--network", "none", "--graphics", "none", "--console", "pty,target.type=serial"]
    program = need("virt-install", "virtinst")
    said(
        [program, "--connect", uri, "--virt-type", "qemu", "--import", *arguments, *devices, "--noautoconsole"],
        environment,
    )


def test_virt_install_boots_a_kernel_of_the_hosts(
    qemu_uri: str, environment: dict[str, str], guest_image: guest.Guest, virsh: Run
) -> None:
    install_linux(qemu_uri, environment, guest_image, "kernel")
    assert "running" in virsh(qemu_uri, "list")
    assert "<initrd>" in virsh(qemu_uri, "dumpxml", "kernel")
    virsh(qemu_uri, "destroy", "kernel")
    virsh(qemu_uri, "undefine", "kernel")


def test_virt_xml_changes_a_definition(
    qemu_uri: str, environment: dict[str, str], guest_image: guest.Guest, virsh: Run
) -> None:
    install_linux(qemu_uri, environment, guest_image, "changed")
    virsh(qemu_uri, "destroy", "changed")
    program = need("virt-xml", "virtinst")
    said([program, "--connect", qemu_uri, "changed", "--edit", "--memory", "128"], environment)
    said([program, "--connect", qemu_uri, "changed", "--add-device", "--rng", "/dev/urandom"], environment)
    document = virsh(qemu_uri, "dumpxml", "changed")
    assert "<memory unit='KiB'>131072</memory>" in document
    assert "<backend model='random'>/dev/urandom</backend>" in document


def test_virt_clone_copies_a_definition(
    qemu_uri: str, environment: dict[str, str], guest_image: guest.Guest, virsh: Run
) -> None:
    install_linux(qemu_uri, environment, guest_image, "first")
    virsh(qemu_uri, "destroy", "first")
    program = need("virt-clone", "virtinst")
    said([program, "--connect", qemu_uri, "--original", "first", "--name", "second", "--auto-clone"], environment)
    names = virsh(qemu_uri, "list", "--all", "--name").split()
    assert sorted(names) == ["first", "second"]
    uuids = {virsh(qemu_uri, "domuuid", name) for name in names}
    assert len(uuids) == 2
