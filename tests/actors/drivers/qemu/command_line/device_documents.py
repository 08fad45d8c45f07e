"""Definitions that say as much as they can inside `<devices>`, and what of it QEMU need not hear of."""

from __future__ import annotations

GUEST = """
<domain type='qemu'><name>{name}</name>{memory}<vcpu>1</vcpu>{more}
<os><type arch='x86_64' machine='{machine}'>hvm</type></os><features><acpi/></features>
<devices>{devices}</devices></domain>"""
MEMORY = "<memory unit='MiB'>64</memory>"


def guest(name: str, devices: str, machine: str = "q35", memory: str = MEMORY, more: str = "") -> str:
    return GUEST.format(name=name, devices=devices, machine=machine, memory=memory, more=more)


DISKS = guest(
    "disks",
    """
  <disk type='file' model='virtio'><driver name='qemu' type='qcow2' cache='writeback' error_policy='enospace'
    rerror_policy='report' io='io_uring' ioeventfd='off' event_idx='on' copy_on_read='on' discard='unmap' iothread='1'
    queues='2' queue_size='128' iommu='on' ats='on' packed='on' page_per_vq='on'>
    <metadata_cache><max_size unit='bytes'>1048576</max_size></metadata_cache></driver>
    <source file='/a'><slices><slice type='storage' offset='512' size='1024'/></slices></source>
    <backingStore type='file'><format type='raw'/><source file='/base'/><backingStore/></backingStore>
    <geometry cyls='16' heads='16' secs='63'/>
    <blockio logical_block_size='512' physical_block_size='4096' discard_granularity='4096'/>
    <target dev='vda' bus='virtio'/>
    <iotune><read_bytes_sec>10</read_bytes_sec><write_bytes_sec>20</write_bytes_sec><total_iops_sec>5</total_iops_sec>
      <read_bytes_sec_max>30</read_bytes_sec_max><write_bytes_sec_max>40</write_bytes_sec_max>
      <total_iops_sec_max>50</total_iops_sec_max><size_iops_sec>4096</size_iops_sec><group_name>g</group_name>
      <read_bytes_sec_max_length>2</read_bytes_sec_max_length>
      <write_bytes_sec_max_length>3</write_bytes_sec_max_length>
      <total_iops_sec_max_length>4</total_iops_sec_max_length></iotune>
    <serial>s</serial><rom bar='on' file='/rom'/><acpi index='3'/></disk>
  <disk type='block' device='lun'><driver name='qemu' type='raw' error_policy='stop' rerror_policy='ignore'/>
    <source dev='/dev/loop7'/><target dev='sda' bus='scsi'/><shareable/></disk>
  <disk type='file' device='cdrom'><source file='/c' startupPolicy='optional'/><target dev='sdb' bus='scsi'
    tray='open'/><wwn>5000c50015ea71ad</wwn><vendor>ACME</vendor><product>Drive</product></disk>
  <disk type='network'><source protocol='https' name='/x' query='a=b'><host name='h' port='1443'/><ssl verify='no'/>
    <readahead size='65536'/><timeout seconds='9'/></source><target dev='sdc' bus='scsi' rotation_rate='1'/></disk>
  <disk type='network'><source protocol='nbd' name='e'><host name='h' port='10'/></source>
    <target dev='sdd' bus='usb' removable='on'/></disk>
  <disk type='network'><source protocol='nbd'><host transport='unix' socket='/nbd'/></source>
    <target dev='sde' bus='sata'/></disk>
  <disk type='dir' device='floppy'><driver name='qemu' type='fat'/><source dir='/d'/><target dev='fda' bus='fdc'/>
    <boot order='1'/></disk>
  <controller type='scsi' index='0' model='virtio-scsi'><driver queues='2' cmd_per_lun='3' max_sectors='4'
    ioeventfd='on' iothread='1' iommu='on' ats='on' packed='on' page_per_vq='on'/></controller>
  <controller type='scsi' index='1' model='lsisas1078'/>
  <controller type='fdc' index='0'/>
  <controller type='virtio-serial' index='0' model='virtio-non-transitional'><driver iommu='on' ats='on' packed='on'
    page_per_vq='off'/></controller>
  <controller type='pci' index='0' model='pcie-root'><pcihole64 unit='KiB'>1048576</pcihole64></controller>
  <controller type='pci' index='1' model='pcie-root-port'><target chassis='5' port='0x21' hotplug='off'/></controller>
  <controller type='pci' index='2' model='pcie-switch-upstream-port'/>
  <controller type='pci' index='3' model='pcie-switch-downstream-port'><target chassis='6' port='0x3'/></controller>
  <controller type='pci' index='4' model='dmi-to-pci-bridge'/>
  <controller type='pci' index='5' model='pcie-expander-bus'><target busNr='250'><node>0</node></target></controller>
  <memballoon model='virtio-non-transitional'><driver iommu='on' ats='on' packed='on' page_per_vq='on'/></memballoon>
""",
    more="<iothreads>1</iothreads>",
)

CARDS = guest(
    "cards",
    """
  <controller type='pci' index='0' model='pci-root'><target hotplug='off'/></controller>
  <controller type='pci' index='1' model='pci-expander-bus'><target busNr='250'/></controller>
  <controller type='usb' index='0' model='qemu-xhci' ports='15'/>
  <disk type='file'><driver name='qemu' type='raw'/><source file='/a'/><geometry cyls='16' heads='16' secs='63'
    trans='lba'/><target dev='hda' bus='ide'/></disk>
  <disk type='file' device='floppy'><source file='/f'/><target dev='fdb' bus='fdc' tray='closed'/></disk>
  <interface type='user'><mac address='52:54:00:00:00:01'/><ip family='ipv4' address='10.1.0.0' prefix='24'/>
    <ip family='ipv6' address='fd00::' prefix='64'/><model type='virtio'/>
    <driver name='qemu' txmode='iothread' ioeventfd='on' event_idx='off' rx_queue_size='512' tx_queue_size='256'
      rss='on' rss_hash_report='on' iommu='on' ats='on' packed='on' page_per_vq='on'>
      <host csum='off' gso='off' tso4='off' tso6='off' ecn='off' ufo='off' mrg_rxbuf='off'/>
      <guest csum='off' tso4='off' tso6='off' ecn='off' ufo='off'/></driver>
    <mtu size='1400'/><boot order='1'/><rom enabled='no'/></interface>
  <interface type='udp'><source address='127.0.0.1' port='5000'><local address='127.0.0.1' port='5001'/></source>
    <model type='virtio-transitional'/></interface>
  <interface type='mcast'><source address='230.0.0.1' port='5558'/><model type='e1000'/></interface>
  <interface type='server'><source address='127.0.0.1' port='5559'/><model type='pcnet'/></interface>
  <interface type='client'><source address='127.0.0.1' port='5559'/><model type='ne2k_pci'/></interface>
  <serial type='tcp'><source mode='bind' host='127.0.0.1' service='2445' tls='no'/><protocol type='telnet'/>
    <log file='/log' append='on'/></serial>
  <serial type='tcp'><source mode='connect' host='127.0.0.1' service='2445'>
    <reconnect enabled='yes' timeout='7'/></source><target type='usb-serial'/></serial>
  <serial type='udp'><source mode='bind' host='127.0.0.1' service='2447'/>
    <source mode='connect' host='127.0.0.1' service='2446'/><target type='pci-serial'/></serial>
  <serial type='file'><source path='/debug'/><target type='isa-debug'/><address type='isa' iobase='0x402'/></serial>
  <parallel type='dev'><source path='/dev/parport0'/><address type='isa' iobase='0x378' irq='0x7'/></parallel>
  <parallel type='stdio'/>
  <channel type='unix'><source mode='connect' path='/u'><reconnect enabled='yes' timeout='3'/></source>
    <target type='virtio' name='u'/></channel>
  <channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>
  <channel type='spiceport'><source channel='org.a.b'/><target type='virtio' name='port'/></channel>
  <channel type='qemu-vdagent'><source><clipboard copypaste='yes'/><mouse mode='client'/></source>
    <target type='virtio' name='agent'/></channel>
  <channel type='dbus'><source channel='org.c.d'/><target type='virtio' name='bus'/></channel>
  <channel type='pipe'><source path='/p'/><target type='guestfwd' address='10.1.0.9' port='4600'/></channel>
  <channel type='vc'><target type='virtio' name='vc'/></channel>
  <input type='passthrough' bus='virtio' model='virtio'><driver iommu='on' ats='on' packed='on' page_per_vq='on'/>
    <source evdev='/dev/input/event0'/></input>
  <input type='evdev'><source dev='/dev/input/event1' grab='all' grabToggle='ctrl-ctrl' repeat='on'/></input>
  <input type='mouse' bus='usb'/>
  <smartcard mode='passthrough' type='spicevmc'/>
  <smartcard mode='host-certificates'><certificate>a</certificate><certificate>b</certificate>
    <certificate>c</certificate><database>/db</database></smartcard>
  <smartcard mode='host'><address type='ccid' controller='2' slot='0'/></smartcard>
  <redirdev bus='usb' type='spicevmc'/>
  <redirdev bus='usb' type='tcp'><source mode='connect' host='h' service='4000'/><protocol type='raw'/>
    <boot order='2'/></redirdev>
  <redirfilter><usbdev class='0x08' vendor='0x1234' product='0xbeef' version='2.56' allow='yes'/><usbdev allow='no'/>
  </redirfilter>
  <hub type='usb'/>
  <graphics type='spice' port='5905' autoport='no'/>
""",
    machine="pc",
)

DISPLAYS = guest(
    "displays",
    """
  <graphics type='vnc' websocket='5702' port='5903' powerControl='yes' autoport='no' passwd='p' connected='keep'
    passwdValidTo='2026-12-31T12:00:00' keymap='de'><audio id='2'/></graphics>
  <graphics type='spice' port='5905' tlsPort='-1' autoport='no' passwd='q' defaultMode='insecure'>
    <channel name='main' mode='insecure'/><image compression='glz'/><jpeg compression='auto'/>
    <zlib compression='never'/><playback compression='on'/><streaming mode='filter'/><mouse mode='client'/>
    <clipboard copypaste='no'/><filetransfer enable='no'/><gl enable='yes' rendernode='/dev/dri/a'/></graphics>
  <graphics type='egl-headless'><gl rendernode='/dev/dri/b'/></graphics>
  <sound model='ich6'><codec type='micro'/><codec type='output'/><audio id='2'/></sound>
  <sound model='usb' multichannel='yes'/><sound model='sb16'/><sound model='pcspk'/><sound model='ac97'/>
  <audio id='1' type='spice' timerPeriod='40'><input mixingEngine='yes' fixedSettings='yes' voices='1'
    bufferLength='9'>
    <settings frequency='44100' channels='2' format='s16'/></input><output mixingEngine='no' voices='2'/></audio>
  <audio id='2' type='oss' tryMMap='yes' exclusive='yes' dspPolicy='3'><input dev='/dev/dsp0' bufferCount='4'
    tryPoll='no'/>
    <output dev='/dev/dsp1' bufferCount='5' tryPoll='yes'/></audio>
  <audio id='3' type='jack'><input serverName='s' clientName='c' connectPorts='p' exactName='yes'/></audio>
  <audio id='4' type='pulseaudio' serverName='s'><output name='n' streamName='t' latency='5'/></audio>
  <audio id='5' type='file' path='/x.wav'/>
  <video><driver name='qemu' iommu='on' ats='on' packed='on' page_per_vq='on'/>
    <model type='virtio' heads='2' primary='yes' blob='on'><acceleration accel3d='yes'/>
    <resolution x='800' y='600'/></model></video>
  <video><model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='1'>
    <resolution x='640' y='480'/></model></video>
""",
)

BOARD = guest(
    "board",
    """
  <filesystem type='mount' accessmode='mapped' multidevs='remap' fmode='755' dmode='700'
    model='virtio-non-transitional'><driver type='path' wrpolicy='immediate' iommu='on' ats='on' packed='on'/>
    <source dir='/tmp'/><target dir='mt'/><readonly/></filesystem>
  <filesystem type='mount'><driver type='virtiofs' queue='64'/><binary path='/v' xattr='on'><cache mode='always'/>
    <sandbox mode='chroot'/><lock posix='on' flock='on'/><thread_pool size='3'/></binary><source dir='/s'/>
    <target dir='fs'/></filesystem>
  <filesystem type='mount'><driver type='virtiofs'/><source socket='/sock'/><target dir='own'/></filesystem>
  <tpm model='tpm-crb'><backend type='emulator' version='2.0' persistent_state='yes' debug='3'>
    <active_pcr_banks><sha256/></active_pcr_banks></backend></tpm>
  <watchdog model='i6300esb' action='poweroff'/>
  <watchdog model='ib700' action='poweroff'/>
  <watchdog model='itco' action='poweroff'/>
  <rng model='virtio-transitional'><driver iommu='on' ats='on' packed='on' page_per_vq='on'/>
    <backend model='egd' type='unix'><source mode='connect' path='/egd'/></backend></rng>
  <rng model='virtio'><backend model='egd' type='tcp'><source mode='bind' host='h' service='1'/><protocol type='raw'/>
    </backend></rng>
  <panic model='isa'><address type='isa' iobase='0x505'/></panic>
  <panic model='pvpanic'/>
  <shmem name='s0' role='peer'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>
  <shmem name='s1' role='master'><model type='ivshmem-doorbell'/><server path='/iv'/><msi vectors='3' ioeventfd='on'/>
  </shmem>
  <memory model='dimm' access='private' discard='no'><source><nodemask>0</nodemask><pagesize unit='KiB'>2048</pagesize>
    </source><target><size unit='MiB'>64</size><node>0</node></target>
    <address type='dimm' slot='1' base='0x100000000'/></memory>
  <memory model='nvdimm' access='shared' discard='yes'><uuid>9066901e-c90a-46ad-8b55-c18868cf92ae</uuid>
    <source><path>/nv</path><alignsize unit='KiB'>2048</alignsize><pmem/></source><target><size unit='MiB'>64</size>
    <node>0</node><label><size unit='KiB'>128</size></label><readonly/></target></memory>
  <memory model='virtio-mem'><target><size unit='MiB'>64</size><node>0</node><block unit='KiB'>2048</block>
    <requested unit='KiB'>32768</requested><address base='0x140000000'/></target></memory>
  <memory model='virtio-pmem'><source><path>/pm</path></source><target><size unit='MiB'>64</size>
    <address base='0x180000000'/></target></memory>
  <iommu model='intel'><driver intremap='off' caching_mode='on' eim='off' iotlb='on' aw_bits='48'/></iommu>
  <vsock model='virtio'><cid auto='no' address='4'/><driver iommu='on' ats='on' packed='on' page_per_vq='on'/></vsock>
  <crypto model='virtio' type='qemu'><backend model='builtin' queues='1'/><driver iommu='on' ats='on' packed='on'
    page_per_vq='on'/></crypto>
""",
    memory="<maxMemory slots='4' unit='MiB'>1024</maxMemory><memory unit='MiB'>256</memory>",
    more="""<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>""",
)

SMALL = guest(
    "small",
    """
  <disk type='file'><source file='/a'/><target dev='sda' bus='scsi'/></disk>
  <graphics type='vnc'><listen type='socket' socket='/vnc,a'/></graphics>
  <tpm model='tpm-tis'><backend type='external'><source type='unix' mode='connect' path='/tpm'/></backend></tpm>
  <iommu model='virtio'/>
  <vsock><cid auto='yes'/></vsock>
  <rng model='virtio'><backend model='builtin'/></rng>
""",
)
BUS = guest(
    "bus",
    """
  <graphics type='dbus' p2p='yes'><gl enable='yes' rendernode='/dev/dri/a'/><audio id='1'/></graphics>
  <audio id='1' type='dbus'/>
  <tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm1'/></backend></tpm>
""",
    machine="pc",
)
VIEWER = guest("viewer", "<graphics type='spice' autoport='yes'/><graphics type='vnc' websocket='-1'/>", machine="pc")
BUS_ELSEWHERE = guest("elsewhere", "<graphics type='dbus' address='unix:path=/bus'/>", machine="pc")

DEVICES = (DISKS, CARDS, DISPLAYS, BOARD, SMALL, BUS, VIEWER, BUS_ELSEWHERE)

# See NEUTRAL of test_drops_nothing.
NEUTRAL_OF_DEVICES: dict[str, str] = {
    "Device.rom=True": "it is there unless it is taken out",
    "Disk.model=None": "virtio",
    "Disk.model=virtio": "as it is anyway",
    "Disk.readonly=False": "a cdrom always is",
    "Disk.snapshot": "for who takes snapshots",
    "Disk.source_index": "live",
    "Disk.startup_policy": "looked at before the start",
    "Disk.translation=default": "as it is anyway",
    "Disk(fdc).tray=None": "closed",
    "Disk.tray=closed": "as it is anyway",
    "DiskDriver.copy_on_read=False": "as it is anyway",
    "DiskDriver.error_policy=default": "as it is anyway",
    "DiskDriver.read_error_policy=default": "as it is anyway",
    "DiskDriver(fat).type=raw": "the bytes of a FAT file system",
    "DiskHost.transport=tcp": "as it is anyway",
    "Subtree.text": "white space",
    "InterfaceAddress.family=None": "the address tells",
    "InterfaceDriver.name=None": "QEMU",
    "Console.clipboard": "that of the serial port",
    "Console.log_append": "that of the serial port",
    "Console.log_file": "that of the serial port",
    "Console.mouse": "that of the serial port",
    "Console.protocol": "that of the serial port",
    "Console.reconnect": "that of the serial port",
    "Console.reconnect_timeout": "that of the serial port",
    "Console.source_channel": "that of the serial port",
    "Console.source_host": "that of the serial port",
    "Console.source_service": "that of the serial port",
    "Console.source_tls": "that of the serial port",
    "Console.second_mode": "that of the serial port",
    "Console.second_host": "that of the serial port",
    "Console.second_service": "that of the serial port",
    "Console(tcp).target_type=None": "the serial port",
    "Serial(tcp).protocol=None": "raw",
    "Serial(tcp).source_tls=False": "as it is anyway",
    "Serial(tcp).source_tls=None": "not encrypted",
    "Serial.source_mode": "who does not listen connects; bind is another word for server",
    "Serial.target_port": "a number for people",
    "Parallel.target_port=None": "the first",
    "RandomnessServer.mode=None": "who does not listen connects",
    "RedirectedDevice.protocol=None": "raw",
    "RedirectedDevice.source_mode=None": "who does not listen connects",
    "Rng.server_protocol=None": "raw",
    "Smartcard.type=None": "spicevmc",
    "Input.bus=none": "ps2, which is the machine's, or none",
    "Input.model": "virtio",
    "Graphics.socket": "what listens says once more, for old clients",
    "Graphics(vnc).autoport=True": "of what listens on a socket",
    "Graphics.clipboard=True": "as it is anyway",
    "Graphics.default_mode=any": "as it is anyway",
    "Graphics.file_transfer=True": "as it is anyway",
    "Graphics.gl=False": "as it is anyway",
    "Graphics.peer_to_peer=False": "as it is anyway",
    "Graphics.tls_port": "none is encrypted",
    "Graphics.websocket_generated": "live",
    "Sound(pcspk).alias": "the machine's own",
    "Video.accel3d=False": "as it is anyway",
    "VideoDriver.name=None": "QEMU",
    "Filesystem.accessmode=None": "passthrough",
    "Filesystem.model=virtio": "as it is anyway",
    "Filesystem.type=None": "mount",
    "FilesystemDriver.type=None": "path",
    "Tpm.persistent_state": "what becomes of its state when its domain is undefined",
    "Tpm.source_mode=None": "connect",
    "Tpm.version=None": "2.0",
    "Watchdog(itco).alias": "the machine's own",
    "Panic.model=None": "isa",
    "SharedMemory.size=None": "4 MiB",
    "SharedMemory(ivshmem-doorbell).name": "the server's is told",
    "MemoryDevice.access=None": "as the rest of the memory",
    "MemoryDevice.access=shared": "as the rest of the memory",
    "MemoryDevice.current": "live",
    "MemoryDevice.discard": "as the rest of the memory",
    "Vsock.auto": "follows from the address",
    "Vsock.cid": "chosen where it is automatic",
    "Vsock.model=None": "virtio",
    "Cell.access=shared": "as the rest of the memory",
    "Cpu.mode=custom": "when there is no model, the machine's usual processor",
}
