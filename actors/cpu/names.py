"""How libvirt, QEMU and Linux call the same feature of a processor.

QEMU's properties are libvirt's names with a few exceptions. Linux's flags differ from QEMU's in their punctuation, and
some are others altogether.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

# What CPUID and QEMU call the makers -> what libvirt's documents do.
VENDORS: Mapping[str, str] = {
    "GenuineIntel": "Intel",
    "AuthenticAMD": "AMD",
    "HygonGenuine": "Hygon",
    "CentaurHauls": "Zhaoxin",
}

# QEMU's properties that libvirt has another name for.
_FROM_QEMU = {
    "cmp-legacy": "cmp_legacy",
    "ds-cpl": "ds_cpl",
    "fxsr-opt": "fxsr_opt",
    "lahf-lm": "lahf_lm",
    "nodeid-msr": "nodeid_msr",
    "pclmulqdq": "pclmuldq",
    "perfctr-core": "perfctr_core",
    "perfctr-nb": "perfctr_nb",
    "tsc-adjust": "tsc_adjust",
}
# Properties that say how QEMU virtualizes, not what the processor is.
_NOT_FEATURES = ("vmx-", "kvm", "hv-", "full-width-write", "lmce")
# Features of libvirt's that QEMU has no switch for: they follow from others, or no guest gets them.
BEYOND_QEMU = frozenset({"cmt", "cvt16", "mbm_local", "mbm_total", "ospke", "osxsave", "pconfig"})

# Linux's flags that are more than another punctuation of libvirt's.
_FROM_LINUX = {
    "pclmulqdq": "pclmuldq",
    "tsc_deadline_timer": "tsc-deadline",
    "dts": "ds",
    "nonstop_tsc": "invtsc",
    "cqm": "cmt",
    "cqm_mbm_local": "mbm_local",
    "cqm_mbm_total": "mbm_total",
    "xsave": "xsave osxsave",
    "fxsr_opt": "fxsr_opt",
    "lahf_lm": "lahf_lm",
    "cmp_legacy": "cmp_legacy",
    "ds_cpl": "ds_cpl",
    "nodeid_msr": "nodeid_msr",
    "perfctr_core": "perfctr_core",
    "perfctr_nb": "perfctr_nb",
    "tsc_adjust": "tsc_adjust",
    "sse4_1": "sse4.1",
    "sse4_2": "sse4.2",
    "avx512_vbmi2": "avx512vbmi2",
    "avx512_vnni": "avx512vnni",
    "avx512_bitalg": "avx512bitalg",
    "cr8_legacy": "cr8legacy",
    "split_lock_detect": "split-lock-detect core-capability",
}
# Flags that stand for one feature on Intel's processors and for another on everybody else's.
_BY_VENDOR = {
    "ibrs": ("spec-ctrl", "ibrs"),
    "stibp": ("stibp", "amd-stibp"),
    "ssbd": ("ssbd", "amd-ssbd"),
    "ibrs_enhanced": ("ibrs-all", ""),
}
# What Linux found out about processors that tell which bugs they do not have, by the bug.
_NOT_AFFECTED = {
    "cpu_meltdown": "rdctl-no",
    "l1tf": "skip-l1dfl-vmentry",
    "mds": "mds-no",
    "taa": "taa-no",
    "itlb_multihit": "pschange-mc-no",
}


def is_feature(property: str) -> bool:
    """Whether a switch of QEMU's processors is a feature of the processor."""
    return not property.startswith(_NOT_FEATURES)


def of_qemu(property: str) -> str:
    """libvirt's name of a feature, by QEMU's."""
    return _FROM_QEMU.get(property, property)


def features_of_flags(flags: Collection[str], vendor: str | None, bugs: Iterable[str] = ()) -> frozenset[str]:
    """The features that the ``flags`` and ``bugs`` of /proc/cpuinfo stand for."""
    found: set[str] = set()
    for flag in flags:
        if flag in _BY_VENDOR:
            found.add(_BY_VENDOR[flag][vendor != "Intel"])
        else:
            found.update(_FROM_LINUX.get(flag, flag.replace("_", "-")).split())
    if "arch_capabilities" in flags:
        found.update(_NOT_AFFECTED[bug] for bug in _NOT_AFFECTED.keys() - set(bugs))
    found.discard("")
    return frozenset(found)
