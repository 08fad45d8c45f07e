"""What the machine offers to its guest: libvirt's `<features>`. None leaves a switch to the hypervisor."""

from dataclasses import dataclass
from typing import Annotated

from ..binding import At
from ..values import ON_OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Apic:
    """The APIC; `eoi` is paravirtual end of interrupt."""

    eoi: Annotated[bool | None, At("@eoi", ON_OFF)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Machine features, in libvirt's order."""

    acpi: Annotated[bool, At("acpi")] = False
    apic: Annotated[Apic | None, At("apic")] = None
    pae: Annotated[bool, At("pae")] = False
    kvm_hidden: Annotated[bool | None, At("kvm/hidden/@state", ON_OFF)] = None
    pmu: Annotated[bool | None, At("pmu/@state", ON_OFF)] = None
    vmport: Annotated[bool | None, At("vmport/@state", ON_OFF)] = None
    smm: Annotated[bool | None, At("smm/@state", ON_OFF)] = None
    vmcoreinfo: Annotated[bool | None, At("vmcoreinfo/@state", ON_OFF)] = None
