"""What is done to both test drivers, libvirt's and ours, through libvirt-python.

An operation takes a connection and drawn values, and gives what the caller sees. Objects are looked up by name at each
step, so that an operation means the same on both sides whatever was done before. Names and values come from small
pools: most steps then meet what an earlier one made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

Operation = Callable[..., Any]

domains = st.sampled_from(["test", "test", "test", "new", "other"])
networks = st.sampled_from(["default", "net"])
pools = st.sampled_from(["default-pool", "pool"])
volumes = st.sampled_from(["vol", "copy"])
interfaces = st.sampled_from(["eth1", "eth7"])
devices = st.sampled_from(["computer", "scsi_host9"])
moments = st.sampled_from(["s1", "s1", "s2"])
impact = st.sampled_from([0, 1, 2, 3])
flags = st.sampled_from([0, 0, 0, 1, 2, 4, 1 << 20])
memory = st.sampled_from([0, 1024, 512 * 1024, 8388608, 9000000])
counts = st.sampled_from([0, 1, 2, 3, 40])
autostart = st.sampled_from([0, 1])

_UUIDS = {"test": "6695eb01-f6a4-8304-79aa-97f2502e193f", "new": "11111111-1111-4111-8111-111111111111"}


def domain_xml(name: str, extra: str) -> str:
    uuid = _UUIDS.get(name, "22222222-2222-4222-8222-222222222222")
    return f"""<domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory>1048576</memory>
        <currentMemory>524288</currentMemory><vcpu>2</vcpu><os><type arch='i686'>hvm</type></os>{extra}</domain>"""


extras = st.sampled_from(
    [
        "",
        "<title>a title</title><description>words</description>",
        "<on_poweroff>restart</on_poweroff><on_reboot>destroy</on_reboot>",
        "<devices><disk type='file' device='disk'><source file='/x.img'/><target dev='vda' bus='virtio'/></disk>"
        "</devices>",
        "<devices><interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/>"
        "<target dev='testnet0'/></interface></devices>",
        "<cputune><shares>512</shares></cputune><memtune><hard_limit>2097152</hard_limit></memtune>",
        "<iothreads>2</iothreads>",
        "<clock offset='utc'/><features><acpi/></features>",
        "<nonsense/>",
        "<vcpu>zero</vcpu>",
    ]
)


def network_xml(name: str) -> str:
    uuid = "33333333-3333-4333-8333-333333333333" if name == "net" else "dd8fe884-6c02-601e-7551-cca97df1c5df"
    return f"""<network><name>{name}</name><uuid>{uuid}</uuid><forward mode='nat'/><bridge name='virbr7'/>
        <ip address='192.0.2.1' netmask='255.255.255.0'><dhcp><range start='192.0.2.5' end='192.0.2.9'/></dhcp></ip>
        </network>"""


def pool_xml(name: str) -> str:
    uuid = "44444444-4444-4444-8444-444444444444"
    return f"<pool type='dir'><name>{name}</name><uuid>{uuid}</uuid><target><path>/{name}</path></target></pool>"


def volume_xml(name: str, capacity: int = 1024) -> str:
    return f"<volume><name>{name}</name><capacity>{capacity}</capacity><allocation>512</allocation></volume>"


def interface_xml(name: str) -> str:
    return f"""<interface type='ethernet' name='{name}'><start mode='onboot'/><mac address='aa:bb:cc:dd:ee:ff'/>
        <mtu size='1492'/><protocol family='ipv4'><ip address='192.0.2.5' prefix='24'/></protocol></interface>"""


def _names(found: list[Any]) -> list[str]:
    return sorted(one.name() for one in found)


def _on(method: str, *drawn: st.SearchStrategy[Any]) -> tuple[Operation, tuple[st.SearchStrategy[Any], ...]]:
    """A method of a domain that is looked up by name, with drawn arguments."""

    def call(conn: Any, name: str, *arguments: Any) -> Any:
        return getattr(conn.lookupByName(name), method)(*arguments)

    return call, (domains, *drawn)


def _of(
    lookup: str, names: st.SearchStrategy[str], method: str, *drawn: st.SearchStrategy[Any]
) -> tuple[Operation, tuple[st.SearchStrategy[Any], ...]]:
    """A method of another object, found by a look-up of the connection's."""

    def call(conn: Any, name: str, *arguments: Any) -> Any:
        return getattr(getattr(conn, lookup)(name), method)(*arguments)

    return call, (names, *drawn)


def _conn(method: str, *drawn: st.SearchStrategy[Any]) -> tuple[Operation, tuple[st.SearchStrategy[Any], ...]]:
    return lambda conn, *arguments: getattr(conn, method)(*arguments), drawn


_NET, _POOL, _IFACE, _DEV = (
    "networkLookupByName",
    "storagePoolLookupByName",
    "interfaceLookupByName",
    ("nodeDeviceLookupByName"),
)

DOMAIN_OPERATIONS: Mapping[str, tuple[Operation, tuple[st.SearchStrategy[Any], ...]]] = {
    "define": (lambda c, n, x, f: c.defineXMLFlags(domain_xml(n, x), f), (domains, extras, flags)),
    "create xml": (
        lambda c, n, x, f: c.createXML(domain_xml(n, x), f),
        (domains, extras, st.sampled_from([0, 0, 64])),
    ),
    # Ours also starts paused and with autodestroy (flags 1 and 2), which libvirt's refuses.
    "create": _on("createWithFlags", st.sampled_from([0, 0, 64])),
    "undefine": _on("undefineFlags", st.sampled_from([0, 0, 1, 2, 4, 16])),
    "undefine old": _on("undefine"),
    "destroy": _on("destroyFlags", st.sampled_from([0, 0, 1, 2])),
    "shutdown": _on("shutdownFlags", st.sampled_from([0, 0, 1])),
    "reboot": _on("reboot", st.sampled_from([0, 0, 1])),
    "reset": _on("reset", flags),
    "suspend": _on("suspend"),
    "resume": _on("resume"),
    "state": _on("state", flags),
    "info": (lambda c, n: c.lookupByName(n).info()[:4], (domains,)),
    "id": _on("ID"),
    "uuid": _on("UUIDString"),
    "xml": _on("XMLDesc", st.sampled_from([0, 0, 2, 1])),
    "is active": _on("isActive"),
    "is persistent": _on("isPersistent"),
    "is updated": _on("isUpdated"),
    "os type": _on("OSType"),
    "autostart": _on("autostart"),
    "set autostart": _on("setAutostart", autostart),
    "rename": _on("rename", domains, st.just(0)),
    "list": (
        lambda c, f: _names(c.listAllDomains(f)),
        (st.sampled_from([0, 1, 2, 4, 8, 16, 32, 64, 256, 512, 1024, 5]),),
    ),
    "ids": (lambda c: sorted(c.listDomainsID()), ()),
    "defined": (lambda c: sorted(c.listDefinedDomains()), ()),
    "number": _conn("numOfDomains"),
    "number defined": _conn("numOfDefinedDomains"),
    "by id": (lambda c, i: c.lookupByID(i).name(), (counts,)),
    "by uuid": (lambda c, n: c.lookupByUUIDString(_UUIDS.get(n, _UUIDS["new"])).name(), (domains,)),
}

TUNING_OPERATIONS: Mapping[str, tuple[Operation, tuple[st.SearchStrategy[Any], ...]]] = {
    **{name: DOMAIN_OPERATIONS[name] for name in ("define", "create", "destroy", "suspend", "xml")},
    "max memory": _on("maxMemory"),
    "set max memory": _on("setMaxMemory", memory),
    "set memory": _on("setMemory", memory),
    "set memory flags": _on("setMemoryFlags", memory, st.sampled_from([0, 1, 2, 3, 4, 5, 6])),
    "max vcpus": _on("maxVcpus"),
    "vcpus": _on("vcpusFlags", st.sampled_from([0, 1, 2, 3, 4, 5, 6])),
    "set vcpus": _on("setVcpusFlags", counts, st.sampled_from([0, 1, 2, 3, 4, 5, 6])),
    "set vcpus old": _on("setVcpus", counts),
    "pin vcpu": _on("pinVcpu", counts, st.just((True, False))),
    "pin vcpu flags": _on("pinVcpuFlags", counts, st.just((True, False)), impact),
    "vcpu pins": _on("vcpuPinInfo", impact),
    "emulator pins": _on("emulatorPinInfo", impact),
    "pin emulator": _on("pinEmulator", st.just((True, False)), impact),
    "scheduler type": _on("schedulerType"),
    "scheduler": _on("schedulerParametersFlags", impact),
    "set scheduler": _on("setSchedulerParametersFlags", st.sampled_from([{"weight": 50}, {"other": 1}]), impact),
    "scheduler old": _on("schedulerParameters"),
    "set scheduler old": _on("setSchedulerParameters", st.sampled_from([{"weight": 50}, {"other": 1}])),
    "memory parameters": _on("memoryParameters", impact),
    "set memory parameters": _on(
        "setMemoryParameters", st.sampled_from([{"hard_limit": 2000000}, {"soft_limit": 5}, {"odd": 1}]), impact
    ),
    "blkio parameters": _on("blkioParameters", impact),
    "set blkio": _on("setBlkioParameters", st.sampled_from([{"weight": 100}, {"odd": 1}]), impact),
    "numa parameters": _on("numaParameters", impact),
    "set numa": _on("setNumaParameters", st.sampled_from([{"numa_mode": 0}, {"odd": 1}]), impact),
    "interface parameters": _on("interfaceParameters", st.sampled_from(["testnet0", "none"]), impact),
    "block io tune": _on("blockIoTune", st.sampled_from(["vda", "none"]), impact),
    "block info": _on("blockInfo", st.sampled_from(["vda", "/x.img", "none"])),
    "block stats": (
        lambda c, n, d: len(c.lookupByName(n).blockStats(d)),
        (domains, st.sampled_from(["vda", "none"])),
    ),
    "interface stats": (
        lambda c, n, d: len(c.lookupByName(n).interfaceStats(d)),
        (domains, st.sampled_from(["testnet0", "none"])),
    ),
}

GUEST_OPERATIONS: Mapping[str, tuple[Operation, tuple[st.SearchStrategy[Any], ...]]] = {
    **{
        name: DOMAIN_OPERATIONS[name] for name in ("define", "create", "destroy", "undefine", "suspend", "state", "xml")
    },
    "metadata": _on("metadata", st.sampled_from([0, 1, 2, 3]), st.sampled_from([None, "http://x/y"]), impact),
    "set metadata": (
        lambda c, n, k, f: (
            c.lookupByName(n).setMetadata(k, [None, "said", "<a xmlns='u'/>"][k], "p", "http://x/y", f)
            if k < 2
            else c.lookupByName(n).setMetadata(2, "<a/>", "p", "http://x/y", f)
        ),
        (domains, st.sampled_from([0, 1, 2]), impact),
    ),
    "unset metadata": (
        lambda c, n, k, f: c.lookupByName(n).setMetadata(k, None, None, "http://x/y", f),
        (domains, st.sampled_from([0, 1, 2]), impact),
    ),
    "managed save": _on("managedSave", st.sampled_from([0, 0, 2, 4])),
    "has managed save": _on("hasManagedSaveImage", st.just(0)),
    "remove managed save": _on("managedSaveRemove", st.just(0)),
    "control": _on("controlInfo", flags),
    "hostname": _on("hostname", flags),
    "time": (lambda c, n: sorted(c.lookupByName(n).getTime()), (domains,)),
    "fs freeze": _on("fsFreeze", st.sampled_from([None, ["/"]]), st.just(0)),
    "fs thaw": _on("fsThaw", st.sampled_from([None, ["/"]]), st.just(0)),
    "fs info": (lambda c, n: len(c.lookupByName(n).fsInfo()), (domains,)),
    "guest vcpus": _on("guestVcpus"),
    "addresses": _on("interfaceAddresses", st.sampled_from([0, 1, 2])),
    "disk errors": _on("diskErrors"),
    "send key": _on("sendKey", st.just(0), st.just(0), st.just([30]), st.just(1), st.just(0)),
    "password": _on("setUserPassword", st.just("root"), st.just("secret"), st.just(0)),
    "iothreads": _on("ioThreadInfo", impact),
    "add iothread": _on("addIOThread", counts, impact),
    "delete iothread": _on("delIOThread", counts, impact),
    "messages": _on("messages", flags),
    "job info": _on("jobInfo"),
    "abort job": _on("abortJob"),
    "attach": _on(
        "attachDeviceFlags",
        st.sampled_from(
            [
                "<disk type='file' device='disk'><source file='/y.img'/><target dev='vdb' bus='virtio'/></disk>",
                "<disk/>",
                "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='0' slot='9' function='0'/>"
                "</source></hostdev>",
            ]
        ),
        impact,
    ),
    "lifecycle action": _on("setLifecycleAction", st.sampled_from([0, 1, 2]), st.sampled_from([0, 1, 2, 5]), impact),
}

MOMENT_OPERATIONS: Mapping[str, tuple[Operation, tuple[st.SearchStrategy[Any], ...]]] = {
    **{name: DOMAIN_OPERATIONS[name] for name in ("define", "create", "destroy", "undefine", "suspend", "state")},
    "has current snapshot": _on("hasCurrentSnapshot", st.just(0)),
    "snapshots": (lambda c, n, f: _moments(c, n, "Snapshots", f), (domains, st.sampled_from([0, 1, 2, 4, 8]))),
    "snapshot": (
        lambda c, n, s, f: (
            c.lookupByName(n)
            .snapshotCreateXML(f"<domainsnapshot><name>{s}</name><description>d</description></domainsnapshot>", f)
            .getName()
        ),
        (domains, moments, st.sampled_from([0, 0, 0, 4, 8, 16])),
    ),
    "number of snapshots": _on("snapshotNum", st.sampled_from([0, 1])),
    "current snapshot": (lambda c, n: c.lookupByName(n).snapshotCurrent(0).getName(), (domains,)),
    "revert": (
        lambda c, n, s, f: c.lookupByName(n).revertToSnapshot(c.lookupByName(n).snapshotLookupByName(s, 0), f),
        (domains, moments, st.sampled_from([0, 0, 1, 2, 4])),
    ),
    "delete snapshot": (
        lambda c, n, s, f: c.lookupByName(n).snapshotLookupByName(s, 0).delete(f),
        (domains, moments, st.sampled_from([0, 0, 1, 2, 4])),
    ),
    "snapshot parent": (
        lambda c, n, s: c.lookupByName(n).snapshotLookupByName(s, 0).getParent(0).getName(),
        (domains, moments),
    ),
    "snapshot children": (
        lambda c, n, s: sorted(c.lookupByName(n).snapshotLookupByName(s, 0).listChildrenNames(0)),
        (domains, moments),
    ),
    "snapshot is current": (
        lambda c, n, s: c.lookupByName(n).snapshotLookupByName(s, 0).isCurrent(0),
        (domains, moments),
    ),
    "checkpoint": (
        lambda c, n, s: (
            c.lookupByName(n).checkpointCreateXML(f"<domaincheckpoint><name>{s}</name></domaincheckpoint>", 0).getName()
        ),
        (domains, moments),
    ),
    "checkpoints": (lambda c, n, f: _moments(c, n, "Checkpoints", f), (domains, st.sampled_from([0, 1, 2]))),
    "delete checkpoint": (
        lambda c, n, s, f: c.lookupByName(n).checkpointLookupByName(s, 0).delete(f),
        (domains, moments, st.sampled_from([0, 1, 2, 4])),
    ),
}


def _moments(conn: Any, name: str, kind: str, flag: int) -> list[str]:
    return sorted(one.getName() for one in getattr(conn.lookupByName(name), f"listAll{kind}")(flag))


NETWORK_OPERATIONS: Mapping[str, tuple[Operation, tuple[st.SearchStrategy[Any], ...]]] = {
    "define": (lambda c, n: c.networkDefineXML(network_xml(n)), (networks,)),
    "create xml": (lambda c, n: c.networkCreateXML(network_xml(n)), (networks,)),
    "create": _of(_NET, networks, "create"),
    "destroy": _of(_NET, networks, "destroy"),
    "undefine": _of(_NET, networks, "undefine"),
    "xml": _of(_NET, networks, "XMLDesc", st.sampled_from([0, 1])),
    "bridge": _of(_NET, networks, "bridgeName"),
    "is active": _of(_NET, networks, "isActive"),
    "is persistent": _of(_NET, networks, "isPersistent"),
    "autostart": _of(_NET, networks, "autostart"),
    "set autostart": _of(_NET, networks, "setAutostart", autostart),
    "update": _of(
        _NET,
        networks,
        "update",
        st.sampled_from([3, 4]),
        st.just(4),
        st.sampled_from([0, -1]),
        st.just("<host mac='52:54:00:00:00:09' name='h' ip='192.0.2.20'/>"),
        st.sampled_from([0, 1, 2]),
    ),
    "leases": _of(_NET, networks, "DHCPLeases"),
    "list": (lambda c, f: _names(c.listAllNetworks(f)), (st.sampled_from([0, 1, 2, 4, 8, 16, 32]),)),
    "active": (lambda c: sorted(c.listNetworks()), ()),
    "defined": (lambda c: sorted(c.listDefinedNetworks()), ()),
    "numbers": (lambda c: (c.numOfNetworks(), c.numOfDefinedNetworks()), ()),
}

STORAGE_OPERATIONS: Mapping[str, tuple[Operation, tuple[st.SearchStrategy[Any], ...]]] = {
    "define": (lambda c, n: c.storagePoolDefineXML(pool_xml(n), 0), (st.just("pool"),)),
    "create xml": (lambda c, n: c.storagePoolCreateXML(pool_xml(n), 0), (st.just("pool"),)),
    "create": _of(_POOL, pools, "create", st.just(0)),
    "destroy": _of(_POOL, pools, "destroy"),
    "undefine": _of(_POOL, pools, "undefine"),
    "build": _of(_POOL, pools, "build", st.just(0)),
    "delete": _of(_POOL, pools, "delete", st.just(0)),
    "refresh": _of(_POOL, pools, "refresh", st.just(0)),
    "info": _of(_POOL, pools, "info"),
    "xml": _of(_POOL, pools, "XMLDesc", st.sampled_from([0, 1])),
    "is active": _of(_POOL, pools, "isActive"),
    "is persistent": _of(_POOL, pools, "isPersistent"),
    "autostart": _of(_POOL, pools, "autostart"),
    "set autostart": _of(_POOL, pools, "setAutostart", autostart),
    "volumes": (lambda c, n: sorted(c.storagePoolLookupByName(n).listVolumes()), (pools,)),
    "number of volumes": _of(_POOL, pools, "numOfVolumes"),
    "list": (lambda c, f: _names(c.listAllStoragePools(f)), (st.sampled_from([0, 1, 2, 4, 8, 16, 32, 64, 128]),)),
    "create volume": (
        lambda c, n, v, s: c.storagePoolLookupByName(n).createXML(volume_xml(v, s), 0).key(),
        (pools, volumes, st.sampled_from([1024, 1 << 50])),
    ),
    "copy volume": (
        lambda c, n, v: (
            c.storagePoolLookupByName(n)
            .createXMLFrom(volume_xml("copy"), c.storagePoolLookupByName(n).storageVolLookupByName(v), 0)
            .name()
        ),
        (pools, volumes),
    ),
    "delete volume": (
        lambda c, n, v: c.storagePoolLookupByName(n).storageVolLookupByName(v).delete(0),
        (pools, volumes),
    ),
    "volume info": (lambda c, n, v: c.storagePoolLookupByName(n).storageVolLookupByName(v).info(), (pools, volumes)),
    "volume xml": (lambda c, n, v: c.storagePoolLookupByName(n).storageVolLookupByName(v).XMLDesc(0), (pools, volumes)),
    "volume by path": (
        lambda c, n, v: c.storageVolLookupByPath("/default-pool/" + v if n == "default-pool" else f"/{n}/{v}").name(),
        (pools, volumes),
    ),
    "resize": (lambda c, n, v: c.storagePoolLookupByName(n).storageVolLookupByName(v).resize(4096), (pools, volumes)),
}

HOST_OPERATIONS: Mapping[str, tuple[Operation, tuple[st.SearchStrategy[Any], ...]]] = {
    "type": _conn("getType"),
    "info": _conn("getInfo"),
    "max vcpus": _conn("getMaxVcpus", st.sampled_from(["test", "qemu", None])),
    "free memory": _conn("getFreeMemory"),
    "cells": _conn("getCellsFreeMemory", st.just(0), st.sampled_from([1, 2])),
    "cpu map": _conn("getCPUMap"),
    "pages": _conn("getFreePages", st.sampled_from([[4], [4, 2048]]), st.just(0), st.just(1)),
    "security model": _conn("getSecurityModel"),
    "cpu models": (lambda c: len(c.getCPUModelNames("x86_64")), ()),
    "compare": _conn("compareCPU", st.sampled_from(["<cpu><arch>x86_64</arch><model>qemu64</model></cpu>", "<x/>"])),
    "interfaces": (lambda c, f: _names(c.listAllInterfaces(f)), (st.sampled_from([0, 1, 2]),)),
    "interface define": (lambda c, n: c.interfaceDefineXML(interface_xml(n), 0), (interfaces,)),
    "interface create": _of(_IFACE, interfaces, "create", st.just(0)),
    "interface destroy": _of(_IFACE, interfaces, "destroy", st.just(0)),
    "interface undefine": _of(_IFACE, interfaces, "undefine"),
    "interface xml": _of(_IFACE, interfaces, "XMLDesc", st.just(0)),
    "interface mac": _of(_IFACE, interfaces, "MACString"),
    "interface is active": _of(_IFACE, interfaces, "isActive"),
    "change begin": _conn("changeBegin", st.just(0)),
    "change commit": _conn("changeCommit", st.just(0)),
    "change rollback": _conn("changeRollback", st.just(0)),
    "devices": (lambda c, f: _names(c.listAllDevices(f)), (st.sampled_from([0, 1, 2, 64]),)),
    "device xml": _of(_DEV, devices, "XMLDesc", st.just(0)),
    "device parent": _of(_DEV, devices, "parent"),
    "device capabilities": _of(_DEV, devices, "listCaps"),
    "device destroy": _of(_DEV, devices, "destroy"),
    "number of devices": _conn("numOfDevices", st.sampled_from([None, "system", "pci"]), st.just(0)),
}

FAMILIES = {
    "domains": DOMAIN_OPERATIONS,
    "tuning": TUNING_OPERATIONS,
    "guests": GUEST_OPERATIONS,
    "moments": MOMENT_OPERATIONS,
    "networks": NETWORK_OPERATIONS,
    "storage": STORAGE_OPERATIONS,
    "host": HOST_OPERATIONS,
}
