"""Documents of the host's devices: read and written as libvirt's own test driver does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from virtactor.wire.documents.nodedev import NodeDeviceDefinition, format_node_device, parse_node_device
from virtactor.wire.documents.nodedev.capabilities import PciCapability
from virtactor.wire.documents.reader import read_document
from virtactor.wire.errors import InternalError

from ...libvirts_own import ask, canonical, there
from .instances import any_of
from .test_round_trip import QUICK

needs_libvirt = pytest.mark.skipif(not there(), reason="libvirt-python is not installed")

UUID = "11111111-2222-3333-4444-555555555555"
_IN = "<parent>computer</parent>"
DEVICES = [
    f"""<device><name>computer</name><capability type='system'><product>P</product>
      <hardware><vendor>V</vendor><version>1</version><serial>s</serial><uuid>{UUID}</uuid></hardware>
      <firmware><vendor>V</vendor><version>2</version><release_date>01/22/2007</release_date></firmware>
    </capability></device>""",
    f"""<device><name>pci_0</name><path>/sys/devices/x</path>{_IN}<capability type='pci'>
      <class>0x020000</class><domain>0</domain><bus>2</bus><slot>0</slot><function>0</function>
      <product id='0x1639'>NetX</product><vendor id='0x14e4'/>
      <capability type='phys_function'><address domain='0x0000' bus='0x01' slot='0x00' function='0x1'/></capability>
      <capability type='virt_functions' maxCount='7'>
        <address domain='0x0000' bus='0x02' slot='0x10' function='0x1'/></capability>
      <capability type='pci-bridge'/>
      <capability type='mdev_types'><type id='i915-1'><name>GVTg</name><deviceAPI>vfio-pci</deviceAPI>
        <availableInstances>2</availableInstances></type></capability>
      <capability type='vpd'><name>A</name>
        <fields access='readonly'><change_level>x</change_level><manufacture_id>m</manufacture_id>
          <part_number>p</part_number><serial_number>sn</serial_number><vendor_field index='Z'>a</vendor_field></fields>
        <fields access='readwrite'><asset_tag>at</asset_tag><vendor_field index='0'>c</vendor_field>
          <system_field index='1'>d</system_field></fields></capability>
      <iommuGroup number='12'><address domain='0x0000' bus='0x02' slot='0x00' function='0x0'/></iommuGroup>
      <numa node='1'/>
      <pci-express><link validity='cap' port='1' speed='2.5' width='2'/>
        <link validity='sta' speed='2.5' width='2'/></pci-express>
    </capability></device>""",
    f"""<device><name>usb_1</name><devnode type='dev'>/dev/x</devnode><devnode type='link'>/dev/y</devnode>{_IN}
      <capability type='usb_device'><bus>1</bus><device>2</device><product id='0x0001'>prod</product>
      <vendor id='0x1d6b'>Linux</vendor></capability></device>""",
    """<device><name>usb_1_i</name><parent>usb_1</parent><capability type='usb'><number>0</number><class>3</class>
      <subclass>1</subclass><protocol>2</protocol><description>d</description></capability></device>""",
    """<device><name>net_1</name><parent>pci_0</parent><capability type='net'><interface>eth0</interface>
      <address>00:27:13:6a:fe:00</address><link speed='1000' state='up'/><feature name='rx'/><feature name='tx'/>
      <capability type='80203'/></capability></device>""",
    """<device><name>net_2</name><parent>pci_0</parent><capability type='net'><interface>wlan0</interface>
      <capability type='80211'/></capability></device>""",
    f"""<device><name>scsi_host1</name>{_IN}<capability type='scsi_host'><host>1</host><unique_id>0</unique_id>
      <capability type='fc_host'><wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn>
        <fabric_wwn>2000000043214321</fabric_wwn></capability>
      <capability type='vport_ops'><max_vports>0</max_vports><vports>0</vports></capability></capability></device>""",
    """<device><name>target</name><parent>scsi_host1</parent><capability type='scsi_target'>
      <target>target1:0:0</target><capability type='fc_remote_port'><rport>rport-0:0-0</rport>
      <wwpn>0x9d73bc45f0e21a86</wwpn></capability></capability></device>""",
    """<device><name>scsi_d</name><parent>target</parent><capability type='scsi'><host>1</host><bus>0</bus>
      <target>0</target><lun>0</lun><type>disk</type></capability></device>""",
    """<device><name>st_1</name><parent>scsi_d</parent><capability type='storage'><block>/dev/sda</block><bus>pci</bus>
      <drive_type>disk</drive_type><model>M</model><vendor>V</vendor><serial>S</serial><size>1000</size>
      </capability></device>""",
    """<device><name>st_2</name><parent>scsi_d</parent><capability type='storage'><block>/dev/sr0</block>
      <drive_type>cdrom</drive_type><capability type='removable'><media_available>1</media_available>
      <media_size>100</media_size><media_label>L</media_label></capability></capability></device>""",
    """<device><name>st_3</name><parent>scsi_d</parent><capability type='storage'><block>/dev/sdb</block>
      <size>5</size><capability type='hotpluggable'/></capability></device>""",
    "<device><name>drm</name><parent>pci_0</parent><capability type='drm'><type>render</type></capability></device>",
    f"""<device><name>mdev_1</name><parent>pci_0</parent><capability type='mdev'><type id='i915-1'/><uuid>{UUID}</uuid>
      <iommuGroup number='12'/><attr name='a' value='b'/></capability></device>""",
    f"""<device><name>ccw_1</name>{_IN}<capability type='ccw'><cssid>0x0</cssid><ssid>0x0</ssid>
      <devno>0x1234</devno></capability></device>""",
    f"""<device><name>css_1</name>{_IN}<capability type='css'><cssid>0x0</cssid><ssid>0x0</ssid><devno>0x1234</devno>
      <channel_dev_addr><cssid>0x0</cssid><ssid>0x0</ssid><devno>0x1</devno></channel_dev_addr>
      <capability type='mdev_types'><type id='t'><deviceAPI>vfio-ccw</deviceAPI>
      <availableInstances>1</availableInstances></type></capability></capability></device>""",
    f"<device><name>ap1</name>{_IN}<capability type='ap_card'><ap-adapter>0x12</ap-adapter></capability></device>",
    f"""<device><name>ap2</name>{_IN}<capability type='ap_queue'><ap-adapter>0x12</ap-adapter>
      <ap-domain>0x1</ap-domain></capability></device>""",
    f"""<device><name>ap3</name>{_IN}<capability type='ap_matrix'><capability type='mdev_types'><type id='t'>
      <deviceAPI>vfio-ap</deviceAPI><availableInstances>1</availableInstances></type></capability></capability>
      </device>""",
]
_LIST = """
host = libvirt.open("test://" + given)
answer = [[device.name(), device.XMLDesc(), device.listCaps(), device.parent()] for device in host.listAllDevices()]
"""


@needs_libvirt
def test_devices_are_written_as_libvirt_does(tmp_path: Path) -> None:
    document = tmp_path / "node.xml"
    document.write_text(f"<node>{''.join(DEVICES)}</node>")
    theirs = sorted(ask(_LIST, str(document)))
    ours = sorted((device(xml) for xml in DEVICES), key=lambda found: found.name or "")
    assert [[name, canonical(xml), *more] for name, xml, *more in theirs] == [
        [each.name, canonical(format_node_device(each)), each.capability_names, each.parent_name] for each in ours
    ]


def device(xml: str) -> NodeDeviceDefinition:
    return parse_node_device(re.sub(r">\s+<", "><", xml))


def test_a_device_without_capabilities_is_refused() -> None:
    with pytest.raises(InternalError, match="no device capabilities for 'new device'"):
        parse_node_device("<device/>")


def test_what_is_within_a_capability_counts_where_lists_filter() -> None:
    pci = device(DEVICES[1])
    assert isinstance(pci.capabilities[0], PciCapability)
    assert pci.capability_names == ["pci"]
    assert pci.all_capability_names() >= {"pci", "mdev_types", "vpd"}


@QUICK
@given(any_of(NodeDeviceDefinition))
def test_what_is_formatted_is_read_as_the_same_device(definition: NodeDeviceDefinition) -> None:
    assert read_document(format_node_device(definition), "device", NodeDeviceDefinition) == definition
