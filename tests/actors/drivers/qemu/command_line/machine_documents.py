"""Definitions that say as much as they can outside `<devices>`, and what of it QEMU need not hear of."""

from __future__ import annotations

NODES = """
<domain type='qemu'><name>nodes</name>
<genid>0d9f9bd1-3f56-4bb8-8a2d-6a8f7d2f4c11</genid>
<maxMemory slots='4' unit='MiB'>512</maxMemory><memory unit='MiB' dumpCore='on'>128</memory>
<blkiotune><weight>500</weight><device><path>/dev/sda</path><weight>300</weight><read_iops_sec>1</read_iops_sec>
  <write_iops_sec>2</write_iops_sec><read_bytes_sec>3</read_bytes_sec><write_bytes_sec>4</write_bytes_sec></device>
</blkiotune>
<memtune><hard_limit>500000</hard_limit><soft_limit>400000</soft_limit><swap_hard_limit>600000</swap_hard_limit>
</memtune>
<memoryBacking><hugepages><page size='2' unit='MiB' nodeset='0'/><page size='1' unit='GiB'/></hugepages>
  <nosharepages/><locked/><access mode='private'/><allocation mode='immediate' threads='2'/></memoryBacking>
<vcpu placement='static' cpuset='0-1' current='3'>4</vcpu>
<vcpus><vcpu id='0' enabled='yes' hotpluggable='no' order='1'/><vcpu id='1' enabled='yes' hotpluggable='no' order='2'/>
  <vcpu id='2' enabled='no' hotpluggable='yes'/><vcpu id='3' enabled='yes' hotpluggable='yes' order='3'/></vcpus>
<iothreads>3</iothreads>
<iothreadids><iothread id='2' thread_pool_min='1' thread_pool_max='8'/><iothread id='4'/></iothreadids>
<defaultiothread thread_pool_min='2' thread_pool_max='4'/>
<cputune><shares>2048</shares><period>100000</period><quota>50000</quota><global_period>100000</global_period>
  <global_quota>-1</global_quota><emulator_period>100000</emulator_period><emulator_quota>60000</emulator_quota>
  <iothread_period>100000</iothread_period><iothread_quota>70000</iothread_quota>
  <vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/><emulatorpin cpuset='0'/>
  <iothreadpin iothread='2' cpuset='1'/><emulatorsched scheduler='fifo' priority='3'/>
  <vcpusched vcpus='0' scheduler='rr' priority='1'/><vcpusched vcpus='1' scheduler='batch'/>
  <iothreadsched iothreads='4' scheduler='idle'/></cputune>
<numatune><memory mode='strict' nodeset='0'/><memnode cellid='1' mode='preferred' nodeset='1'/></numatune>
<resource><partition>/tenants</partition></resource>
<sysinfo type='smbios'><bios><entry name='vendor'>V</entry><entry name='date'>01/02/2024</entry></bios>
  <system><entry name='product'>P,p</entry></system><baseBoard><entry name='asset'>A</entry></baseBoard>
  <chassis><entry name='sku'>S</entry></chassis>
  <oemStrings><entry>one,1</entry><entry>two</entry></oemStrings></sysinfo>
<sysinfo type='fwcfg'><entry name='opt/a'>text</entry><entry name='opt/b' file='/b'/></sysinfo>
<os><type arch='x86_64' machine='q35'>hvm</type><kernel>/k</kernel><dtb>/d</dtb>
  <acpi><table type='slic'>/t</table></acpi>
  <bios useserial='yes' rebootTimeout='5'/><smbios mode='sysinfo'/></os>
<features><acpi/><hap state='on'/><smm state='on'><tseg unit='MiB'>16</tseg></smm>
  <tcg><tb-cache unit='MiB'>64</tb-cache></tcg></features>
<cpu><model vendor_id='AuthenticAMD'>EPYC</model><topology sockets='2' dies='2' cores='1' threads='1'/>
  <cache mode='emulate' level='3'/><maxphysaddr mode='emulate' bits='42'/>
  <numa><cell id='0' cpus='0-1' memory='65536' memAccess='shared'><distances><sibling id='0' value='10'/>
    <sibling id='1' value='21'/></distances><cache level='1' associativity='direct' policy='writeback'>
    <size value='10' unit='KiB'/><line value='8' unit='B'/></cache></cell>
    <cell id='1' cpus='2-3' memory='65536'/>
    <interconnects><latency initiator='0' target='0' type='access' value='5'/>
      <latency initiator='0' target='0' cache='1' type='read' value='6'/>
      <bandwidth initiator='0' target='1' type='write' value='204800'/></interconnects></numa></cpu>
<clock offset='absolute' start='1000000000'/>
<on_lockfailure>poweroff</on_lockfailure>
<perf><event name='cmt' enabled='no'/></perf>
<devices><serial type='null'/></devices>
<seclabel type='none' model='dac'/>
</domain>"""

UEFI = """
<domain type='kvm'><name>uefi</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<memoryBacking><source type='file'/><discard/></memoryBacking>
<numatune><memory mode='restrictive' nodeset='0'/></numatune>
<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type>
  <firmware><feature enabled='yes' name='secure-boot'/></firmware>
  <loader readonly='yes' secure='yes' type='pflash'>/code</loader><nvram template='/template'>/variables</nvram></os>
<features><acpi/>
  <hyperv><relaxed state='on'/><vapic state='on'/><spinlocks state='on' retries='8191'/><vpindex state='on'/>
    <runtime state='on'/><synic state='on'/><stimer state='on'><direct state='on'/></stimer><reset state='on'/>
    <vendor_id state='on' value='KVM Hv'/><frequencies state='on'/><reenlightenment state='on'/><tlbflush state='on'/>
    <ipi state='on'/><evmcs state='off'/><avic state='on'/></hyperv>
  <kvm><hidden state='on'/><hint-dedicated state='on'/><poll-control state='on'/><pv-ipi state='off'/>
    <dirty-ring state='on' size='4096'/></kvm>
  <pvspinlock state='on'/><smm state='on'/><ioapic driver='qemu'/></features>
<cpu mode='host-passthrough'><cache mode='passthrough'/><maxphysaddr mode='passthrough'/></cpu>
<clock offset='utc'/>
<devices/>
</domain>"""

ENLIGHTENED = """
<domain type='kvm'><name>all</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
<os><type arch='x86_64' machine='pc'>hvm</type><smbios mode='host'/></os>
<features><acpi/><hyperv mode='passthrough'/></features>
<clock offset='utc'/>
<devices/>
</domain>"""

PASSED = """
<domain type='qemu' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><name>passed</name>
<memory unit='MiB'>64</memory>
<vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features><clock offset='utc'/>
<devices><disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk></devices>
<q:commandline><q:arg value='-global'/><q:arg value='virtio-blk-pci.x=1'/><q:env name='A' value='1'/></q:commandline>
<q:deprecation behavior='reject'/>
<q:override><q:device alias='virtio-disk0'><q:frontend><q:property name='serial' type='string' value='s'/>
  <q:property name='logical_block_size' type='unsigned' value='4096'/><q:property name='bus' type='remove'/>
  <q:property name='packed' type='bool' value='on'/><q:property name='x' type='signed' value='-1'/></q:frontend>
  </q:device></q:override></domain>"""

MACHINES = (NODES, UEFI, ENLIGHTENED, PASSED)

# As NEUTRAL of test_drops_nothing.
NEUTRAL_OF_MACHINES: dict[str, str] = {
    "Cell.access=private": "as it is anyway",
    "Cell.discard=False": "as it is anyway",
    "Cell.id=None": "cells are counted up",
    "DomainDefinition.clock=None": "utc",
    "DomainDefinition.dump_core=False": "as it is anyway",
    "DomainDefinition.iothreads=None": "those that have ids",
    "DomainDefinition.qemu_deprecation=none": "as it is anyway",
    "DomainDefinition.on_lockfailure": "no lock manager is at work whose locks could fail",
    "Features.hap=None": "the host's processor decides",
    "Features.kvm_dirty_ring=False": "as it is anyway",
    "FirmwareFeature.enabled": "the firmware was chosen when the domain was defined",
    "FirmwareFeature.name": "the firmware was chosen when the domain was defined",
    "Hap.state=None": "on",
    "HyperV.spinlocks=False": "as it is anyway",
    "HyperV.vendor_id=False": "as it is anyway",
    "Loader.secure=False": "as it is anyway",
    "Loader.stateless=False": "as it is anyway",
    "MemoryBacking.access=private": "as it is anyway",
    "MemoryBacking.access=None": "private",
    "MemoryBacking.allocation=ondemand": "as it is with small pages",
    "MemoryBacking.allocation=None": "huge pages are taken at once",
    "MemoryBacking.source": "huge pages have only one",
    "NumaTune.mode=None": "strict",
    "NumaTune.placement=static": "as it is with a nodeset",
    "Nvram.template": "the file is made from it before the start",
    "OperatingSystem.bios_useserial=False": "as it is anyway",
    "OperatingSystem.smbios=emulate": "as it is anyway",
    "PerfEvent.name": "of a counter that is not kept",
    "QemuProperty.type": "a number is one whether it may be negative or not",
    "QemuProperty(remove).value": "of what is removed",
    "SecurityLabel.model": "none, and the one at work",
    "SecurityLabel.relabel=False": "as it is anyway",
    "SecurityLabel.type": "whatever it is, the guest runs as the daemon's user",
    "SideCache.line_unit=None": "bytes",
    "SideCache.size_unit=None": "KiB",
    "Vcpu.hotpluggable=None": "no",
    "Vcpu.order": "QEMU is told of those that are plugged in, in their order",
}
