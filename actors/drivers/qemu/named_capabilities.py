"""`<qemu:capabilities>`: a document takes away from QEMU what it can do, or says that it can do it.

The names are libvirt's own: of devices, objects and properties of QEMU's that libvirt looks for. What they mean here:

- The name of a device, an object or an accelerator (or what ``RENAMED`` makes of it) is one thing more or less that the
  guest's QEMU has: a definition that needs what was taken away does not start.
- The other names that libvirt 9.0 knows decide nothing here (``WITHOUT_MEANING``): the document keeps them.
- A name that libvirt does not know is refused when the guest starts, as by libvirt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ....wire.documents.domain import DomainDefinition
from ....wire.errors import MonitorFailure, UnsupportedConfig
from .capabilities import Capabilities

# Devices of QEMU's that libvirt calls otherwise.
RENAMED: dict[str, tuple[str, ...]] = {
    "ccid-emulated": ("ccid-card-emulated",),
    "ccid-passthru": ("ccid-card-passthru",),
    "dmi-to-pci-bridge": ("i82801b11-bridge",),
    "ich9-usb-ehci1": ("ich9-usb-ehci1", "ich9-usb-uhci1", "ich9-usb-uhci2", "ich9-usb-uhci3"),
    "lsi": ("lsi53c895a",),
    "qxl": ("qxl", "qxl-vga"),
    "vhost-user-fs": ("vhost-user-fs-pci", "vhost-user-fs-device"),
    "vhost-vsock": ("vhost-vsock-pci", "vhost-vsock-device"),
    "virtio-gpu": ("virtio-gpu-pci", "virtio-gpu-device"),
    "virtio-input-host": ("virtio-input-host-pci", "virtio-input-host-device"),
    "virtio-keyboard": ("virtio-keyboard-pci", "virtio-keyboard-device"),
    "virtio-mouse": ("virtio-mouse-pci", "virtio-mouse-device"),
    "virtio-net": ("virtio-net-pci", "virtio-net-device"),
    "virtio-rng": ("virtio-rng-pci", "virtio-rng-device"),
    "virtio-scsi-pci": ("virtio-scsi-pci", "virtio-scsi-device"),
    "virtio-tablet": ("virtio-tablet-pci", "virtio-tablet-device"),
}
# Devices and objects that are called alike, whether this QEMU has them or not.
_ALIKE = """
VGA am53c974 bochs-display cirrus-vga dc390 e1000 hda-duplex hda-micro hda-output ich9-ahci ich9-intel-hda
input-linux intel-iommu ioh3420 iothread isa-serial ivshmem-doorbell ivshmem-plain megasas memory-backend-file
memory-backend-memfd memory-backend-ram mptsas1068 nec-usb-xhci nvdimm pc-dimm pci-bridge pci-ohci pci-serial
pcie-pci-bridge pcie-root-port piix3-usb-uhci piix4-usb-uhci pvpanic pvscsi pxb pxb-pcie qemu-xhci ramfb rng-builtin
rng-egd rng-random rtl8139 scsi-block tpm-crb tpm-tis usb-audio usb-ehci usb-hub usb-kbd usb-redir usb-serial
usb-storage virtio-gpu-gl-pci virtio-iommu-pci virtio-mem-pci virtio-pmem-pci virtio-vga virtio-vga-gl vmcoreinfo
vmgenid vmware-svga x3130-upstream xio3130-downstream
"""
_WITHOUT_MEANING = """
VGA.vgamem_mb acpi-index active-commit aio.io_uring block-export-add blockdev blockdev-backup blockdev-hostdev-scsi
blockdev-reopen blockdev-snapshot.allow-write-only-overlay blockdev.nbd.tls-hostname calc-dirty-rate
canonical-cpu-features chardev-fd-pass chardev-file-append chardev-logfile chardev-reconnect chardev.json
chardev.qemu-vdagent compat-deprecated confidential-guest-support cpu-cache cpu-max cpu-unavailable-features
cpu.migratable dbus-vmstate debug-threads device.json device.json+hotplug dirtyrate-param.mode disable-s3 disable-s4
disk-write-cache display display-dbus drive-detect-zeroes drive-iotune drive-nvme dump-completed egl-headless
egl-headless.rendernode fsdev.createmode fsdev.multidevs fw_cfg gpex-pcihost i8042 ich9-disable-s3 ich9-disable-s4
ide-drive.wwn incremental-backup intel-iommu.aw-bits intel-iommu.caching-mode intel-iommu.device-iotlb
intel-iommu.eim intel-iommu.intremap iothread.poll-max-ns iothread.thread-pool-max ipv6-migration
kvm-pit-lost-tick-policy machine-iommu machine-vmport-opt mch mch.extended-tseg-mbytes memory-backend-file.pmem
memory-backend-file.prealloc-threads memory-backend-file.reserve
memory-backend-file.x-use-canonical-path-for-ramblock-id memory-backend-memfd.hugetlb migrate-rdma
migration-file-drop-cache migration-param.bandwidth migration-param.block-bitmap-mapping migration-param.downtime
migration-param.xbzrle-cache-size migration.blocked-reasons name-guest nbd-bitmap nbd-tls netdev.json netdev.stream
netdev.vhost-vdpa no-acpi no-hpet numa.hmat nvdimm.unarmed object.qapified pci-multibus pcie-root-port.hotplug
piix4.acpi-root-pci-hotplug pr-manager-helper qcow2-luks qom-list-properties query-cpu-definitions
query-cpu-model-expansion query-dirty-rate query-display-options query-hotpluggable-cpus
query-named-block-nodes.flat query-stats query-stats-schemas qxl.vgamem_mb qxl.vram64_size_mb rbd-encryption
rotation-rate rtc-reset-reinjection savevm-monitor-nodes screendump_device screenshot-format-png scsi-disk.channel
scsi-disk.wwn sdl seccomp-blacklist secret set-action sev-guest-kernel-hashes sev-inject-launch-secret smp-dies
spice spice-gl spice-rendernode thread-context tpm-emulator tpm-passthrough tpm-spapr transaction
usb-host.guest-resets-all usb-host.hostdevice usb-net usb-redir.filter usb-storage.removable usb-storage.werror
vfio-pci vfio-pci.display vhost-scsi vhost-user-blk vhost-user-fs.bootindex vhost-user-gpu vhost-user-vga
virtio-balloon-pci.deflate-on-oom virtio-balloon.free-page-reporting virtio-blk-pci.scsi
virtio-blk-pci.scsi.default.disabled virtio-blk.queue-size virtio-iommu.boot-bypass virtio-mem-pci.prealloc
virtio-mmio virtio-net.failover virtio-net.rss virtio-pci-non-transitional virtio-scsi-pci.iothread
vmware-svga.vgamem_mb vnc vnc-multi-servers vnc-opts vnc-power-control vnc-websocket x86-max-cpu
"""
ALIKE = frozenset(_ALIKE.split())
WITHOUT_MEANING = frozenset(_WITHOUT_MEANING.split())
SANDBOX = "seccomp-sandbox"
ACCELERATORS = ("kvm", "tcg")


def with_named(capabilities: Capabilities, definition: DomainDefinition) -> Capabilities:
    """What the emulator of this guest can do by the word of its document.

    Raises MonitorFailure for an unknown name, UnsupportedConfig for a guest that cannot do without what it loses.
    """
    if definition.type == "qemu" and "tcg" in definition.qemu_capabilities_removed:
        raise UnsupportedConfig(f"Emulator '{capabilities.binary}' does not support virt type 'qemu'")
    for name in definition.qemu_capabilities_added:
        capabilities = _changed(capabilities, name, there=True)
    for name in definition.qemu_capabilities_removed:
        capabilities = _changed(capabilities, name, there=False)
    return capabilities


def _changed(capabilities: Capabilities, name: str, *, there: bool) -> Capabilities:
    if name == SANDBOX:
        options = {option: has for option, has in capabilities.options.items() if option != "sandbox"}
        return capabilities if there else replace(capabilities, options=options)
    if name in ACCELERATORS:
        return _accelerator(capabilities, name, there=there)
    if name in WITHOUT_MEANING:
        return capabilities
    types = RENAMED.get(name, (name,) if name in ALIKE else ())
    if not types:
        raise MonitorFailure(f"invalid qemu namespace capability '{name}'")
    return replace(
        capabilities,
        devices=_with(capabilities.devices, types, there=there),
        objects=_with(capabilities.objects, types, there=there),
    )


def _with(known: frozenset[str], types: Iterable[str], *, there: bool) -> frozenset[str]:
    return known | set(types) if there else known - set(types)


def _accelerator(capabilities: Capabilities, name: str, *, there: bool) -> Capabilities:
    """KVM is where it was seen to run guests: nobody's word brings it about."""
    return replace(capabilities, kvm=False) if name == "kvm" and not there else capabilities
