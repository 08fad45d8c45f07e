"""Which of libvirt's drivers has which API: facts of libvirt's page about driver support, as of libvirt 9.0.

Names of APIs stand without their ``vir``. An API of no driver is one that libvirt's library has by itself. Two that
the qemu driver once had, and lost in 5.5.0, are counted as its own as libvirt's page does.
"""

from __future__ import annotations

from collections.abc import Mapping

# Drivers, and the APIs that these have and no others.
_APIS: Mapping[str, str] = {
    "test qemu": """
        ConnectBaselineCPU ConnectDomainEventDeregister ConnectDomainEventDeregisterAny ConnectDomainEventRegister
        ConnectDomainEventRegisterAny ConnectGetAllDomainStats ConnectGetCPUModelNames ConnectGetHostname
        ConnectGetMaxVcpus ConnectGetSysinfo ConnectGetType ConnectGetVersion ConnectListAllDomains
        ConnectListDefinedDomains ConnectListDomains ConnectNumOfDefinedDomains ConnectNumOfDomains DomainAddIOThread
        DomainBlockStats DomainCheckpointCreateXML DomainCheckpointDelete DomainCheckpointGetParent
        DomainCheckpointGetXMLDesc DomainCheckpointListAllChildren DomainCheckpointLookupByName DomainCoreDump
        DomainCoreDumpWithFormat DomainCreate DomainCreateLinux DomainCreateWithFlags DomainCreateXML DomainDefineXML
        DomainDefineXMLFlags DomainDelIOThread DomainDestroy DomainDestroyFlags DomainFSFreeze DomainFSThaw
        DomainFSTrim DomainGetAutostart DomainGetBlkioParameters DomainGetBlockInfo DomainGetBlockIoTune
        DomainGetCPUStats DomainGetControlInfo DomainGetDiskErrors DomainGetEmulatorPinInfo DomainGetFSInfo
        DomainGetHostname DomainGetIOThreadInfo DomainGetInfo DomainGetInterfaceParameters DomainGetLaunchSecurityInfo
        DomainGetMaxMemory DomainGetMaxVcpus DomainGetMemoryParameters DomainGetMessages DomainGetMetadata
        DomainGetNumaParameters DomainGetOSType DomainGetPerfEvents DomainGetSchedulerParameters
        DomainGetSchedulerParametersFlags DomainGetSchedulerType DomainGetSecurityLabel DomainGetState DomainGetTime
        DomainGetVcpuPinInfo DomainGetVcpus DomainGetVcpusFlags DomainGetXMLDesc DomainHasCurrentSnapshot
        DomainHasManagedSaveImage DomainInjectNMI DomainInterfaceAddresses DomainInterfaceStats DomainIsActive
        DomainIsPersistent DomainIsUpdated DomainListAllCheckpoints DomainListAllSnapshots DomainLookupByID
        DomainLookupByName DomainLookupByUUID DomainManagedSave DomainManagedSaveRemove DomainMemoryPeek
        DomainMemoryStats DomainPinEmulator DomainPinIOThread DomainPinVcpu DomainPinVcpuFlags DomainReboot
        DomainRename DomainReset DomainRestore DomainRestoreFlags DomainResume DomainRevertToSnapshot DomainSave
        DomainSaveFlags DomainSaveImageDefineXML DomainSaveImageGetXMLDesc DomainScreenshot DomainSendKey
        DomainSetAutostart DomainSetBlkioParameters DomainSetBlockIoTune DomainSetIOThreadParams
        DomainSetInterfaceParameters DomainSetLifecycleAction DomainSetMaxMemory DomainSetMemory DomainSetMemoryFlags
        DomainSetMemoryParameters DomainSetMemoryStatsPeriod DomainSetMetadata DomainSetNumaParameters
        DomainSetPerfEvents DomainSetSchedulerParameters DomainSetSchedulerParametersFlags DomainSetTime
        DomainSetUserPassword DomainSetVcpus DomainSetVcpusFlags DomainShutdown DomainShutdownFlags
        DomainSnapshotCreateXML DomainSnapshotCurrent DomainSnapshotDelete DomainSnapshotGetParent
        DomainSnapshotGetXMLDesc DomainSnapshotHasMetadata DomainSnapshotIsCurrent DomainSnapshotListAllChildren
        DomainSnapshotListChildrenNames DomainSnapshotListNames DomainSnapshotLookupByName DomainSnapshotNum
        DomainSnapshotNumChildren DomainSuspend DomainUndefine DomainUndefineFlags NodeGetCPUMap NodeGetCPUStats
        NodeGetCellsFreeMemory NodeGetFreeMemory NodeGetFreePages NodeGetInfo NodeGetSecurityModel
    """,
    "qemu": """
        ConnectBaselineHypervisorCPU ConnectCompareCPU ConnectCompareHypervisorCPU
        ConnectDomainQemuMonitorEventDeregister ConnectDomainQemuMonitorEventRegister ConnectDomainXMLFromNative
        ConnectDomainXMLToNative ConnectGetDomainCapabilities DomainAbortJob DomainAbortJobFlags
        DomainAgentSetResponseTimeout DomainAttachDevice DomainAttachDeviceFlags DomainAuthorizedSSHKeysGet
        DomainAuthorizedSSHKeysSet DomainBackupBegin DomainBackupGetXMLDesc DomainBlockCommit DomainBlockCopy
        DomainBlockJobAbort DomainBlockJobSetSpeed DomainBlockPeek DomainBlockPull DomainBlockRebase DomainBlockResize
        DomainBlockStatsFlags DomainDetachDevice DomainDetachDeviceAlias DomainDetachDeviceFlags DomainFDAssociate
        DomainGetBlockJobInfo DomainGetGuestInfo DomainGetGuestVcpus DomainGetJobInfo DomainGetJobStats
        DomainGetSecurityLabelList DomainManagedSaveDefineXML DomainManagedSaveGetXMLDesc DomainMigrate
        DomainMigrateBegin3 DomainMigrateBegin3Params DomainMigrateConfirm3 DomainMigrateConfirm3Params
        DomainMigrateFinish2 DomainMigrateFinish3 DomainMigrateFinish3Params DomainMigrateGetCompressionCache
        DomainMigrateGetMaxDowntime DomainMigrateGetMaxSpeed DomainMigratePerform DomainMigratePerform3
        DomainMigratePerform3Params DomainMigratePrepare2 DomainMigratePrepare3 DomainMigratePrepare3Params
        DomainMigratePrepareTunnel DomainMigratePrepareTunnel3 DomainMigratePrepareTunnel3Params
        DomainMigrateSetCompressionCache DomainMigrateSetMaxDowntime DomainMigrateSetMaxSpeed
        DomainMigrateStartPostCopy DomainOpenChannel DomainOpenConsole DomainOpenGraphics DomainOpenGraphicsFD
        DomainPMSuspendForDuration DomainPMWakeup DomainQemuAgentCommand DomainQemuAttach DomainQemuMonitorCommand
        DomainQemuMonitorCommandWithFiles DomainRestoreParams DomainSaveParams DomainSetBlockThreshold
        DomainSetGuestVcpus DomainSetLaunchSecurityState DomainSetVcpu DomainStartDirtyRateCalc
        DomainUpdateDeviceFlags NodeAllocPages NodeDeviceDetachFlags NodeDeviceDettach NodeDeviceReAttach
        NodeDeviceReset NodeGetMemoryParameters NodeGetMemoryStats NodeGetSEVInfo NodeSetMemoryParameters
        NodeSuspendForDuration
    """,
    "test storage": """
        ConnectFindStoragePoolSources ConnectListAllStoragePools ConnectListDefinedStoragePools
        ConnectListStoragePools ConnectNumOfDefinedStoragePools ConnectNumOfStoragePools
        ConnectStoragePoolEventDeregisterAny ConnectStoragePoolEventRegisterAny StoragePoolBuild StoragePoolCreate
        StoragePoolCreateXML StoragePoolDefineXML StoragePoolDelete StoragePoolDestroy StoragePoolGetAutostart
        StoragePoolGetInfo StoragePoolGetXMLDesc StoragePoolIsActive StoragePoolIsPersistent StoragePoolListAllVolumes
        StoragePoolListVolumes StoragePoolLookupByName StoragePoolLookupByUUID StoragePoolLookupByVolume
        StoragePoolNumOfVolumes StoragePoolRefresh StoragePoolSetAutostart StoragePoolUndefine StorageVolCreateXML
        StorageVolCreateXMLFrom StorageVolDelete StorageVolGetInfo StorageVolGetPath StorageVolGetXMLDesc
        StorageVolLookupByKey StorageVolLookupByName StorageVolLookupByPath
    """,
    "test bridge": """
        ConnectListAllNetworks ConnectListDefinedNetworks ConnectListNetworks ConnectNetworkEventDeregisterAny
        ConnectNetworkEventRegisterAny ConnectNumOfDefinedNetworks ConnectNumOfNetworks NetworkCreate NetworkCreateXML
        NetworkCreateXMLFlags NetworkDefineXML NetworkDefineXMLFlags NetworkDestroy NetworkGetAutostart
        NetworkGetBridgeName NetworkGetXMLDesc NetworkIsActive NetworkIsPersistent NetworkLookupByName
        NetworkLookupByUUID NetworkSetAutostart NetworkUndefine NetworkUpdate
    """,
    "nwfilter": """
        ConnectListAllNWFilterBindings ConnectListAllNWFilters ConnectListNWFilters ConnectNumOfNWFilters
        NWFilterBindingCreateXML NWFilterBindingDelete NWFilterBindingGetXMLDesc NWFilterBindingLookupByPortDev
        NWFilterDefineXML NWFilterDefineXMLFlags NWFilterGetXMLDesc NWFilterLookupByName NWFilterLookupByUUID
        NWFilterUndefine
    """,
    "test udev": """
        ConnectListAllNodeDevices ConnectNodeDeviceEventDeregisterAny ConnectNodeDeviceEventRegisterAny
        NodeDeviceCreateXML NodeDeviceDestroy NodeDeviceGetParent NodeDeviceGetXMLDesc NodeDeviceListCaps
        NodeDeviceLookupByName NodeDeviceNumOfCaps NodeListDevices NodeNumOfDevices
    """,
    "secret": """
        ConnectListAllSecrets ConnectListSecrets ConnectNumOfSecrets ConnectSecretEventDeregisterAny
        ConnectSecretEventRegisterAny SecretDefineXML SecretGetValue SecretGetXMLDesc SecretLookupByUUID
        SecretLookupByUsage SecretSetValue SecretUndefine
    """,
    "test": """
        DomainCreateWithFiles DomainCreateXMLWithFiles DomainSendProcessSignal InterfaceChangeBegin
        InterfaceChangeCommit InterfaceChangeRollback InterfaceCreate InterfaceDefineXML InterfaceDestroy
        InterfaceUndefine
    """,
    "test interface": """
        ConnectListAllInterfaces ConnectListDefinedInterfaces ConnectListInterfaces ConnectNumOfDefinedInterfaces
        ConnectNumOfInterfaces InterfaceGetXMLDesc InterfaceIsActive InterfaceLookupByMACString InterfaceLookupByName
    """,
    "storage": """
        ConnectGetStoragePoolCapabilities StoragePoolLookupByTargetPath StorageVolDownload StorageVolGetInfoFlags
        StorageVolResize StorageVolUpload StorageVolWipe StorageVolWipePattern
    """,
    "bridge": """
        NetworkGetDHCPLeases NetworkListAllPorts NetworkPortCreateXML NetworkPortDelete NetworkPortGetParameters
        NetworkPortGetXMLDesc NetworkPortLookupByUUID NetworkPortSetParameters
    """,
    "udev": """
        NodeDeviceCreate NodeDeviceDefineXML NodeDeviceGetAutostart NodeDeviceIsActive NodeDeviceIsPersistent
        NodeDeviceLookupSCSIHostByWWN NodeDeviceSetAutostart NodeDeviceUndefine
    """,
    "test qemu bridge storage udev interface secret nwfilter": """
        ConnectClose ConnectIsAlive ConnectIsEncrypted ConnectIsSecure ConnectOpen
    """,
    "": """
        ConnectGetLibVersion ConnectOpenAuth ConnectOpenReadOnly ConnectSetIdentity ConnectSetKeepAlive
    """,
    "test qemu storage": """
        ConnectGetCapabilities
    """,
    "test qemu bridge": """
        ConnectSupportsFeature
    """,
}

# What the qemu driver had until libvirt 5.5.0.
GONE = frozenset({"virDomainQemuAttach", "virConnectDomainXMLFromNative"})


def apis_of(driver: str) -> tuple[str, ...]:
    """The APIs that a driver of libvirt's has, sorted; those of the library itself for an empty name."""
    found = [names.split() for drivers, names in _APIS.items() if driver in (drivers.split() or [""])]
    return tuple(sorted(f"vir{name}" for names in found for name in names))
