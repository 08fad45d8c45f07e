"""Domain parameters, statistics, devices and guest information.

Names are libvirt's without ``vir`` and without the members' common prefix; the numbers are libvirt's public constants.
"""

from enum import IntEnum, IntFlag


class BlkioParameterType(IntEnum):
    INT = 1
    UINT = 2
    LLONG = 3
    ULLONG = 4
    DOUBLE = 5
    BOOLEAN = 6


class CPUCompareResult(IntEnum):
    ERROR = -1
    INCOMPATIBLE = 0
    IDENTICAL = 1
    SUPERSET = 2


class ConnectBaselineCPUFlags(IntFlag):
    EXPAND_FEATURES = 1
    MIGRATABLE = 2


class ConnectCompareCPUFlags(IntFlag):
    FAIL_INCOMPATIBLE = 1
    VALIDATE_XML = 2


class ConnectDomainQemuMonitorEventRegisterFlags(IntFlag):
    REGEX = 1
    NOCASE = 2


class ConnectGetAllDomainStatsFlags(IntFlag):
    ACTIVE = 1
    INACTIVE = 2
    PERSISTENT = 4
    TRANSIENT = 8
    RUNNING = 16
    PAUSED = 32
    SHUTOFF = 64
    OTHER = 128
    NOWAIT = 0x20000000
    BACKING = 0x40000000
    ENFORCE_STATS = 0x80000000


class DomainAgentResponseTimeoutValues(IntEnum):
    BLOCK = -2
    DEFAULT = -1
    NOWAIT = 0


class DomainAuthorizedSSHKeysSetFlags(IntFlag):
    APPEND = 1
    REMOVE = 2


class DomainCoreDumpFlags(IntFlag):
    CRASH = 1
    LIVE = 2
    BYPASS_CACHE = 4
    RESET = 8
    MEMORY_ONLY = 16


class DomainCoreDumpFormat(IntEnum):
    RAW = 0
    KDUMP_ZLIB = 1
    KDUMP_LZO = 2
    KDUMP_SNAPPY = 3
    WIN_DMP = 4


class DomainDeviceModifyFlags(IntFlag):
    CURRENT = 0
    LIVE = 1
    CONFIG = 2
    FORCE = 4


class DomainDiskErrorCode(IntEnum):
    NONE = 0
    UNSPEC = 1
    NO_SPACE = 2


class DomainFDAssociateFlags(IntFlag):
    RESTORE = 1
    WRITABLE = 2


class DomainGetHostnameFlags(IntFlag):
    LEASE = 1
    AGENT = 2


class DomainGuestInfoTypes(IntFlag):
    USERS = 1
    OS = 2
    TIMEZONE = 4
    HOSTNAME = 8
    FILESYSTEM = 16
    DISKS = 32
    INTERFACES = 64


class DomainInterfaceAddressesSource(IntEnum):
    LEASE = 0
    AGENT = 1
    ARP = 2


class DomainLifecycle(IntEnum):
    POWEROFF = 0
    REBOOT = 1
    CRASH = 2


class DomainLifecycleAction(IntEnum):
    DESTROY = 0
    RESTART = 1
    RESTART_RENAME = 2
    PRESERVE = 3
    COREDUMP_DESTROY = 4
    COREDUMP_RESTART = 5


class DomainMemoryFailureActionType(IntEnum):
    IGNORE = 0
    INJECT = 1
    FATAL = 2
    RESET = 3


class DomainMemoryFailureFlags(IntFlag):
    ACTION_REQUIRED = 1
    RECURSIVE = 2


class DomainMemoryFailureRecipientType(IntEnum):
    HYPERVISOR = 0
    GUEST = 1


class DomainMemoryFlags(IntFlag):
    VIRTUAL = 1
    PHYSICAL = 2


class DomainMemoryModFlags(IntFlag):
    CURRENT = 0
    LIVE = 1
    CONFIG = 2
    MAXIMUM = 4


class DomainMemoryStatTags(IntEnum):
    SWAP_IN = 0
    SWAP_OUT = 1
    MAJOR_FAULT = 2
    MINOR_FAULT = 3
    UNUSED = 4
    AVAILABLE = 5
    ACTUAL_BALLOON = 6
    RSS = 7
    USABLE = 8
    LAST_UPDATE = 9
    DISK_CACHES = 10
    HUGETLB_PGALLOC = 11
    HUGETLB_PGFAIL = 12


class DomainMessageType(IntEnum):
    DEPRECATION = 1
    TAINTING = 2


class DomainNumatuneMemMode(IntEnum):
    STRICT = 0
    PREFERRED = 1
    INTERLEAVE = 2
    RESTRICTIVE = 3


class DomainOpenGraphicsFlags(IntFlag):
    SKIPAUTH = 1


class DomainProcessSignal(IntEnum):
    NOP = 0
    HUP = 1
    INT = 2
    QUIT = 3
    ILL = 4
    TRAP = 5
    ABRT = 6
    BUS = 7
    FPE = 8
    KILL = 9
    USR1 = 10
    SEGV = 11
    USR2 = 12
    PIPE = 13
    ALRM = 14
    TERM = 15
    STKFLT = 16
    CHLD = 17
    CONT = 18
    STOP = 19
    TSTP = 20
    TTIN = 21
    TTOU = 22
    URG = 23
    XCPU = 24
    XFSZ = 25
    VTALRM = 26
    PROF = 27
    WINCH = 28
    POLL = 29
    PWR = 30
    SYS = 31
    RT0 = 32
    RT1 = 33
    RT2 = 34
    RT3 = 35
    RT4 = 36
    RT5 = 37
    RT6 = 38
    RT7 = 39
    RT8 = 40
    RT9 = 41
    RT10 = 42
    RT11 = 43
    RT12 = 44
    RT13 = 45
    RT14 = 46
    RT15 = 47
    RT16 = 48
    RT17 = 49
    RT18 = 50
    RT19 = 51
    RT20 = 52
    RT21 = 53
    RT22 = 54
    RT23 = 55
    RT24 = 56
    RT25 = 57
    RT26 = 58
    RT27 = 59
    RT28 = 60
    RT29 = 61
    RT30 = 62
    RT31 = 63
    RT32 = 64


class DomainQemuAgentCommandTimeoutValues(IntEnum):
    BLOCK = -2
    MIN = -2
    DEFAULT = -1
    NOWAIT = 0
    SHUTDOWN = 60


class DomainSaveRestoreFlags(IntFlag):
    BYPASS_CACHE = 1
    RUNNING = 2
    PAUSED = 4
    RESET_NVRAM = 8


class DomainSetTimeFlags(IntFlag):
    SYNC = 1


class DomainSetUserPasswordFlags(IntFlag):
    ENCRYPTED = 1


class DomainStatsTypes(IntFlag):
    STATE = 1
    CPU_TOTAL = 2
    BALLOON = 4
    VCPU = 8
    INTERFACE = 16
    BLOCK = 32
    PERF = 64
    IOTHREAD = 128
    MEMORY = 256
    DIRTYRATE = 512
    VM = 0x400


class DomainVcpuFlags(IntFlag):
    CURRENT = 0
    LIVE = 1
    CONFIG = 2
    MAXIMUM = 4
    GUEST = 8
    HOTPLUGGABLE = 16


class KeycodeSet(IntEnum):
    LINUX = 0
    XT = 1
    ATSET1 = 2
    ATSET2 = 3
    ATSET3 = 4
    OSX = 5
    XT_KBD = 6
    USB = 7
    WIN32 = 8
    QNUM = 9


class MemoryParameterType(IntEnum):
    INT = 1
    UINT = 2
    LLONG = 3
    ULLONG = 4
    DOUBLE = 5
    BOOLEAN = 6


class SchedParameterType(IntEnum):
    INT = 1
    UINT = 2
    LLONG = 3
    ULLONG = 4
    DOUBLE = 5
    BOOLEAN = 6


class VcpuHostCpuState(IntEnum):
    UNAVAILABLE = -2
    OFFLINE = -1


class VcpuState(IntEnum):
    OFFLINE = 0
    RUNNING = 1
    BLOCKED = 2
