"""States, reasons, flags and parameters of domains.

Names are libvirt's without ``vir`` and without the members' common prefix; the numbers are libvirt's public constants.
"""

from enum import IntEnum, IntFlag


class ConnectListAllDomainsFlags(IntFlag):
    ACTIVE = 1
    INACTIVE = 2
    PERSISTENT = 4
    TRANSIENT = 8
    RUNNING = 16
    PAUSED = 32
    SHUTOFF = 64
    OTHER = 128
    MANAGEDSAVE = 256
    NO_MANAGEDSAVE = 512
    AUTOSTART = 0x400
    NO_AUTOSTART = 0x800
    HAS_SNAPSHOT = 0x1000
    NO_SNAPSHOT = 0x2000
    HAS_CHECKPOINT = 0x4000
    NO_CHECKPOINT = 0x8000


class DomainBlockedReason(IntEnum):
    UNKNOWN = 0


class DomainChannelFlags(IntFlag):
    FORCE = 1


class DomainConsoleFlags(IntFlag):
    FORCE = 1
    SAFE = 2


class DomainControlErrorReason(IntEnum):
    NONE = 0
    UNKNOWN = 1
    MONITOR = 2
    INTERNAL = 3


class DomainControlState(IntEnum):
    OK = 0
    JOB = 1
    OCCUPIED = 2
    ERROR = 3


class DomainCrashedReason(IntEnum):
    UNKNOWN = 0
    PANICKED = 1


class DomainCreateFlags(IntFlag):
    NONE = 0
    PAUSED = 1
    AUTODESTROY = 2
    BYPASS_CACHE = 4
    FORCE_BOOT = 8
    VALIDATE = 16
    RESET_NVRAM = 32


class DomainDefineFlags(IntFlag):
    VALIDATE = 1


class DomainDestroyFlagsValues(IntFlag):
    DEFAULT = 0
    GRACEFUL = 1
    REMOVE_LOGS = 2


class DomainMetadataType(IntEnum):
    DESCRIPTION = 0
    TITLE = 1
    ELEMENT = 2


class DomainModificationImpact(IntFlag):
    CURRENT = 0
    LIVE = 1
    CONFIG = 2


class DomainNostateReason(IntEnum):
    UNKNOWN = 0


class DomainPMSuspendedDiskReason(IntEnum):
    UNKNOWN = 0


class DomainPMSuspendedReason(IntEnum):
    UNKNOWN = 0


class DomainPausedReason(IntEnum):
    UNKNOWN = 0
    USER = 1
    MIGRATION = 2
    SAVE = 3
    DUMP = 4
    IOERROR = 5
    WATCHDOG = 6
    FROM_SNAPSHOT = 7
    SHUTTING_DOWN = 8
    SNAPSHOT = 9
    CRASHED = 10
    STARTING_UP = 11
    POSTCOPY = 12
    POSTCOPY_FAILED = 13


class DomainQemuMonitorCommandFlags(IntFlag):
    DEFAULT = 0
    HMP = 1


class DomainRebootFlagValues(IntFlag):
    DEFAULT = 0
    ACPI_POWER_BTN = 1
    GUEST_AGENT = 2
    INITCTL = 4
    SIGNAL = 8
    PARAVIRT = 16


class DomainRunningReason(IntEnum):
    UNKNOWN = 0
    BOOTED = 1
    MIGRATED = 2
    RESTORED = 3
    FROM_SNAPSHOT = 4
    UNPAUSED = 5
    MIGRATION_CANCELED = 6
    SAVE_CANCELED = 7
    WAKEUP = 8
    CRASHED = 9
    POSTCOPY = 10
    POSTCOPY_FAILED = 11


class DomainShutdownFlagValues(IntFlag):
    DEFAULT = 0
    ACPI_POWER_BTN = 1
    GUEST_AGENT = 2
    INITCTL = 4
    SIGNAL = 8
    PARAVIRT = 16


class DomainShutdownReason(IntEnum):
    UNKNOWN = 0
    USER = 1


class DomainShutoffReason(IntEnum):
    UNKNOWN = 0
    SHUTDOWN = 1
    DESTROYED = 2
    CRASHED = 3
    MIGRATED = 4
    SAVED = 5
    FAILED = 6
    FROM_SNAPSHOT = 7
    DAEMON = 8


class DomainState(IntEnum):
    NOSTATE = 0
    RUNNING = 1
    BLOCKED = 2
    PAUSED = 3
    SHUTDOWN = 4
    SHUTOFF = 5
    CRASHED = 6
    PMSUSPENDED = 7


class DomainUndefineFlagsValues(IntFlag):
    MANAGED_SAVE = 1
    SNAPSHOTS_METADATA = 2
    NVRAM = 4
    KEEP_NVRAM = 8
    CHECKPOINTS_METADATA = 16
    TPM = 32
    KEEP_TPM = 64


class DomainXMLFlags(IntFlag):
    SECURE = 1
    INACTIVE = 2
    UPDATE_CPU = 4
    MIGRATABLE = 8
