"""Long operations on domains: jobs, block jobs, snapshots, checkpoints, backup, migration.

Names are libvirt's without ``vir`` and without the members' common prefix; the numbers are libvirt's public constants.
"""

from enum import IntEnum, IntFlag


class DomainAbortJobFlagsValues(IntFlag):
    POSTCOPY = 1


class DomainBackupBeginFlags(IntFlag):
    EXTERNAL = 1


class DomainBlockCommitFlags(IntFlag):
    SHALLOW = 1
    DELETE = 2
    ACTIVE = 4
    RELATIVE = 8
    BANDWIDTH_BYTES = 16


class DomainBlockCopyFlags(IntFlag):
    SHALLOW = 1
    REUSE_EXT = 2
    TRANSIENT_JOB = 4
    SYNCHRONOUS_WRITES = 8


class DomainBlockJobAbortFlags(IntFlag):
    ASYNC = 1
    PIVOT = 2


class DomainBlockJobInfoFlags(IntFlag):
    BYTES = 1


class DomainBlockJobSetSpeedFlags(IntFlag):
    BYTES = 1


class DomainBlockJobType(IntEnum):
    UNKNOWN = 0
    PULL = 1
    COPY = 2
    COMMIT = 3
    ACTIVE_COMMIT = 4
    BACKUP = 5


class DomainBlockPullFlags(IntFlag):
    BYTES = 64


class DomainBlockRebaseFlags(IntFlag):
    SHALLOW = 1
    REUSE_EXT = 2
    COPY_RAW = 4
    COPY = 8
    RELATIVE = 16
    COPY_DEV = 32
    BANDWIDTH_BYTES = 64


class DomainBlockResizeFlags(IntFlag):
    BYTES = 1


class DomainCheckpointCreateFlags(IntFlag):
    REDEFINE = 1
    QUIESCE = 2
    REDEFINE_VALIDATE = 4


class DomainCheckpointDeleteFlags(IntFlag):
    CHILDREN = 1
    METADATA_ONLY = 2
    CHILDREN_ONLY = 4


class DomainCheckpointListFlags(IntFlag):
    DESCENDANTS = 1
    ROOTS = 1
    TOPOLOGICAL = 2
    LEAVES = 4
    NO_LEAVES = 8


class DomainCheckpointXMLFlags(IntFlag):
    SECURE = 1
    NO_DOMAIN = 2
    SIZE = 4


class DomainDirtyRateCalcFlags(IntFlag):
    PAGE_SAMPLING = 0
    DIRTY_BITMAP = 1
    DIRTY_RING = 2


class DomainDirtyRateStatus(IntEnum):
    UNSTARTED = 0
    MEASURING = 1
    MEASURED = 2


class DomainGetJobStatsFlags(IntFlag):
    COMPLETED = 1
    KEEP_COMPLETED = 2


class DomainJobOperation(IntEnum):
    UNKNOWN = 0
    START = 1
    SAVE = 2
    RESTORE = 3
    MIGRATION_IN = 4
    MIGRATION_OUT = 5
    SNAPSHOT = 6
    SNAPSHOT_REVERT = 7
    DUMP = 8
    BACKUP = 9
    SNAPSHOT_DELETE = 10


class DomainJobType(IntEnum):
    NONE = 0
    BOUNDED = 1
    UNBOUNDED = 2
    COMPLETED = 3
    FAILED = 4
    CANCELLED = 5


class DomainMigrateFlags(IntFlag):
    LIVE = 1
    PEER2PEER = 2
    TUNNELLED = 4
    PERSIST_DEST = 8
    UNDEFINE_SOURCE = 16
    PAUSED = 32
    NON_SHARED_DISK = 64
    NON_SHARED_INC = 128
    CHANGE_PROTECTION = 256
    UNSAFE = 512
    OFFLINE = 0x400
    COMPRESSED = 0x800
    ABORT_ON_ERROR = 0x1000
    AUTO_CONVERGE = 0x2000
    RDMA_PIN_ALL = 0x4000
    POSTCOPY = 0x8000
    TLS = 0x10000
    PARALLEL = 0x20000
    NON_SHARED_SYNCHRONOUS_WRITES = 0x40000
    POSTCOPY_RESUME = 0x80000
    ZEROCOPY = 0x100000


class DomainMigrateMaxSpeedFlags(IntFlag):
    POSTCOPY = 1


class DomainSaveImageXMLFlags(IntFlag):
    SECURE = 1


class DomainSnapshotCreateFlags(IntFlag):
    REDEFINE = 1
    CURRENT = 2
    NO_METADATA = 4
    HALT = 8
    DISK_ONLY = 16
    REUSE_EXT = 32
    QUIESCE = 64
    ATOMIC = 128
    LIVE = 256
    VALIDATE = 512


class DomainSnapshotDeleteFlags(IntFlag):
    CHILDREN = 1
    METADATA_ONLY = 2
    CHILDREN_ONLY = 4


class DomainSnapshotListFlags(IntFlag):
    DESCENDANTS = 1
    ROOTS = 1
    METADATA = 2
    LEAVES = 4
    NO_LEAVES = 8
    NO_METADATA = 16
    INACTIVE = 32
    ACTIVE = 64
    DISK_ONLY = 128
    INTERNAL = 256
    EXTERNAL = 512
    TOPOLOGICAL = 0x400


class DomainSnapshotRevertFlags(IntFlag):
    RUNNING = 1
    PAUSED = 2
    FORCE = 4
    RESET_NVRAM = 8


class DomainSnapshotXMLFlags(IntFlag):
    SECURE = 1
