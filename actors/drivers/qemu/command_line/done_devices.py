"""What the driver does of a document's `<devices>`; `undone` says what these tables mean."""

from __future__ import annotations

from typing import Any

_DEVICE = "boot_order alias rom rom_bar rom_file acpi_index address"
_VIRTIO = f"iommu ats packed page_per_vq {_DEVICE}"
_CHARACTER = (
    "type source_mode source_path source_append source_channel source_host source_service source_tls reconnect "
    "source_labels second_mode second_host second_service reconnect_timeout clipboard mouse protocol log_file "
    f"log_append {_DEVICE}"
)
_HOST_SIDES = "pty null file unix vc dev pipe stdio udp tcp spicevmc spiceport qemu-vdagent dbus"

_BURST = ("", "_max", "_max_length")

DONE: dict[str, frozenset[str]] = {
    name: frozenset(names.split())
    for name, names in {
        "Devices": (
            "emulator disks controllers filesystems interfaces smartcards serials parallels consoles channels inputs "
            "tpms graphics sounds audios videos redirdevs redirfilter hubs watchdogs memballoon rngs panics shmems "
            "memories iommu vsock cryptos"
        ),
        "Disk": (
            "type device model rawio sgio snapshot driver source fd_group source_dev source_dir protocol source_name "
            "query startup_policy source_index hosts slices ssl_verify readahead timeout backing cylinders heads "
            "sectors translation logical_block_size physical_block_size discard_granularity target bus tray removable "
            "rotation_rate iotune readonly shareable transient mirror source_labels serial wwn vendor product "
            f"{_DEVICE}"
        ),
        "DiskDriver": (
            "name type cache error_policy read_error_policy io ioeventfd event_idx copy_on_read discard iothread "
            "detect_zeroes queues queue_size iommu ats packed page_per_vq metadata_cache"
        ),
        "Transient": "share_backing",
        "DeviceLabel": "model relabel labelskip label",
        "DiskHost": "name port transport socket",
        "Slice": "type offset size",
        "IoTune": " ".join(
            [
                *(f"{d}_{u}{s}" for d in ("total", "read", "write") for u in ("bytes_sec", "iops_sec") for s in _BURST),
                *("size_iops_sec", "group_name"),
            ]
        ),
        "Controller": (
            "type index model ports vectors driver pci_model chassis_number chassis port bus_number hotplug node "
            f"pcihole64 master_startport {_DEVICE}"
        ),
        "ControllerDriver": "queues cmd_per_lun max_sectors ioeventfd iothread iommu ats packed page_per_vq",
        "Interface": (
            f"type mac model driver link mtu addresses source_address source_port local_address local_port {_DEVICE}"
        ),
        "InterfaceDriver": (
            "name txmode ioeventfd event_idx queues rx_queue_size tx_queue_size rss rss_hash_report iommu ats packed "
            "page_per_vq host guest"
        ),
        "InterfaceAddress": "address family prefix peer",
        "Offloads": "csum gso tso4 tso6 ecn ufo mrg_rxbuf",
        "Serial": f"{_CHARACTER} target_type target_port target_model",
        "Console": f"{_CHARACTER} tty target_type target_port",
        "Parallel": f"{_CHARACTER} target_port",
        "Channel": f"{_CHARACTER} target_type name forward_address forward_port state",
        "Input": f"type bus model source_device event_device grab grab_toggle repeat {_VIRTIO}",
        "Graphics": (
            "type socket port tls_port autoport websocket websocket_generated peer_to_peer bus_address listen keymap "
            "share_policy power_control default_mode password password_valid_to connected listens channels "
            "image_compression jpeg_compression zlib_compression playback_compression streaming mouse clipboard "
            "file_transfer gl render_node audio"
        ),
        "Listen": "type address socket",
        "SpiceChannel": "name mode",
        "Sound": f"model multichannel codecs audio {_DEVICE}",
        "Audio": "id type timer_period path server_name try_mmap exclusive dsp_policy input output",
        "AudioDirection": (
            "mixing_engine fixed_settings voices buffer_length dev try_poll buffer_count server_name client_name "
            "connect_ports exact_name name stream_name latency frequency channels format"
        ),
        "Video": f"driver model ram vram vram64 vgamem heads primary blob accel3d width height {_DEVICE}",
        "VideoDriver": "name iommu ats packed page_per_vq",
        "Filesystem": (
            f"type accessmode model multidevs fmode dmode driver server source_directory source_socket target readonly "
            f"{_DEVICE}"
        ),
        "FilesystemDriver": "type wrpolicy queue iommu ats packed",
        "FilesystemServer": "path xattr cache sandbox posix_lock flock threads",
        "Smartcard": (
            f"mode type source_mode source_path source_host source_service protocol certificates database {_DEVICE}"
        ),
        "RedirectedDevice": f"bus type source_mode source_path source_host source_service protocol {_DEVICE}",
        "RedirectionFilter": "rules",
        "UsbFilter": "usb_class vendor product version allow",
        "Hub": f"type {_DEVICE}",
        "Watchdog": f"model action {_DEVICE}",
        "Panic": f"model {_DEVICE}",
        "Iommu": f"model intremap caching_mode eim iotlb aw_bits {_DEVICE}",
        "Vsock": f"model auto cid {_VIRTIO}",
        "Crypto": f"model type backend queues {_VIRTIO}",
        "Tpm": (
            "model backend version persistent_state debug device sha1 sha256 sha384 sha512 source_type source_mode "
            f"source_path {_DEVICE}"
        ),
        "SharedMemory": f"name role model size server vectors ioeventfd {_DEVICE}",
        "MemoryDevice": (
            "model access discard uuid nodemask pagesize path alignsize pmem size node label_size readonly block "
            f"requested current base {_DEVICE}"
        ),
        "Memballoon": f"model autodeflate free_page_reporting stats_period {_VIRTIO}",
        "Rng": f"model rate_bytes rate_period backend server_type servers server_protocol source {_VIRTIO}",
        "RandomnessServer": "mode host service path",
        "CcidAddress": "controller slot",
        "DimmAddress": "slot base",
        "PciAddress": "domain bus slot function multifunction",
        "DriveAddress": "controller bus target unit",
        "VirtioSerialAddress": "controller bus port",
        "IsaAddress": "iobase irq",
        "UsbAddress": "bus port",
        "MmioAddress": "reg",
    }.items()
}

VALUES: dict[str, frozenset[Any]] = {
    name: frozenset(values.split())
    for name, values in {
        "Disk.type": "file block dir network",
        "Disk.sgio": "filtered",
        "Disk.protocol": "nbd http https ftp ftps",
        "Disk.bus": "virtio ide sata scsi usb fdc",
        "DiskHost.transport": "tcp unix",
        "DiskDriver.name": "qemu",
        "DiskDriver.type": "raw qcow2 qcow qed vmdk vpc vdi bochs cloop dmg fat",
        "Controller.type": "pci usb ide sata virtio-serial scsi fdc ccid",
        "Interface.type": "user server client mcast udp",
        "InterfaceDriver.name": "qemu",
        "Serial.type": _HOST_SIDES,
        "Serial.target_type": "isa-serial pci-serial usb-serial isa-debug",
        "Parallel.type": _HOST_SIDES,
        "Console.type": _HOST_SIDES,
        "Console.target_type": "serial virtio",
        "Channel.type": _HOST_SIDES,
        "Channel.target_type": "virtio guestfwd",
        "Input.bus": "ps2 usb virtio none",
        "Graphics.type": "vnc spice egl-headless dbus",
        "Listen.type": "address socket none",
        "VideoDriver.name": "qemu",
        "Filesystem.type": "mount",
        "FilesystemDriver.type": "path virtiofs",
        "Watchdog.model": "i6300esb ib700 itco",
        "Watchdog.action": "reset shutdown poweroff pause none inject-nmi dump",
        "Panic.model": "isa hyperv pvpanic",
        "Iommu.model": "intel virtio",
        "Tpm.model": "tpm-tis tpm-crb",
        "SharedMemory.model": "ivshmem-plain ivshmem-doorbell",
        "MemoryDevice.model": "dimm nvdimm virtio-pmem virtio-mem",
        "RedirectedDevice.type": _HOST_SIDES,
        "Smartcard.type": _HOST_SIDES,
        "Video.model": "default vga cirrus vmvga qxl virtio bochs ramfb none",
        "Memballoon.model": "virtio none virtio-transitional virtio-non-transitional",
    }.items()
} | {"Disk.rawio": frozenset({False})}
