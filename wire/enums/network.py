"""Networks, interfaces and network filters.

Names are libvirt's without ``vir`` and without the members' common prefix; the numbers are libvirt's public constants.
"""

from enum import IntEnum, IntFlag


class ConnectListAllInterfacesFlags(IntFlag):
    INACTIVE = 1
    ACTIVE = 2


class ConnectListAllNetworksFlags(IntFlag):
    INACTIVE = 1
    ACTIVE = 2
    PERSISTENT = 4
    TRANSIENT = 8
    AUTOSTART = 16
    NO_AUTOSTART = 32


class IPAddrType(IntEnum):
    IPV4 = 0
    IPV6 = 1


class InterfaceDefineFlags(IntFlag):
    VALIDATE = 1


class InterfaceXMLFlags(IntFlag):
    INACTIVE = 1


class NWFilterBindingCreateFlags(IntFlag):
    VALIDATE = 1


class NWFilterDefineFlags(IntFlag):
    VALIDATE = 1


class NetworkCreateFlags(IntFlag):
    VALIDATE = 1


class NetworkDefineFlags(IntFlag):
    VALIDATE = 1


class NetworkEventID(IntEnum):
    LIFECYCLE = 0


class NetworkEventLifecycleType(IntEnum):
    DEFINED = 0
    UNDEFINED = 1
    STARTED = 2
    STOPPED = 3


class NetworkPortCreateFlags(IntFlag):
    RECLAIM = 1
    VALIDATE = 2


class NetworkUpdateCommand(IntEnum):
    NONE = 0
    MODIFY = 1
    DELETE = 2
    ADD_LAST = 3
    ADD_FIRST = 4


class NetworkUpdateFlags(IntFlag):
    CURRENT = 0
    LIVE = 1
    CONFIG = 2


class NetworkUpdateSection(IntEnum):
    NONE = 0
    BRIDGE = 1
    DOMAIN = 2
    IP = 3
    IP_DHCP_HOST = 4
    IP_DHCP_RANGE = 5
    FORWARD = 6
    FORWARD_INTERFACE = 7
    FORWARD_PF = 8
    PORTGROUP = 9
    DNS_HOST = 10
    DNS_TXT = 11
    DNS_SRV = 12


class NetworkXMLFlags(IntFlag):
    INACTIVE = 1
