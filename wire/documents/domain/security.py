"""Labels, keys and sealed memory: libvirt's `<seclabel>`, `<keywrap>`, `<launchSecurity>` and `<idmap>`."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ..binding import At
from ..values import ANY_HEX, ON_OFF, YES_NO


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityLabel:
    """How a security model labels the guest; `label` and `imagelabel` are live where the type is dynamic."""

    type: Annotated[Literal["none", "dynamic", "static"] | None, At("@type")] = None
    model: Annotated[str | None, At("@model")] = None
    relabel: Annotated[bool | None, At("@relabel", YES_NO)] = None
    label: Annotated[str | None, At("label")] = None
    imagelabel: Annotated[str | None, At("imagelabel")] = None
    baselabel: Annotated[str | None, At("baselabel")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLabel:
    """How a security model labels what one device uses."""

    model: Annotated[str | None, At("@model")] = None
    relabel: Annotated[bool | None, At("@relabel", YES_NO)] = None
    labelskip: Annotated[bool | None, At("@labelskip", YES_NO)] = None
    label: Annotated[str | None, At("label")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWrap:
    """One cipher of s390's key wrapping."""

    name: Annotated[Literal["aes", "dea"], At("@name")]
    state: Annotated[bool, At("@state", ON_OFF)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sev:
    """AMD's encrypted memory."""

    TAG: ClassVar[str] = "sev"

    kernel_hashes: Annotated[bool | None, At("@kernelHashes", YES_NO)] = None
    cbitpos: Annotated[int | None, At("cbitpos")] = None
    reduced_phys_bits: Annotated[int | None, At("reducedPhysBits")] = None
    policy: Annotated[int, At("policy", ANY_HEX)]
    dh_cert: Annotated[str | None, At("dhCert")] = None
    session: Annotated[str | None, At("session")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedVirtualization:
    """s390's secure execution."""

    TAG: ClassVar[str] = "s390-pv"


LaunchSecurity = Sev | ProtectedVirtualization


@dataclass(frozen=True, slots=True, kw_only=True)
class IdRange:
    """Users or groups of a container, as the host's."""

    start: Annotated[int, At("@start")]
    target: Annotated[int, At("@target")]
    count: Annotated[int, At("@count")]
