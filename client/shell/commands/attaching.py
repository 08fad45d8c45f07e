"""Disks and interfaces by a few words: attach-disk, detach-disk, attach-interface, detach-interface, change-media."""

from __future__ import annotations

import os
import re
import stat
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import click

from ....wire.errors import InvalidArgument, NotFound, OperationInvalid
from ..declaring import command, data, domain
from ..render import Text
from ..session import Shell
from ..values import Impact, affecting
from .actions import finish, tell
from .devices import lasting_impact
from .devices_of import DiskElement, disk_of, nics_in, parsed, xml_of
from .nics import bandwidth

# Where an interface's type has its source.
_SOURCES = {"network": "network", "bridge": "bridge", "direct": "dev"}
_ADDRESSES = {
    "pci": ("domain", "bus", "slot", "function"),
    "scsi": ("controller", "bus", "target", "unit"),
    "sata": ("controller", "bus", "target", "unit"),
    "ide": ("controller", "bus", "unit"),
    "usb": ("bus", "port"),
    "ccw": ("cssid", "ssid", "devno"),
}
_HEXADECIMAL = frozenset(("pci", "ccw"))


def _child(parent: Element, tag: str, **attributes: str | None) -> Element | None:
    """A new element with those of its attributes that have a value; none where none has."""
    given = {key: value for key, value in attributes.items() if value is not None}
    return SubElement(parent, tag, given) if given else None


@command("attach-disk")
@domain()
@data("source", help="Its file, device, or name of a network's disk.", needed=True)
@data("target", help="Its target, such as vdb.", needed=True)
@data("targetbus", help="Its bus, such as virtio.", metavar="BUS")
@data("driver", help="The driver's name, such as qemu.")
@data("subdriver", help="The image's format, such as qcow2.")
@data("iothread", help="The IOThread that serves it.")
@data("cache", help="How it is cached.")
@data("io", help="How it is read and written.")
@data("type", click.Choice(["disk", "cdrom", "floppy", "lun"]), "What it is; a disk by default.", metavar="DEVICE")
@data("mode", click.Choice(["readonly", "shareable"]), "Who may write to it.", metavar="MODE")
@data("sourcetype", click.Choice(["file", "block", "network"]), "What the source is.", metavar="TYPE")
@data("serial", help="Its serial number.")
@data("wwn", help="Its world wide name.")
@data("alias", help="Its alias.")
@click.option("--rawio", is_flag=True, help="It needs the rawio capability.")
@data("address", help="Where it is plugged in: pci:0000.00.05.0, scsi:0.0.0.1, …")
@click.option("--multifunction", is_flag=True, help="The first of several functions of its PCI slot.")
@click.option("--print-xml", is_flag=True, help="Print the XML, attach nothing.")
@data("source-protocol", help="How a network's disk is reached.", metavar="PROTOCOL")
@data("source-host-name", help="Where a network's disk is: HOST[:PORT].", metavar="HOST")
@data("source-host-transport", help="tcp, unix or rdma.", metavar="TRANSPORT")
@data("source-host-socket", help="The socket for unix.", metavar="PATH")
@affecting(persistent=True)
@click.pass_obj
def attach_disk(shell: Shell, name: str, print_xml: bool, impact: Impact, lasting: bool, **given: Any) -> None:
    chosen = shell.domain(name)
    xml = xml_of(_disk_element(**given))
    if print_xml:
        tell(shell, chosen, {"xml": xml}, Text(xml))
        return
    chosen.devices.attach(xml, **lasting_impact(chosen, impact, lasting))
    finish(shell, chosen, "disk attached")


def _disk_element(
    source: str,
    target: str,
    sourcetype: str | None,
    type: str | None,
    mode: str | None,
    rawio: bool,
    address: str | None,
    multifunction: bool,
    **given: str | None,
) -> Element:
    kind = sourcetype or ("network" if given["source_protocol"] else "block" if is_block_device(source) else "file")
    disk = Element("disk", type=kind)
    if type is not None:
        disk.set("device", type)
    if rawio:
        disk.set("rawio", "yes")
    _child(
        disk,
        "driver",
        name=given["driver"],
        type=given["subdriver"],
        iothread=given["iothread"],
        cache=given["cache"],
        io=given["io"],
    )
    _source_element(disk, kind, source, given)
    _child(disk, "target", dev=target, bus=given["targetbus"])
    if mode is not None:
        SubElement(disk, mode)
    for tag in ("serial", "wwn"):
        text = given[tag]
        if text is not None:
            SubElement(disk, tag).text = text
    _child(disk, "alias", name=given["alias"])
    if address is not None:
        disk.append(address_element(address, multifunction))
    return disk


def is_block_device(path: str) -> bool:
    """Whether a path is a block device on this host, which need not be the domain's."""
    try:
        return stat.S_ISBLK(os.stat(path).st_mode)
    except OSError:
        return False


def _source_element(disk: Element, kind: str, source: str, given: dict[str, str | None]) -> None:
    if kind != "network":
        SubElement(disk, "source", {"dev" if kind == "block" else "file": source})
        return
    protocol = given["source_protocol"]
    if protocol is None:
        raise click.UsageError("a source on the network wants --source-protocol")
    element = SubElement(disk, "source", {"protocol": protocol, "name": source})
    host, _, port = (given["source_host_name"] or "").partition(":")
    _child(
        element,
        "host",
        transport=given["source_host_transport"],
        name=host or None,
        port=port or None,
        socket=given["source_host_socket"],
    )


def address_element(text: str, multifunction: bool = False) -> Element:
    """The address that ``pci:0000.00.05.0`` and the like stand for. Raises InvalidArgument."""
    kind, _, rest = text.partition(":")
    names = _ADDRESSES.get(kind)
    numbers = re.split(r"[.:]", rest)
    if names is None or len(numbers) != len(names):
        raise InvalidArgument(f"'{text}' is no address", hint="write it as pci:0000.00.05.0 or scsi:0.0.0.1")
    hexadecimal = kind in _HEXADECIMAL
    values = {
        name: f"0x{number.removeprefix('0x')}" if hexadecimal else number
        for name, number in zip(names, numbers, strict=True)
    }
    element = Element("address", {"type": "drive" if kind in ("scsi", "sata", "ide") else kind, **values})
    if multifunction:
        element.set("multifunction", "on")
    return element


@command("detach-disk")
@domain()
@data("target", help="Its target or path.", needed=True)
@affecting(persistent=True)
@click.option("--print-xml", is_flag=True, help="Print the XML, detach nothing.")
@click.pass_obj
def detach_disk(shell: Shell, name: str, target: str, impact: Impact, lasting: bool, print_xml: bool) -> None:
    chosen = shell.domain(name)
    xml = xml_of(disk_of(parsed(chosen, _in_config_only(impact)), target).element)
    if print_xml:
        tell(shell, chosen, {"xml": xml}, Text(xml, spaced=False))
        return
    chosen.devices.detach(xml, **lasting_impact(chosen, impact, lasting))
    finish(shell, chosen, "disk detached")


def _in_config_only(impact: Impact) -> bool:
    return impact["config"] and not impact["live"]


@command("attach-interface")
@domain()
@data("type", help="network, bridge, direct, hostdev, user.", needed=True)
@data("source", help="Its network, bridge or device.", needed=True)
@data("target", help="Its target on the host, such as vnet5.")
@data("mac", help="Its MAC address.")
@data("script", help="What connects it to its bridge.")
@data("model", help="Its model, such as virtio.")
@data("alias", help="Its alias.")
@data("inbound", help="AVERAGE[,PEAK[,BURST[,FLOOR]]] in KiB/s and KiB.")
@data("outbound", help="AVERAGE[,PEAK[,BURST]].")
@affecting(persistent=True)
@click.option("--print-xml", is_flag=True, help="Print the XML, attach nothing.")
@click.option("--managed", is_flag=True, help="The daemon takes a host's device from its driver and gives it back.")
@data("source-mode", help="How it is joined to a device of the host's.", metavar="MODE")
@click.pass_obj
def attach_interface(shell: Shell, name: str, print_xml: bool, impact: Impact, lasting: bool, **given: Any) -> None:
    chosen = shell.domain(name)
    xml = xml_of(_interface_element(**given))
    if print_xml:
        tell(shell, chosen, {"xml": xml}, Text(xml))
        return
    chosen.devices.attach(xml, **lasting_impact(chosen, impact, lasting))
    finish(shell, chosen, "interface attached")


def _interface_element(
    type: str, source: str, managed: bool, inbound: str | None, outbound: str | None, **given: str | None
) -> Element:
    interface = Element("interface", type=type)
    if managed:
        interface.set("managed", "yes")
    if type == "hostdev":
        address = source if source.startswith("pci:") else f"pci:{source}"
        SubElement(interface, "source").append(address_element(address))
    elif type in _SOURCES:
        mode = given["source_mode"]
        SubElement(interface, "source", {_SOURCES[type]: source, **({"mode": mode} if mode else {})})
    elif type != "user":
        raise InvalidArgument(f"no support for {type} in command 'attach-interface'")
    _child(interface, "target", dev=given["target"])
    _child(interface, "mac", address=given["mac"])
    _child(interface, "script", path=given["script"])
    _child(interface, "model", type=given["model"])
    _child(interface, "alias", name=given["alias"])
    if inbound or outbound:
        limits = SubElement(interface, "bandwidth")
        for way, text in (("inbound", inbound), ("outbound", outbound)):
            values = {key.partition(".")[2]: str(value) for key, value in bandwidth(way, text).items()}
            if values:
                SubElement(limits, way, values)
    return interface


@command("detach-interface")
@domain()
@data("type", help="Its type, such as network.", needed=True)
@data("mac", help="Its MAC address, where there are several.")
@affecting(persistent=True)
@click.option("--print-xml", is_flag=True, help="Print the XML, detach nothing.")
@click.pass_obj
def detach_interface(
    shell: Shell, name: str, type: str, mac: str | None, impact: Impact, lasting: bool, print_xml: bool
) -> None:
    chosen = shell.domain(name)
    xml = xml_of(_interface_of(parsed(chosen, _in_config_only(impact)), type, mac))
    if print_xml:
        tell(shell, chosen, {"xml": xml}, Text(xml, spaced=False))
        return
    chosen.devices.detach(xml, **lasting_impact(chosen, impact, lasting))
    finish(shell, chosen, "interface detached")


def _interface_of(tree: Element, type: str, mac: str | None) -> Element:
    fitting = [nic for nic in nics_in(tree) if nic.type == type]
    if not fitting:
        raise NotFound(f"no interface found whose type is {type}")
    if mac is None and len(fitting) > 1:
        raise InvalidArgument(f"domain has {len(fitting)} interfaces of type {type}", hint="say which one by --mac")
    for nic in fitting:
        if mac is None or nic.mac.lower() == mac.lower():
            return nic.element
    raise NotFound(f"no interface with MAC address {mac} was found")


@command("change-media")
@domain()
@data("path", help="The drive's target, or its medium.", needed=True)
@data("source", help="The medium: a file or device.")
@click.option("--eject", is_flag=True, help="Take the medium out.")
@click.option("--insert", is_flag=True, help="Put a medium in.")
@click.option("--update", is_flag=True, help="Put another medium in; the default.")
@affecting()
@click.option("--force", is_flag=True, help="Although the guest holds the tray shut.")
@click.option("--print-xml", is_flag=True, help="Print the XML, change nothing.")
@click.option("--block", is_flag=True, help="The medium is a block device.")
@click.pass_obj
def change_media(
    shell: Shell,
    name: str,
    path: str,
    source: str | None,
    eject: bool,
    insert: bool,
    update: bool,
    impact: Impact,
    force: bool,
    print_xml: bool,
    block: bool,
) -> None:
    if eject + insert + update > 1:
        raise click.UsageError("one of --eject, --insert and --update")
    if eject and source:
        raise click.UsageError("--eject takes no source")
    if not eject and not source:
        eject = not (insert or update)
        if not eject:
            raise click.UsageError("no source is named")
    chosen = shell.domain(name)
    drive = disk_of(parsed(chosen, _in_config_only(impact)), path)
    _change_medium(drive, None if eject else source, block, inserting=insert)
    xml = xml_of(drive.element)
    if print_xml:
        tell(shell, chosen, {"xml": xml}, Text(xml))
        return
    chosen.devices.update(xml, force=force, **impact)
    finish(shell, chosen, f"medium {'ejected' if eject else 'inserted' if insert else 'updated'}")


def _change_medium(drive: DiskElement, medium: str | None, block: bool, *, inserting: bool) -> None:
    element = drive.element
    if drive.device not in ("cdrom", "floppy"):
        raise NotFound(f"disk '{drive.target}' is no drive whose medium can be changed")
    old = element.find("source")
    if inserting and drive.source is not None:
        raise OperationInvalid(f"drive '{drive.target}' has a medium already")
    if medium is None and drive.source is None:
        raise OperationInvalid(f"drive '{drive.target}' has no medium")
    if old is not None:
        element.remove(old)
    if medium is not None:
        block = block or is_block_device(medium)
        element.set("type", "block" if block else "file")
        new = Element("source", {"dev" if block else "file": medium})
        element.insert(0, new)


COMMANDS = {one.name: one for one in (attach_disk, attach_interface, change_media, detach_disk, detach_interface)}
