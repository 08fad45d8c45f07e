"""Node devices, the node itself and secrets.

Names are libvirt's without ``vir`` and without the members' common prefix; the numbers are libvirt's public constants.
"""

from enum import IntEnum, IntFlag


class ConnectListAllNodeDeviceFlags(IntFlag):
    CAP_SYSTEM = 1
    CAP_PCI_DEV = 2
    CAP_USB_DEV = 4
    CAP_USB_INTERFACE = 8
    CAP_NET = 16
    CAP_SCSI_HOST = 32
    CAP_SCSI_TARGET = 64
    CAP_SCSI = 128
    CAP_STORAGE = 256
    CAP_FC_HOST = 512
    CAP_VPORTS = 0x400
    CAP_SCSI_GENERIC = 0x800
    CAP_DRM = 0x1000
    CAP_MDEV_TYPES = 0x2000
    CAP_MDEV = 0x4000
    CAP_CCW_DEV = 0x8000
    CAP_CSS_DEV = 0x10000
    CAP_VDPA = 0x20000
    CAP_AP_CARD = 0x40000
    CAP_AP_QUEUE = 0x80000
    CAP_AP_MATRIX = 0x100000
    CAP_VPD = 0x200000
    INACTIVE = 0x40000000
    ACTIVE = 0x80000000


class ConnectListAllSecretsFlags(IntFlag):
    EPHEMERAL = 1
    NO_EPHEMERAL = 2
    PRIVATE = 4
    NO_PRIVATE = 8


class NodeAllocPagesFlags(IntFlag):
    ADD = 0
    SET = 1


class NodeDeviceCreateXMLFlags(IntFlag):
    VALIDATE = 1


class NodeDeviceDefineXMLFlags(IntFlag):
    VALIDATE = 1


class NodeDeviceEventID(IntEnum):
    LIFECYCLE = 0
    UPDATE = 1


class NodeDeviceEventLifecycleType(IntEnum):
    CREATED = 0
    DELETED = 1
    DEFINED = 2
    UNDEFINED = 3


class NodeGetCPUStatsAllCPUs(IntEnum):
    CPUS = -1


class NodeGetMemoryStatsAllCells(IntEnum):
    CELLS = -1


class NodeSuspendTarget(IntEnum):
    MEM = 0
    DISK = 1
    HYBRID = 2


class SecretDefineFlags(IntFlag):
    VALIDATE = 1


class SecretEventID(IntEnum):
    LIFECYCLE = 0
    VALUE_CHANGED = 1


class SecretEventLifecycleType(IntEnum):
    DEFINED = 0
    UNDEFINED = 1


class SecretUsageType(IntEnum):
    NONE = 0
    VOLUME = 1
    CEPH = 2
    ISCSI = 3
    TLS = 4
    VTPM = 5
