"""What `test:///default` has besides its domain: a network, an interface and the devices of a host."""

from __future__ import annotations

from ....wire.documents.interface import InterfaceAddress, InterfaceDefinition, Protocol
from ....wire.documents.network import DHCP, DHCPRange, Forward, NetworkAddress, NetworkDefinition, complete_network
from ....wire.documents.network import Bridge as NetworkBridge
from ....wire.documents.nodedev import (
    DeviceParent,
    FcHost,
    NodeDeviceDefinition,
    ScsiHostCapability,
    SystemCapability,
    VportOps,
)

NETWORK = complete_network(
    NetworkDefinition(
        name="default",
        uuid="dd8fe884-6c02-601e-7551-cca97df1c5df",
        forward=Forward(),
        bridge=NetworkBridge(name="virbr0"),
        addresses=(
            NetworkAddress(
                address="192.168.122.1",
                netmask="255.255.255.0",
                dhcp=DHCP(ranges=(DHCPRange(start="192.168.122.2", end="192.168.122.254"),)),
            ),
        ),
    )
)
INTERFACE = InterfaceDefinition(
    type="ethernet",
    name="eth1",
    start="onboot",
    mtu=1492,
    protocols=(
        Protocol(family="ipv4", addresses=(InterfaceAddress(address="192.168.0.5", prefix=24),), gateway="192.168.0.1"),
    ),
    mac="aa:bb:cc:dd:ee:ff",
)


def _adapter(
    number: int, parent: str, unique_id: int, node: str, fabric: str, *, makes_more: bool
) -> NodeDeviceDefinition:
    """A Fibre Channel adapter; its names differ in the first digit."""
    names = FcHost(wwnn=f"20000000{node}", wwpn=f"10000000{node}", fabric_wwn=f"20000000{fabric}")
    return NodeDeviceDefinition(
        name=f"scsi_host{number}",
        parent=DeviceParent(name=parent),
        capabilities=(
            ScsiHostCapability(
                host=number, unique_id=unique_id, capabilities=(names, VportOps()) if makes_more else (names,)
            ),
        ),
    )


DEVICES = (
    NodeDeviceDefinition(
        name="computer",
        capabilities=(
            SystemCapability(
                hardware_vendor="Libvirt",
                hardware_version="Test driver",
                hardware_serial="123456",
                hardware_uuid="11111111-2222-3333-4444-555555555555",
                firmware_vendor="Libvirt",
                firmware_version="Test Driver",
                firmware_release_date="01/22/2007",
            ),
        ),
    ),
    _adapter(1, "computer", 0, "12341234", "43214321", makes_more=True),
    _adapter(2, "computer", 1, "56785678", "87658765", makes_more=True),
    _adapter(11, "scsi_host1", 10, "34563456", "43214321", makes_more=False),
)
