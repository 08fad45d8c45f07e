"""What virt-install is asked for: real-world definitions by the options that make them.

A recipe is a name and options. `{images}` is the folder with the images. Every guest has a disk and a card on QEMU's
own network unless its recipe says something of them.
"""

from __future__ import annotations

from collections.abc import Iterator

OSES = (
    *("debian11", "debian10", "debian7", "ubuntu22.04", "ubuntu16.04", "ubuntu10.04", "fedora37", "fedora20"),
    *("rhel9.0", "rhel8.5", "rhel7.9", "rhel6.10", "rhel5.4", "rhel4.8", "centos7.0", "centos-stream9"),
    *("opensuse15.4", "alpinelinux3.15", "archlinux", "gentoo", "cirros0.5.2", "slackware14.2"),
    *("win11", "win10", "win8.1", "win7", "winxp", "win2k", "win98", "win2k22", "win2k19", "win2k12r2", "win2k3"),
    *("freebsd13.0", "openbsd7.0", "netbsd9.0", "solaris11", "freedos1.2", "msdos6.22"),
    *("haikur1beta2", "netware6", "macosx10.7", "linux2022", "generic"),
)
DISK = "--disk {images}/a.qcow2,format=qcow2"
CARD = "--network user"

DISKS = {
    **{f"disk on {bus}": f"--disk {{images}}/a.qcow2,bus={bus}" for bus in ("virtio", "sata", "scsi", "usb", "ide")},
    **{
        f"disk with cache {mode}": f"--disk {{images}}/b.img,format=raw,cache={mode},io={io}"
        for mode, io in (
            *(("none", "native"), ("writethrough", "threads"), ("writeback", "io_uring"), ("directsync", "native")),
            ("unsafe", "threads"),
        )
    },
    "disk that unmaps": "--disk {images}/b.img,discard=unmap,detect_zeroes=unmap",
    "disk with error policies": "--disk {images}/b.img,error_policy=stop"
    " --xml ./devices/disk/driver/@rerror_policy=report",
    "disk with a serial number": "--disk {images}/b.img,serial=WD-WMAP9A966149,bus=sata",
    "disk that is shared": "--disk {images}/b.img,format=raw,shareable=yes,cache=none",
    "disk to be read": "--disk {images}/b.img,readonly=yes,bus=virtio",
    "disk with queues": "--disk {images}/b.img,driver.queues=4 --xml ./devices/disk/driver/@queue_size=256 --vcpus 4",
    "disk with an I/O thread": "--disk {images}/b.img,driver.iothread=1,cache=none --iothreads 2",
    "disk with limits": "--disk {images}/b.img,iotune.read_bytes_sec=1000000,iotune.write_iops_sec=100",
    "disk with limits on all": "--disk {images}/b.img,iotune.total_bytes_sec=1000000,iotune.total_iops_sec=100",
    "disk with blocks of its own": "--disk {images}/b.img"
    ",blockio.logical_block_size=512,blockio.physical_block_size=4096",
    "disk with a name of its own": "--disk {images}/b.img,target.dev=vdz",
    "disk that copies": "--disk {images}/a.qcow2,driver.copy_on_read=on",
    "disk with a rotation rate": "--disk {images}/b.img,bus=sata,target.rotation_rate=7200",
    "disk that is removable": "--disk {images}/b.img,bus=usb,target.removable=on",
    "disk at an address": "--disk {images}/b.img,address.type=pci,address.bus=0,address.slot=16",
    "disk to boot from first": "--disk {images}/b.img,boot.order=1 --network user,boot.order=2",
    "disk on virtio-scsi": "--controller type=scsi,model=virtio-scsi --disk {images}/b.img,bus=scsi",
    "disk that is transitional": "--disk {images}/b.img --xml ./devices/disk/@model=virtio-transitional",
    "disks on all buses": (
        "--disk {images}/a.qcow2 --disk {images}/b.img,bus=sata --disk {images}/c.img,bus=scsi"
        " --disk {images}/d.img,bus=usb"
    ),
    "many disks": " ".join(f"--disk {{images}}/{letter}.img" for letter in "bcdefgh"),
    "many disks on sata": " ".join(f"--disk {{images}}/{letter}.img,bus=sata" for letter in "bcdefgh"),
    "many disks on virtio-scsi": "--controller type=scsi,model=virtio-scsi "
    + " ".join(f"--disk {{images}}/{letter}.img,bus=scsi" for letter in "bcdefgh"),
    "cdrom": f"{DISK} --disk {{images}}/c.iso,device=cdrom",
    "cdrom that is empty": f"{DISK} --disk device=cdrom",
    "cdrom on scsi": f"{DISK} --disk {{images}}/c.iso,device=cdrom,bus=scsi",
    "cdrom on usb": f"{DISK} --disk {{images}}/c.iso,device=cdrom,bus=usb",
    "cdrom that is optional": f"{DISK} --disk {{images}}/c.iso,device=cdrom,startup_policy=optional",
    "floppy": f"{DISK} --disk {{images}}/floppy.img,device=floppy",
    "floppies on pc": f"--machine pc {DISK} --disk {{images}}/floppy.img,device=floppy --disk device=floppy",
    "disk on ide on pc": "--machine pc --disk {images}/b.img,bus=ide --disk {images}/c.iso,device=cdrom,bus=ide",
    "disk of nbd": "--disk source.protocol=nbd,source.name=export,source.host.name=127.0.0.1,source.host.port=1",
    "disk of https": "--disk source.protocol=https,source.name=a.img,source.host.name=127.0.0.1,source.host.port=1",
    "disk of rbd": "--disk source.protocol=rbd,source.name=pool/image,source.host.name=ceph",
}
CONTROLLERS = {
    **{
        f"scsi controller {model}": f"{DISK} --controller type=scsi,model={model}"
        for model in ("virtio-scsi", "lsilogic", "lsisas1068", "lsisas1078", "vmpvscsi", "virtio-transitional")
    },
    **{
        f"usb controller {model}": f"{DISK} --controller type=usb,model={model}"
        for model in ("qemu-xhci", "nec-xhci", "piix3-uhci", "ehci", "pci-ohci", "ich9-ehci1")
    },
    "usb 2": f"{DISK} --controller usb2",
    "usb 3": f"{DISK} --controller usb3",
    "no usb": f"{DISK} --controller usb,model=none --input type=keyboard,bus=ps2 --graphics vnc",
    "virtio-serial controllers": (
        f"{DISK} --controller type=virtio-serial,index=0,vectors=2"
        " --xml ./devices/controller/@ports=4 --channel unix,target.type=virtio,target.name=a"
    ),
    "sata controllers": f"{DISK} --controller type=sata,index=1",
    "smartcard reader": f"{DISK} --controller type=ccid --smartcard passthrough,type=spicevmc --graphics spice",
    "pci bridges": f"--machine pc {DISK} --controller type=pci,index=1,model=pci-bridge",
    "pci express switches": (
        f"{DISK} --controller type=pci,index=1,model=pcie-root-port"
        " --controller type=pci,index=2,model=pcie-switch-upstream-port"
        " --controller type=pci,index=3,model=pcie-switch-downstream-port"
    ),
    "pci express to pci": f"{DISK} --controller type=pci,index=1,model=pcie-root-port"
    " --controller type=pci,index=2,model=pcie-to-pci-bridge",
    "dmi to pci": f"{DISK} --controller type=pci,index=1,model=dmi-to-pci-bridge",
    "pci expanders": f"{DISK} --controller type=pci,index=1,model=pcie-expander-bus,target.busNr=180",
    "virtio-scsi with queues": (
        f"{DISK} --controller type=scsi,model=virtio-scsi,driver.queues=4,driver.iothread=1 --iothreads 1 --vcpus 4"
    ),
}
CARDS = {
    **{
        f"card {model}": f"--network user,model={model}"
        for model in (
            *("virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "pcnet", "ne2k_pci", "tulip", "virtio-transitional"),
            "virtio-non-transitional",
        )
    },
    "cards": "--network user --network user,model=e1000 --network user,model=rtl8139",
    "card with an mtu": "--network user,mtu.size=1400",
    "card whose link is down": "--network user,link.state=down",
    "card with a rom": "--network user,rom.bar=off",
    "card without a rom": "--network user --xml ./devices/interface/rom/@enabled=no",
    "card with a driver": "--network user --xml ./devices/interface/driver/@rx_queue_size=512",
    "card with offloads": "--network user --xml ./devices/interface/driver/host/@csum=off",
    "no card": "--network none",
    "card of a network": "--network network=default",
    "card on a bridge": "--network bridge=br0",
    "card on a card": "--network type=direct,source=eth0,source.mode=bridge",
}
SCREENS = {
    "vnc": "--graphics vnc",
    "vnc with all": "--graphics vnc,port=5950,listen=0.0.0.0,password=secret,keymap=de",
    "vnc on any address": "--graphics vnc,listen=::",
    "vnc for browsers": "--graphics vnc,websocket=5790",
    "vnc on a socket": "--graphics vnc,listens0.type=socket",
    "spice": "--graphics spice",
    "spice with all": (
        "--graphics spice,port=5951,listen=127.0.0.1,password=secret,image.compression=off,streaming.mode=all,"
        "clipboard.copypaste=no,filetransfer.enable=no,mouse.mode=client"
    ),
    "spice without a port": "--graphics spice,listen=none",
    "spice on a socket": "--graphics spice,listens0.type=socket",
    "vnc and spice": "--graphics vnc --graphics spice",
    "spice with gl": "--graphics spice,gl.enable=yes,listen=none --video virtio,accel3d=yes",
    "no screen": "--graphics none",
    "sdl": "--graphics sdl",
    **{
        f"video {model}": f"--graphics vnc --video {model}"
        for model in ("vga", "cirrus", "vmvga", "qxl", "virtio", "bochs", "ramfb", "none")
    },
    "videos": "--graphics spice --video qxl --video qxl",
    "video with heads": "--graphics vnc --video virtio,model.heads=2",
    "video with memory": "--graphics spice --video qxl,model.ram=131072,model.vram=131072,model.vgamem=32768",
    "video with a resolution": "--graphics vnc --video virtio --xml ./devices/video/model/resolution/@x=1280"
    " --xml ./devices/video/model/resolution/@y=720",
    **{f"sound {model}": f"--sound {model}" for model in ("ich6", "ich9", "ac97", "es1370", "sb16", "usb", "pcspk")},
    "sound with codecs": "--sound model=ich6,codec0.type=micro,codec1.type=duplex",
    "sound to a file": "--sound ich9 --audio id=1,type=none",
    "inputs": "--input mouse,bus=usb --input keyboard,bus=virtio --input tablet,bus=virtio",
    "input of the host's": "--input type=passthrough,bus=virtio,source.evdev=/dev/input/event0",
    "input by evdev": "--input type=evdev,source.dev=/dev/input/event0,source.grab=all",
}
CHARACTERS = {
    "serial port": "--serial pty",
    "serial port to a file": "--serial file,path={images}/serial.log",
    "serial port on tcp": "--serial tcp,host=127.0.0.1:0,mode=bind,protocol=telnet",
    "serial port on udp": "--serial udp,source.host=127.0.0.1,source.service=4555,source.mode=connect",
    "serial port on a socket": "--serial unix,path={images}/serial.sock,mode=bind",
    "serial port to nothing": "--serial null",
    "serial port to a device": "--serial dev,path=/dev/ttyS0",
    "serial ports": "--serial pty --serial pty,target.type=pci-serial --serial pty,target.type=usb-serial",
    "serial port that is logged": "--serial pty,log.file={images}/log,log.append=on",
    "parallel port": "--parallel null",
    "console of virtio": "--console pty,target.type=virtio",
    "consoles": "--console pty,target.type=serial --console pty,target.type=virtio",
    "no console": "--console none",
    "agent": "--channel unix,target.type=virtio,target.name=org.qemu.guest_agent.0",
    "channels": (
        "--channel unix,target.type=virtio,target.name=org.qemu.guest_agent.0 --channel spicevmc"
        " --channel pty,target.type=virtio,target.name=a --channel null,target.type=virtio,target.name=b"
        " --graphics spice"
    ),
    "channel to a port": "--channel spiceport,source.channel=org.a.b,target.type=virtio,target.name=port"
    " --graphics spice",
    "channel to a clipboard": "--channel qemu-vdagent,source.clipboard.copypaste=on,target.type=virtio",
    "channel to an address": "--channel null,target.type=guestfwd,target.address=10.0.2.100,target.port=4600",
    "usb redirection": "--graphics spice --redirdev usb,type=spicevmc --redirdev usb,type=tcp,server=127.0.0.1:4000",
}
BOARD = {
    "tpm": "--tpm model=tpm-crb,backend.type=emulator,backend.version=2.0",
    "tpm tis": "--tpm model=tpm-tis,backend.type=emulator",
    "tpm of the host's": "--tpm /dev/tpm0",
    "randomness": "--rng /dev/random",
    "randomness with a rate": "--rng /dev/urandom,rate.bytes=1000,rate.period=2000",
    "randomness of qemu's": "--rng builtin",
    "randomness of a server's": "--rng egd,backend.source.host=127.0.0.1"
    ",backend.source.service=1,backend.source.mode=bind"
    " --xml ./devices/rng/backend/@type=tcp",
    **{f"watchdog {model}": f"--watchdog {model},action=poweroff" for model in ("i6300esb", "ib700")},
    "watchdog that resets": "--watchdog default",
    "balloon": "--memballoon virtio,autodeflate=on,freePageReporting=on,stats.period=10",
    "no balloon": "--memballoon none",
    "panic": "--panic isa",
    "panic at a port": "--panic iobase=0x505",
    "vsock": "--vsock cid.auto=yes",
    "vsock with a number": "--vsock cid.address=7",
    "iommu": "--iommu model=intel,driver.caching_mode=on,driver.iotlb=on --features ioapic.driver=qemu",
    "shared memory": "--shmem name=virtactor-corpus,role=peer,model.type=ivshmem-plain,size=1,size.unit=M",
    "filesystem": "--filesystem {images}/share,mount",
    "filesystem mapped": "--filesystem source={images}/share,target=mount,accessmode=mapped,fmode=0755,dmode=0700",
    "filesystem of virtiofs": (
        "--filesystem source={images}/share,target=mount,driver.type=virtiofs"
        " --memorybacking source.type=memfd,access.mode=shared"
    ),
    "memory module": (
        "--memory 512,maxMemory=1024,maxMemory.slots=4 --memdev dimm,target.size=128,target.node=0"
        " --cpu cell0.cpus=0,cell0.memory=393216 --vcpus 1"
    ),
    "memory that stays": (
        "--memory 512,maxMemory=1024,maxMemory.slots=4"
        " --memdev nvdimm,source.path={images}/nv,target.size=8,target.node=0"
        " --xml ./devices/memory/target/label/size=128"
        " --cpu cell0.cpus=0,cell0.memory=516096 --vcpus 1"
    ),
    "pci device of the host's": "--hostdev 0000:00:02.0",
}
MACHINE = {
    "machine pc": "--machine pc",
    "machine q35": "--machine q35",
    "uefi": "--boot uefi",
    "uefi chosen": "--boot firmware=efi",
    "uefi without keys": "--boot firmware=efi,firmware.feature0.name=secure-boot,firmware.feature0.enabled=no",
    "boot menu": "--boot menu=on,bootmenu.timeout=3000",
    "boot order": "--boot network,cdrom,hd",
    "boot a kernel": "--boot kernel={images}/kernel,initrd={images}/initrd,kernel_args='console=ttyS0 quiet'",
    "boot with a serial bios": "--boot useserial=on,rebootTimeout=1000",
    "processors": "--vcpus 4,sockets=1,cores=2,threads=2",
    "processors that come later": "--vcpus 2,maxvcpus=8",
    "processor model": "--cpu EPYC",
    "processor model with features": "--cpu Skylake-Server,+vmx,-svm,disable=mpx",
    "processor of the host's": "--cpu host-model",
    "processor at most": "--cpu mode=maximum",
    "nodes": "--vcpus 4 --cpu cell0.cpus=0-1,cell0.memory=262144,cell1.cpus=2-3,cell1.memory=262144",
    "memory that is shared": "--memorybacking source.type=memfd,access.mode=shared",
    "memory that is locked": "--memorybacking locked=yes --memtune hard_limit=2097152",
    "memory that can grow": "--memory 512,maxmemory=1024,currentMemory=256",
    "huge pages": "--memorybacking hugepages=yes",
    "clock": "--clock offset=localtime,rtc_tickpolicy=catchup,hpet_present=no",
    "features": "--features acpi=on,apic=on,pae=on,smm.state=on,vmcoreinfo.state=on,pmu=off",
    "hyper-v": "--features hyperv.relaxed.state=on,hyperv.vapic.state=on"
    ",hyperv.spinlocks.state=on,hyperv.spinlocks.retries=8191",
    "events": "--events on_poweroff=destroy,on_reboot=restart,on_crash=restart",
    "pm": "--pm suspend_to_mem.enabled=on,suspend_to_disk.enabled=off",
    "threads pinned": "--cputune vcpupin0.vcpu=0,vcpupin0.cpuset=0 --vcpus 2",
    "firmware tables": "--sysinfo bios.vendor=Acme,bios.version=1,system.manufacturer=Acme,system.product=Box",
    "firmware configuration": "--sysinfo type=fwcfg,entry0.name=opt/a,entry0=b",
    "limits": "--memtune hard_limit=4194304,soft_limit=2097152 --blkiotune weight=500",
    "words of its own": "--qemu-commandline='-device pvpanic-pci,id=mine,bus=pcie.0,addr=0x1e'",
    "title and description": "--metadata title='A title',description='About it'",
    "boots from the network": "--pxe",
    "installs from a cdrom": "--cdrom {images}/c.iso",
    "security label": "--seclabel type=none,model=dac",
}
FAMILIES = (DISKS, CONTROLLERS, CARDS, SCREENS, CHARACTERS, BOARD, MACHINE)


def recipes() -> Iterator[tuple[str, str]]:
    """Every recipe, its options complete."""
    for name in OSES:
        yield name, f"--osinfo {name} --memory 2048 --vcpus 2 {DISK} {CARD} --import"
    for family in FAMILIES:
        for name, options in family.items():
            yield name, completed(options)


def completed(options: str) -> str:
    """Options with what every guest needs and these do not say."""
    needed = {
        "--osinfo": "--osinfo debian11",
        "--memory ": "--memory 512",
        "--disk": DISK,
        "--network": CARD,
        "--graphics": "--graphics none",
        "--vcpus": "--vcpus 1",
    }
    missing = [words for option, words in needed.items() if option not in options]
    install = "" if any(word in options for word in ("--pxe", "--cdrom")) else "--import"
    return " ".join([options, *missing, install]).strip()
