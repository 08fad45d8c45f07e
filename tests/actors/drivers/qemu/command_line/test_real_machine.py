"""Real QEMUs take what definitions say outside `<devices>`. Each guest says many things, and waits."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu.capabilities import Capabilities

from .real_qemu import Starter

pytestmark = pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="there is no qemu-system-x86_64")

OVMF = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
SECURE_OVMF = Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")

NODES = """<domain type='qemu'><name>nodes</name><genid>0d9f9bd1-3f56-4bb8-8a2d-6a8f7d2f4c11</genid>
<maxMemory slots='4' unit='MiB'>512</maxMemory><memory unit='MiB' dumpCore='on'>128</memory>
<memoryBacking><nosharepages/><source type='memfd'/><access mode='shared'/>
  <allocation mode='immediate' threads='2'/></memoryBacking>
<vcpu current='3'>4</vcpu>
<vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/><vcpu id='1' enabled='yes' hotpluggable='no'/>
  <vcpu id='2' enabled='no' hotpluggable='yes'/><vcpu id='3' enabled='yes' hotpluggable='yes' order='3'/></vcpus>
<iothreads>3</iothreads>
<iothreadids><iothread id='2' thread_pool_min='1' thread_pool_max='8'/><iothread id='4'/></iothreadids>
<defaultiothread thread_pool_min='2' thread_pool_max='4'/>
<numatune><memory mode='strict' nodeset='0'/><memnode cellid='1' mode='preferred' nodeset='0'/></numatune>
<sysinfo type='smbios'><bios><entry name='vendor'>V</entry><entry name='version'>1</entry>
  <entry name='date'>01/02/2024</entry><entry name='release'>1.2</entry></bios>
  <system><entry name='manufacturer'>M</entry><entry name='product'>P,p</entry><entry name='version'>v</entry>
  <entry name='serial'>s</entry><entry name='sku'>k</entry><entry name='family'>f</entry></system>
  <baseBoard><entry name='manufacturer'>M</entry><entry name='asset'>A</entry>
  <entry name='location'>L</entry></baseBoard>
  <chassis><entry name='manufacturer'>M</entry><entry name='sku'>S</entry></chassis>
  <oemStrings><entry>one,1</entry><entry>two</entry></oemStrings></sysinfo>
<sysinfo type='fwcfg'><entry name='opt/com.example/a'>te,xt</entry><entry name='opt/b' file='{files}/c.iso'/></sysinfo>
<os><type arch='x86_64' machine='q35'>hvm</type><kernel>{files}/kernel</kernel>
  <acpi><table type='rawset'>{files}/table</table></acpi>
  <bios useserial='yes' rebootTimeout='5'/><smbios mode='sysinfo'/></os>
<features><acpi/><hap/><smm state='on'><tseg unit='MiB'>16</tseg></smm><tcg><tb-cache unit='MiB'>64</tb-cache></tcg>
</features>
<cpu><model vendor_id='AuthenticAMD'>EPYC</model><topology sockets='2' dies='2' cores='1' threads='1'/>
  <cache mode='emulate' level='3'/><maxphysaddr mode='emulate' bits='40'/>
  <numa><cell id='0' cpus='0,2' memory='65536' memAccess='shared'><distances><sibling id='1' value='21'/></distances>
    <cache level='1' associativity='direct' policy='writeback'>
    <size value='10' unit='KiB'/><line value='8' unit='B'/></cache></cell>
    <cell id='1' cpus='1,3' memory='65536'/>
    <interconnects><latency initiator='0' target='0' type='access' value='5'/>
      <latency initiator='0' target='1' type='access' value='10'/>
      <latency initiator='1' target='0' type='access' value='10'/>
      <latency initiator='1' target='1' type='access' value='5'/>
      <bandwidth initiator='0' target='0' type='access' value='204800'/>
      <bandwidth initiator='0' target='1' type='access' value='102400'/>
      <bandwidth initiator='1' target='0' type='access' value='102400'/>
      <bandwidth initiator='1' target='1' type='access' value='204800'/></interconnects></numa></cpu>
<clock offset='absolute' start='1000000000'/>
<devices><serial type='null'/></devices></domain>"""

FILE = """<domain type='qemu'><name>file</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<memoryBacking><source type='file'/><discard/><access mode='shared'/></memoryBacking>
<numatune><memory mode='interleave' nodeset='0'/></numatune>
<os><type arch='x86_64' machine='{machine}'>hvm</type></os><features/>
<cpu mode='maximum'><cache mode='disable'/></cpu><devices><memballoon model='none'/></devices></domain>"""

UEFI = """<domain type='qemu'><name>uefi</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type><loader {how} type='pflash'>{code}</loader>{nvram}</os>
<features><acpi/><smm state='on'/></features><devices><memballoon model='none'/></devices></domain>"""


def test_qemu_takes_a_guest_with_nodes_that_says_all(prepared, starter, files, qemu: Capabilities) -> None:
    (files / "table").write_bytes(b"SSDT" + (36).to_bytes(4, "little") + bytes(28))
    monitor = starter.start(prepared(NODES.replace("{files}", str(files)), qemu))

    assert [each["cpu-index"] for each in monitor.execute("query-cpus-fast")] == [0, 1, 3]
    assert {each["id"] for each in monitor.execute("query-iothreads")} == {"iothread1", "iothread2", "iothread4"}
    backends = {each["id"]: each for each in monitor.execute("query-memdev")}
    assert {name: (each["size"], each["policy"], each["share"]) for name, each in backends.items()} == {
        "ram-node0": (64 << 20, "bind", True),
        "ram-node1": (64 << 20, "preferred", True),
    }
    assert monitor.execute("query-memory-size-summary")["base-memory"] == 128 << 20
    assert monitor.execute("qom-get", {"path": "/machine", "property": "mem-merge"}) is False
    assert monitor.execute("query-memory-devices") == []
    assert monitor.execute("query-vm-generation-id")["guid"] == "0d9f9bd1-3f56-4bb8-8a2d-6a8f7d2f4c11"


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_memory_can_be_a_file(machine: str, prepared, starter: Starter, qemu: Capabilities) -> None:
    monitor = starter.start(prepared(FILE.replace("{machine}", machine), qemu))

    (backend,) = monitor.execute("query-memdev")
    assert (backend["policy"], backend["share"]) == ("interleave", True)


def test_locked_memory_is_taken_where_the_host_allows_it(prepared, starter: Starter, qemu: Capabilities) -> None:
    xml = FILE.replace("{machine}", "q35").replace("<discard/>", "<locked/>")
    assert starter.start(prepared(xml, qemu)).execute("query-status")["status"] == "prelaunch"


@pytest.mark.skipif(not SECURE_OVMF.exists(), reason="ovmf is not installed")
def test_qemu_takes_uefi_with_variables_and_secure_flash(prepared, starter, files, qemu: Capabilities) -> None:
    shutil.copy("/usr/share/OVMF/OVMF_VARS_4M.fd", files / "variables")
    nvram = f"<nvram>{files / 'variables'}</nvram>"
    xml = UEFI.format(how="readonly='yes' secure='yes'", code=SECURE_OVMF, nvram=nvram)
    monitor = starter.start(prepared(xml, qemu))

    nodes = {each["node-name"]: each["ro"] for each in monitor.execute("query-named-block-nodes")}
    assert (nodes["pflash0-format"], nodes["pflash1-format"]) == (True, False)
    assert monitor.execute("qom-get", {"path": "/machine/system.flash0", "property": "secure"}) is True


@pytest.mark.skipif(not OVMF.exists(), reason="ovmf is not installed")
def test_qemu_takes_uefi_without_variables(prepared, starter: Starter, qemu: Capabilities) -> None:
    xml = UEFI.format(how="readonly='yes' stateless='yes'", code=OVMF, nvram="")
    nodes = starter.start(prepared(xml, qemu)).execute("query-named-block-nodes")

    assert {each["node-name"] for each in nodes} == {"pflash0-storage", "pflash0-format"}
