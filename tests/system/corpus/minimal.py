"""Documents with one device each, of which nothing is said that need not be: what a daemon adds shows how it thinks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

MACHINES = ("pc", "q35")
IMAGE = "/var/lib/images/a.img"
TARGETS = ("hda", "hdc", "sda", "sdb", "vda", "fda", "xvda", "ubda")
DRIVES = ("", "disk", "cdrom", "floppy", "lun")
# Buses, and a name that disks have on them.
BUSES = {
    "virtio": "vda",
    "ide": "hda",
    "sata": "sda",
    "scsi": "sda",
    "usb": "sda",
    "fdc": "fda",
    "xen": "xvda",
    "sd": "sda",
}
NETWORK_MODELS = (
    *("virtio", "virtio-transitional", "virtio-non-transitional", "e1000", "e1000e", "rtl8139", "pcnet", "ne2k_pci"),
    *("vmxnet3", "tulip", "i82551", "i82557b", "i82559er", "82540em", "igb", "nonsense", "usb-net", "netfront"),
)
CONTROLLERS: Mapping[str, tuple[str, ...]] = {
    "ide": ("", "piix3", "piix4", "ich6"),
    "fdc": ("",),
    "sata": ("",),
    "scsi": (
        *("", "auto", "buslogic", "lsilogic", "lsisas1068", "vmpvscsi", "ibmvscsi", "virtio-scsi", "lsisas1078"),
        *("virtio-transitional", "virtio-non-transitional", "ncr53c90", "dc390", "am53c974"),
    ),
    "usb": (
        *("", "piix3-uhci", "piix4-uhci", "ehci", "ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3"),
        *("vt82c686b-uhci", "pci-ohci", "nec-xhci", "qusb1", "qusb2", "qemu-xhci", "none"),
    ),
    "virtio-serial": ("", "virtio", "virtio-transitional", "virtio-non-transitional"),
    "ccid": ("",),
    "pci": (
        *("", "pci-root", "pcie-root", "pci-bridge", "dmi-to-pci-bridge", "pcie-root-port"),
        *("pcie-switch-upstream-port", "pcie-switch-downstream-port", "pci-expander-bus", "pcie-expander-bus"),
        "pcie-to-pci-bridge",
    ),
    "xenbus": ("",),
    "isa": ("",),
}
# The host's sides of character devices, with what of them must be said.
HOST_SIDES: Mapping[str, str] = {
    **dict.fromkeys(("pty", "null", "vc", "stdio", "spicevmc", "qemu-vdagent"), ""),
    **dict.fromkeys(("file", "unix", "pipe", "dev"), "<source path='/tmp/x'/>"),
    **dict.fromkeys(("tcp", "udp"), "<source host='h' service='1'/>"),
    **dict.fromkeys(("dbus", "spiceport"), "<source channel='c'/>"),
    "nmdm": "<source master='/dev/a' slave='/dev/b'/>",
}


def documents() -> Iterator[tuple[str, str]]:
    """Every document's name and text."""
    for machine in MACHINES:
        for name, devices in (*drives(), *families(), *OTHERS.items()):
            yield f"{machine} {name}", document(machine, devices)


def document(machine: str, devices: str) -> str:
    return (
        "<domain type='qemu'><name>minimal</name><uuid>7f1f3a52-4bd2-4f3c-9d3e-2b1c5a6d7e80</uuid>"
        f"<memory unit='MiB'>64</memory><os><type arch='x86_64' machine='{machine}'>hvm</type></os>"
        f"<features><acpi/></features><devices>{devices}</devices></domain>"
    )


def said(name: str, value: str) -> str:
    """An attribute, if there is something to say."""
    return f" {name}='{value}'" if value else ""


def disk(target: str, more: str = "", *, device: str = "", bus: str = "") -> str:
    kind, place = ("block", "<source dev='/dev/x'/>") if device == "lun" else ("file", f"<source file='{IMAGE}'/>")
    place = more or place
    return f"<disk type='{kind}'{said('device', device)}>{place}<target dev='{target}'{said('bus', bus)}/></disk>"


def drives() -> Iterator[tuple[str, str]]:
    for device in DRIVES:
        for target in TARGETS:
            yield f"disk {device or 'of no kind'} {target}", disk(target, device=device)
        for bus, target in BUSES.items():
            yield f"disk {device or 'of no kind'} on {bus}", disk(target, device=device, bus=bus)
    for device in ("cdrom", "floppy"):
        for target in TARGETS:
            yield f"disk empty {device} {target}", f"<disk device='{device}'><target dev='{target}'/></disk>"
    for bus in ("ide", "sata", "scsi", "usb", "virtio"):
        name = BUSES[bus][:2]
        yield f"disk ten on {bus}", "".join(disk(f"{name}{letter}", bus=bus) for letter in "abcdefghij")
    yield "disk ten without a bus", "".join(disk(f"sd{letter}") for letter in "abcdefghij")


def families() -> Iterator[tuple[str, str]]:
    yield "nothing", ""
    for kind, models in CONTROLLERS.items():
        for model in models:
            yield f"controller {kind} {model}", f"<controller type='{kind}'{said('model', model)}/>"
    for kind, place in HOST_SIDES.items():
        for tag in ("serial", "parallel", "console"):
            yield f"{tag} {kind}", f"<{tag} type='{kind}'>{place}</{tag}>"
        for tag in ("channel", "console"):
            yield f"{tag} virtio {kind}", f"<{tag} type='{kind}'>{place}<target type='virtio'/></{tag}>"
        yield f"redirdev {kind}", f"<redirdev bus='usb' type='{kind}'>{place}</redirdev>"
        yield f"smartcard {kind}", f"<smartcard mode='passthrough' type='{kind}'>{place}</smartcard>"
        yield f"rng egd {kind}", f"<rng model='virtio'><backend model='egd' type='{kind}'>{place}</backend></rng>"
    for kind in ("mouse", "tablet", "keyboard"):
        for bus in ("", "ps2", "usb", "virtio", "xen"):
            yield f"input {kind} {bus}", f"<input type='{kind}'{said('bus', bus)}/>"
    for kind in ("vnc", "spice", "sdl", "rdp", "desktop", "egl-headless", "dbus"):
        yield f"graphics {kind}", f"<graphics type='{kind}'/>"
    for kind in ("user", "ethernet", "udp", "server", "client", "mcast", "null", "internal"):
        yield f"interface {kind}", f"<interface type='{kind}'/>"
    for model in NETWORK_MODELS:
        yield f"interface model {model}", f"<interface type='user'><model type='{model}'/></interface>"
    yield from of_models()


def of_models() -> Iterator[tuple[str, str]]:
    """Devices that differ in their model or type alone."""
    for tag, attribute, models, inside in MODELS:
        for model in models:
            yield f"{tag} {model or 'bare'}", f"<{tag}{said(attribute, model)}>{inside}</{tag.split()[0]}>"
    cards = ("vga", "cirrus", "vmvga", "xen", "vbox", "qxl", "parallels", "virtio", "gop", "none", "bochs", "ramfb")
    for model in (*cards, "default"):
        yield f"video {model}", f"<video><model type='{model}'/></video>"
        yield f"video beside {model}", f"<video><model type='vga'/></video><video><model type='{model}'/></video>"
    for kind in ("isa-serial", "usb-serial", "pci-serial", "isa-debug", "spapr-vio-serial", "system-serial"):
        yield f"serial target {kind}", f"<serial type='pty'><target type='{kind}'/></serial>"
    for kind in ("serial", "virtio", "xen", "uml", "sclp", "lxc"):
        yield f"console target {kind}", f"<console type='pty'><target type='{kind}'/></console>"


AGES = ("virtio", "virtio-transitional", "virtio-non-transitional")
# An element, the attribute that its models are values of, these, and what must be in it.
MODELS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("sound", "model", ("sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "ich7"), ""),
    (
        *("audio id='1'", "type"),
        ("none", "alsa", "coreaudio", "dbus", "jack", "oss", "pulseaudio", "sdl", "spice", "file"),
        "",
    ),
    ("rng", "model", AGES, "<backend model='random'/>"),
    ("watchdog", "model", ("i6300esb", "ib700", "diag288", "itco"), ""),
    (
        *("watchdog model='i6300esb'", "action"),
        ("reset", "shutdown", "poweroff", "pause", "none", "dump", "inject-nmi"),
        "",
    ),
    ("panic", "model", ("", "isa", "pseries", "hyperv", "s390", "pvpanic"), ""),
    ("tpm", "model", ("", "tpm-tis", "tpm-crb", "tpm-spapr"), "<backend type='emulator'/>"),
    ("memballoon", "model", ("", "none", "xen", *AGES), ""),
    ("iommu", "model", ("intel", "smmuv3", "virtio"), ""),
    ("vsock", "model", ("", *AGES), ""),
    ("input type='mouse' bus='virtio'", "model", AGES, ""),
    ("filesystem", "accessmode", ("", "passthrough", "mapped", "squash"), "<source dir='/tmp'/><target dir='t'/>"),
    ("hub", "type", ("usb",), ""),
)
OTHERS: Mapping[str, str] = {
    "serial two": "<serial type='pty'/><serial type='pty'/>",
    "serial unix that listens": "<serial type='unix'><source mode='bind' path='/tmp/x'/></serial>",
    "serial tcp that listens": "<serial type='tcp'><source mode='bind' host='h' service='1'/></serial>",
    "serial udp with two ends": "<serial type='udp'><source mode='bind' host='h' service='1'/>"
    "<source mode='connect' host='h' service='2'/></serial>",
    "serial and a console of another kind": "<serial type='file'><source path='/tmp/x'/></serial><console type='pty'/>",
    "serial on pci and a console": "<serial type='pty'><target type='pci-serial'/></serial><console type='pty'/>",
    "console two": "<console type='pty'/><console type='pty'><target type='virtio'/></console>",
    "channel of the agent": "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
    "channel guestfwd": "<interface type='user'/>"
    "<channel type='null'><target type='guestfwd' address='10.0.2.1' port='4600'/></channel>",
    "channel of spice": "<graphics type='spice'/>"
    "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>",
    "redirdev of spice": "<graphics type='spice'/><redirdev bus='usb' type='spicevmc'/>",
    "smartcard of spice": "<graphics type='spice'/><smartcard mode='passthrough' type='spicevmc'/>",
    "smartcard of the host's": "<smartcard mode='host'/>",
    "input passthrough": "<input type='passthrough'><source evdev='/dev/input/event1'/></input>",
    "input evdev": "<input type='evdev'><source dev='/dev/input/event1'/></input>",
    "graphics vnc with a port": "<graphics type='vnc' port='5999'/>",
    "graphics vnc with port -1": "<graphics type='vnc' port='-1'/>",
    "graphics vnc on an address": "<graphics type='vnc' listen='0.0.0.0'/>",
    "graphics vnc on a socket": "<graphics type='vnc' socket='/tmp/s'/>",
    "graphics vnc on some socket": "<graphics type='vnc'><listen type='socket'/></graphics>",
    "graphics vnc on nothing": "<graphics type='vnc'><listen type='none'/></graphics>",
    "graphics vnc on a network": "<graphics type='vnc'><listen type='network' network='default'/></graphics>",
    "graphics vnc for browsers": "<graphics type='vnc' autoport='yes' websocket='-1'/>",
    "graphics spice with some port": "<graphics type='spice' autoport='yes'/>",
    "graphics spice with a port": "<graphics type='spice' port='5999'/>",
    "graphics spice with TLS": "<graphics type='spice' port='5999' tlsPort='5998'/>",
    "graphics spice with TLS alone": "<graphics type='spice' tlsPort='5998'/>",
    "graphics spice in secret": "<graphics type='spice' autoport='yes' defaultMode='secure'/>",
    "graphics spice with a secret channel": "<graphics type='spice' autoport='yes'>"
    "<channel name='main' mode='secure'/></graphics>",
    "graphics spice on a socket": "<graphics type='spice'><listen type='socket' socket='/tmp/s'/></graphics>",
    "graphics spice on nothing": "<graphics type='spice'><listen type='none'/></graphics>",
    "graphics vnc and egl": "<graphics type='vnc'/><graphics type='egl-headless'/>",
    "graphics vnc and spice": "<graphics type='vnc'/><graphics type='spice'/>",
    "graphics vnc twice": "<graphics type='vnc'/><graphics type='vnc'/>",
    "video in odd sizes": "<video><model type='qxl' vram='1000' ram='5000'/></video>",
    "video of too little": "<video><model type='vga' vram='100'/></video>",
    "video of odd vgamem": "<video><model type='qxl' vgamem='3000'/></video>",
    "video bare": "<video/>",
    "video of the second": "<video><model type='qxl'/></video><video><model type='qxl' primary='yes'/></video>",
    "sound with spice": "<sound model='ich6'/><graphics type='spice'/>",
    "sound twice": "<sound model='ich6'/><sound model='ac97'/>",
    "rng builtin": "<rng model='virtio'><backend model='builtin'/></rng>",
    "tpm passthrough": "<tpm><backend type='passthrough'/></tpm>",
    "tpm crb of 1.2": "<tpm model='tpm-crb'><backend type='emulator' version='1.2'/></tpm>",
    "iommu that remaps": "<iommu model='intel'><driver intremap='on'/></iommu>",
    "vsock with a number": "<vsock model='virtio'><cid address='5'/></vsock>",
    "vsock with too small a number": "<vsock model='virtio'><cid address='1'/></vsock>",
    "shmem bare": "<shmem name='s'/>",
    "shmem plain": "<shmem name='s'><model type='ivshmem-plain'/></shmem>",
    "shmem doorbell": "<shmem name='s'><model type='ivshmem-doorbell'/></shmem>",
    "shmem of a server": "<shmem name='s'><model type='ivshmem-doorbell'/><server path='/tmp/s'/></shmem>",
    "interface mcast somewhere": "<interface type='mcast'><source address='230.0.0.1' port='5558'/></interface>",
    "filesystem virtiofs": "<filesystem><driver type='virtiofs'/><source dir='/tmp'/><target dir='t'/></filesystem>",
    "filesystem ram": "<filesystem type='ram'><source usage='10' units='MiB'/><target dir='t'/></filesystem>",
    "crypto": "<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>",
    "nvram": "<nvram/>",
    "memory": "<memory model='dimm'><target><size unit='MiB'>128</size></target></memory>",
    "disk bare": "<disk><target dev='vda'/></disk>",
    "disk of nbd": "<disk type='network'><source protocol='nbd'><host name='h'/></source><target dev='vda'/></disk>",
    "disk of http": "<disk type='network' device='cdrom'><source protocol='http' name='x'><host name='h'/></source>"
    "<target dev='sda'/></disk>",
    "disk beside scsi": "<controller type='scsi' model='virtio-scsi'/>" + disk("sda"),
    "disk to be read": disk("vda").replace("</disk>", "<readonly/></disk>"),
    "disk that is shared": disk("vda").replace("</disk>", "<shareable/></disk>"),
    "disk that is transient": disk("vda").replace("</disk>", "<transient/></disk>"),
}
