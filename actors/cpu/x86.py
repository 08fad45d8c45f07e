"""Models of x86 processors, as QEMU 7.2 tells of them without KVM, for who has no QEMU to ask.

Names and their order are those that libvirt 9.0 lists. What QEMU has no model of (pentiumpro, cpu64-rhel5 and -rhel6,
Icelake-Client) is by libvirt's CPU map. A test compares the table to the QEMU that is installed.

A model is written as `name vendor: parent +more -less`; `any` is nobody's model.
"""

from __future__ import annotations

from collections.abc import Iterator

from .models import Model, Models
from .names import BEYOND_QEMU

_MODELS = """
486 any: +fpu +pse
pentium any: +apic +cx8 +de +fpu +mce +mmx +msr +pse +tsc
pentium2 any: pentium +cmov +fxsr +mca +mtrr +pae +pat +pge +pse36 +sep
pentium3 any: pentium2 +sse
pentiumpro any: pentium3 +sse2 -mca -mtrr -pse36
coreduo Intel: pentium3 +acpi +clflush +monitor +nx +pni +ss +sse2 -pse36
n270 Intel: coreduo +lahf_lm +movbe +ssse3
core2duo Intel: n270 +cx16 +lm +pse36 +syscall -movbe
qemu32 any: pentiumpro +pni
kvm32 any: pentium3 +clflush +pni +sse2
cpu64-rhel5 any: kvm32 +lm +nx +syscall
cpu64-rhel6 any: cpu64-rhel5 +cx16 +lahf_lm
qemu64 any: cpu64-rhel6 +svm
kvm64 any: cpu64-rhel5 +cx16
Conroe Intel: cpu64-rhel5 +lahf_lm +ssse3
Penryn Intel: cpu64-rhel6 +sse4.1 +ssse3
Nehalem Intel: Penryn +popcnt +sse4.2
Nehalem-IBRS Intel: Nehalem +spec-ctrl
Westmere Intel: Nehalem +aes +arat +pclmuldq
Westmere-IBRS Intel: Westmere +spec-ctrl
SandyBridge Intel: Westmere +avx +rdtscp +tsc-deadline +x2apic +xsave +xsaveopt
SandyBridge-IBRS Intel: SandyBridge +spec-ctrl
IvyBridge Intel: SandyBridge +erms +f16c +fsgsbase +rdrand +smep
IvyBridge-IBRS Intel: IvyBridge +spec-ctrl
Haswell-noTSX Intel: IvyBridge +abm +avx2 +bmi1 +bmi2 +fma +invpcid +movbe +pcid
Haswell-noTSX-IBRS Intel: Haswell-noTSX +spec-ctrl
Haswell Intel: Haswell-noTSX +hle +rtm
Haswell-IBRS Intel: Haswell +spec-ctrl
Broadwell-noTSX Intel: Haswell-noTSX +3dnowprefetch +adx +rdseed +smap
Broadwell-noTSX-IBRS Intel: Broadwell-noTSX +spec-ctrl
Broadwell Intel: Broadwell-noTSX +hle +rtm
Broadwell-IBRS Intel: Broadwell +spec-ctrl
Skylake-Client Intel: Broadwell +xgetbv1 +xsavec
Skylake-Client-IBRS Intel: Skylake-Client +spec-ctrl
Skylake-Client-noTSX-IBRS Intel: Broadwell-noTSX-IBRS +xgetbv1 +xsavec
Skylake-Server Intel: Skylake-Client +avx512bw +avx512cd +avx512dq +avx512f +avx512vl +clflushopt +clwb +pdpe1gb
    +pku
Skylake-Server-IBRS Intel: Skylake-Server +spec-ctrl -clflushopt
Skylake-Server-noTSX-IBRS Intel: Skylake-Server-IBRS -hle -rtm
Cascadelake-Server Intel: Skylake-Server +avx512vnni +spec-ctrl +ssbd
Cascadelake-Server-noTSX Intel: Cascadelake-Server +arch-capabilities +ibrs-all +mds-no +rdctl-no
    +skip-l1dfl-vmentry -hle -rtm
Icelake-Client Intel: Skylake-Client-IBRS +avx512-vpopcntdq +avx512bitalg +avx512vbmi +avx512vbmi2 +avx512vnni +gfni
    +intel-pt +mpx +pku +ssbd +umip +vaes +vme +vpclmulqdq +wbnoinvd
Icelake-Client-noTSX Intel: Icelake-Client -hle -rtm
Icelake-Server Intel: Cascadelake-Server +avx512-vpopcntdq +avx512bitalg +avx512vbmi +avx512vbmi2 +gfni +la57 +umip
    +vaes +vpclmulqdq +wbnoinvd
Icelake-Server-noTSX Intel: Icelake-Server -hle -rtm
Cooperlake Intel: Cascadelake-Server-noTSX +avx512-bf16 +hle +pschange-mc-no +rtm +stibp +taa-no
Snowridge Intel: IvyBridge-IBRS +3dnowprefetch +arch-capabilities +cldemote +clflushopt +clwb +core-capability +gfni
    +monitor +movbe +movdir64b +movdiri +mpx +pdpe1gb +rdseed +sha-ni +smap +split-lock-detect +ssbd +umip +xgetbv1
    +xsavec -avx -f16c
athlon AMD: pentium3 +3dnow +3dnowext +mmxext +sse2
phenom AMD: qemu64 +3dnow +3dnowext +abm +fxsr_opt +mmxext +monitor +npt +pdpe1gb +popcnt +rdtscp +sse4a
Opteron_G1 AMD: cpu64-rhel5
Opteron_G2 AMD: qemu64
Opteron_G3 AMD: qemu64 +abm +misalignsse +monitor +popcnt +rdtscp +sse4a
Opteron_G4 AMD: Westmere +3dnowprefetch +abm +avx +fma4 +misalignsse +npt +nrip-save +pdpe1gb +rdtscp +sse4a +svm
    +xop +xsave -arat
Opteron_G5 AMD: Opteron_G4 +f16c +fma +tbm
EPYC AMD: Skylake-Client-noTSX-IBRS +clflushopt +cr8legacy +fxsr_opt +misalignsse +mmxext +monitor +npt +nrip-save
    +osvw +pdpe1gb +sha-ni +sse4a +svm +topoext -erms -invpcid -pcid -spec-ctrl -tsc-deadline -x2apic
EPYC-IBPB AMD: EPYC +ibpb
EPYC-Rome AMD: EPYC-IBPB +amd-stibp +clwb +clzero +perfctr_core +rdpid +umip +wbnoinvd +xsaveerptr +xsaves
EPYC-Milan AMD: EPYC-Rome +amd-ssbd +erms +fsrm +ibrs +invpcid +pcid +pku +svme-addr-chk
Dhyana Hygon: EPYC-IBPB -aes -pclmuldq -sha-ni
"""

# Features that no model above has.
_OTHERS = """
ace2 ace2-en amd-no-ssb amx-bf16 amx-int8 amx-tile arch-lbr avic avx-vnni avx512-4fmaps avx512-4vnniw avx512-fp16
avx512-vp2intersect avx512er avx512ifma avx512pf bus-lock-detect cid cmp_legacy dca decodeassists ds ds_cpl dtes64
est extapic flushbyasid ht hypervisor ia64 ibs intel-pt-lip invtsc lbrv lwp md-clear nodeid_msr pause-filter pbe
pcommit pdcm perfctr_nb pfthreshold phe phe-en pks pmm pmm-en pn rsba serialize sgx sgx-debug sgx-exinfo sgx-kss
sgx-mode64 sgx-provisionkey sgx-tokenkey sgx1 sgx2 sgxlc skinit smx ssb-no svm-lock tce tm tm2 tsc-scale tsc_adjust
tsx-ctrl tsx-ldtrk v-vmsave-vmload vgif virt-ssbd vmcb-clean vmx waitpkg wdt xcrypt xcrypt-en xfd xstore xstore-en
xtpr
"""


def x86_models() -> Models:
    """The table."""
    return Models(_parsed(), {*_OTHERS.split(), *BEYOND_QEMU})


def _parsed() -> Iterator[Model]:
    done: dict[str, frozenset[str]] = {}
    for line in _MODELS.replace("\n    ", " ").strip().splitlines():
        head, _, tail = line.partition(":")
        name, vendor = head.split()
        words = tail.split()
        features = {feature for word in words if word in done for feature in done[word]}
        features |= {word[1:] for word in words if word[0] == "+"}
        features -= {word[1:] for word in words if word[0] == "-"}
        done[name] = frozenset(features)
        yield Model(name, None if vendor == "any" else vendor, done[name])
