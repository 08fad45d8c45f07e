"""Storage pools and volumes.

Names are libvirt's without ``vir`` and without the members' common prefix; the numbers are libvirt's public constants.
"""

from enum import IntEnum, IntFlag


class ConnectListAllStoragePoolsFlags(IntFlag):
    INACTIVE = 1
    ACTIVE = 2
    PERSISTENT = 4
    TRANSIENT = 8
    AUTOSTART = 16
    NO_AUTOSTART = 32
    DIR = 64
    FS = 128
    NETFS = 256
    LOGICAL = 512
    DISK = 0x400
    ISCSI = 0x800
    SCSI = 0x1000
    MPATH = 0x2000
    RBD = 0x4000
    SHEEPDOG = 0x8000
    GLUSTER = 0x10000
    ZFS = 0x20000
    VSTORAGE = 0x40000
    ISCSI_DIRECT = 0x80000


class StoragePoolBuildFlags(IntFlag):
    NEW = 0
    REPAIR = 1
    RESIZE = 2
    NO_OVERWRITE = 4
    OVERWRITE = 8


class StoragePoolCreateFlags(IntFlag):
    NORMAL = 0
    WITH_BUILD = 1
    WITH_BUILD_OVERWRITE = 2
    WITH_BUILD_NO_OVERWRITE = 4


class StoragePoolDefineFlags(IntFlag):
    VALIDATE = 1


class StoragePoolDeleteFlags(IntFlag):
    NORMAL = 0
    ZEROED = 1


class StoragePoolEventID(IntEnum):
    LIFECYCLE = 0
    REFRESH = 1


class StoragePoolEventLifecycleType(IntEnum):
    DEFINED = 0
    UNDEFINED = 1
    STARTED = 2
    STOPPED = 3
    CREATED = 4
    DELETED = 5


class StoragePoolState(IntEnum):
    INACTIVE = 0
    BUILDING = 1
    RUNNING = 2
    DEGRADED = 3
    INACCESSIBLE = 4


class StorageVolCreateFlags(IntFlag):
    PREALLOC_METADATA = 1
    REFLINK = 2
    VALIDATE = 4


class StorageVolDeleteFlags(IntFlag):
    NORMAL = 0
    ZEROED = 1
    WITH_SNAPSHOTS = 2


class StorageVolDownloadFlags(IntFlag):
    STREAM = 1


class StorageVolInfoFlags(IntFlag):
    USE_ALLOCATION = 0
    GET_PHYSICAL = 1


class StorageVolResizeFlags(IntFlag):
    ALLOCATE = 1
    DELTA = 2
    SHRINK = 4


class StorageVolType(IntEnum):
    FILE = 0
    BLOCK = 1
    DIR = 2
    NETWORK = 3
    NETDIR = 4
    PLOOP = 5


class StorageVolUploadFlags(IntFlag):
    STREAM = 1


class StorageVolWipeAlgorithm(IntEnum):
    ZERO = 0
    NNSA = 1
    DOD = 2
    BSI = 3
    GUTMANN = 4
    SCHNEIER = 5
    PFITZNER7 = 6
    PFITZNER33 = 7
    RANDOM = 8
    TRIM = 9


class StorageXMLFlags(IntFlag):
    INACTIVE = 1
