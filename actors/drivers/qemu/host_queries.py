"""What the qemu driver tells of the host beyond what every driver of it does: what its emulators make of it.

Two kinds of processor are asked about: the host's own, by /proc/cpuinfo, and the one that an emulator can give to a
guest at most, by what QEMU says. Models and their features are always QEMU's, or of a table where there is no QEMU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....wire.documents.cpu import CpuDescription, format_cpu, parse_cpu
from ....wire.enums.domain_tuning import ConnectBaselineCPUFlags, ConnectCompareCPUFlags, CPUCompareResult
from ....wire.enums.error import ErrorDomain, ErrorNumber
from ....wire.errors import InvalidArgument, NotSupported, UnsupportedConfig
from ....wire.params import TypedParam
from ...call import Call
from ...cpu.architectures import ARCHITECTURES, X86, same_family
from ...cpu.arithmetic import Processor as KnownProcessor
from ...cpu.arithmetic import (
    Verdict,
    baseline,
    baseline_for,
    check_description,
    check_host_descriptions,
    check_with_models,
    compare,
    incompatible,
)
from ...cpu.models import Models
from ...cpu.x86 import x86_models
from ...host.cells import read_host
from ...host.processor import Processor
from ..domain import check_flags
from ..host_queries import HostQueries
from .capabilities import Capabilities, Machine
from .cpu_models import QemuCpus
from .emulators import Emulators
from .host_document import SECURITY, host_document

_ACCELERATORS = {"qemu": "tcg", "kvm": "kvm"}


@dataclass(frozen=True, slots=True)
class Virtualization:
    """What a caller named by emulator, architecture, machine and domain type, the defaults filled in."""

    capabilities: Capabilities
    arch: str
    machine: Machine
    type: str


class QemuHostQueries(HostQueries):
    """A mixin for the driver's actor; ``emulators`` are those of the host."""

    emulators: Emulators

    async def connect_get_capabilities(self, call: Call) -> tuple[str]:
        known = await self.emulators.all()
        host = await self.runtime.in_thread(read_host, self.files)
        return (host_document(host, known, await self._models()),)

    async def connect_get_domain_capabilities(
        self,
        call: Call,
        emulatorbin: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        flags: int,
    ) -> tuple[str]:
        check_flags(call, flags, 0)
        what = await self._virtualization(emulatorbin, arch, machine, virttype)
        accelerator = _ACCELERATORS[what.type] if what.capabilities.arch in X86 else None
        return (
            await self.emulators.domain_document(what.capabilities, what.arch, what.machine, what.type, accelerator),
        )

    async def connect_get_max_vcpus(self, call: Call, type: str | None) -> tuple[int]:
        if type is not None and type.lower() not in _ACCELERATORS:
            raise InvalidArgument(f"unknown type '{type}'")
        what = await self._virtualization(None, None, None, type and type.lower())
        return (what.machine.max_cpus,)

    def node_get_security_model(self, call: Call) -> tuple[str, str]:
        return SECURITY.model, SECURITY.doi or ""

    def node_get_sev_info(self, call: Call, nparams: int, flags: int) -> tuple[list[TypedParam], int]:
        raise NotSupported(
            "QEMU does not support SEV guest", code=ErrorNumber.OPERATION_UNSUPPORTED, domain=ErrorDomain.QEMU
        )

    # -- processors ----------------------------------------------------------------------------------------------------

    async def connect_get_cpu_model_names(
        self, call: Call, arch: str, need_results: int, flags: int
    ) -> tuple[list[str], int]:
        check_flags(call, flags, 0)
        if arch not in ARCHITECTURES:
            raise InvalidArgument(f"cannot find architecture {arch}")
        names = [model.name for model in await self._models()] if arch in X86 else await self._names(arch)
        return names if need_results else [], len(names)

    async def connect_compare_cpu(self, call: Call, xml: str, flags: int) -> tuple[int]:
        check_flags(call, flags, ~ConnectCompareCPUFlags(0))
        wanted = _described(xml, flags)
        models = await self._models()
        return _told(compare(await self._host_processor(models), wanted, models), flags)

    async def connect_compare_hypervisor_cpu(
        self,
        call: Call,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        xmlcpu: str,
        flags: int,
    ) -> tuple[int]:
        check_flags(call, flags, ~ConnectCompareCPUFlags(0))
        what = await self._virtualization(emulator, arch, machine, virttype)
        wanted = _described(xmlcpu, flags)
        cpus = await self._cpus(what)
        return _told(compare(cpus.most, wanted, cpus.models), flags)

    async def connect_baseline_cpu(self, call: Call, xml_cpus: Sequence[str], flags: int) -> tuple[str]:
        check_flags(call, flags, ~ConnectBaselineCPUFlags(0))
        described = _host_descriptions(xml_cpus)
        return (format_cpu(baseline(described, await self._models(), **_wishes(flags))),)

    async def connect_baseline_hypervisor_cpu(
        self,
        call: Call,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        xml_cpus: Sequence[str],
        flags: int,
    ) -> tuple[str]:
        check_flags(call, flags, ~ConnectBaselineCPUFlags(0))
        what = await self._virtualization(emulator, arch, machine, virttype)
        described = [parse_cpu(xml) for xml in xml_cpus]
        check_with_models(described)
        cpus = await self._cpus(what)
        return (format_cpu(baseline_for(cpus.most, described, cpus.models, **_wishes(flags))),)

    async def _models(self) -> Models:
        """The models that this host's QEMU has for x86."""
        for capabilities in await self.emulators.all():
            if capabilities.arch in X86:
                return (await self.emulators.cpus(capabilities, "tcg")).models
        return x86_models()

    async def _names(self, arch: str) -> list[str]:
        """The names of the models of another architecture, none where no emulator has it."""
        for capabilities in await self.emulators.all():
            if capabilities.arch == arch:
                return [model.name for model in capabilities.cpu_models]
        return []

    async def _host_processor(self, models: Models) -> KnownProcessor:
        return await self.runtime.in_thread(_host_processor, Processor(self.files), models)

    async def _cpus(self, what: Virtualization) -> QemuCpus:
        """The processors of an emulator. Raises NotSupported where it does not tell."""
        if what.capabilities.arch not in X86:
            raise NotSupported(f"the processors of architecture {what.arch}", code=ErrorNumber.OPERATION_UNSUPPORTED)
        return await self.emulators.cpus(what.capabilities, _ACCELERATORS[what.type])

    async def _virtualization(
        self, emulator: str | None, arch: str | None, machine: str | None, type: str | None
    ) -> Virtualization:
        """What the arguments name. Raises InvalidArgument and UnsupportedConfig."""
        if type is not None and type not in _ACCELERATORS:
            raise InvalidArgument(f"unknown virttype: {type}")
        if arch is not None and arch not in ARCHITECTURES:
            raise InvalidArgument(f"unknown architecture: {arch}")
        capabilities = await self.emulators.capabilities(emulator, arch)
        if arch is not None and not same_family(arch, capabilities.arch):
            raise InvalidArgument(f"architecture {arch} is not that of emulator '{capabilities.binary}'")
        if type == "kvm" and not capabilities.kvm:
            raise InvalidArgument(f"the accel 'kvm' is not supported by '{capabilities.binary}' on this host")
        try:
            chosen = capabilities.machine(machine)
        except UnsupportedConfig as error:
            raise InvalidArgument(
                f"the machine '{machine}' is not supported by emulator '{capabilities.binary}'"
            ) from error
        return Virtualization(
            capabilities, arch or capabilities.arch, chosen, type or ("kvm" if capabilities.kvm else "qemu")
        )


def _host_processor(processor: Processor, models: Models) -> KnownProcessor:
    return KnownProcessor(processor.arch, processor.vendor, processor.features & models.known)


def _described(xml: str, flags: int) -> CpuDescription:
    described = parse_cpu(xml, strict=bool(flags & ConnectCompareCPUFlags.VALIDATE_XML))
    check_description(described)
    return described


def _host_descriptions(xmls: Sequence[str]) -> list[CpuDescription]:
    described = [parse_cpu(xml) for xml in xmls]
    check_host_descriptions(described)
    return described


def _wishes(flags: int) -> dict[str, bool]:
    return {
        "expand": bool(flags & ConnectBaselineCPUFlags.EXPAND_FEATURES),
        "migratable": bool(flags & ConnectBaselineCPUFlags.MIGRATABLE),
    }


def _told(verdict: Verdict, flags: int) -> tuple[int]:
    if verdict.result is CPUCompareResult.INCOMPATIBLE and flags & ConnectCompareCPUFlags.FAIL_INCOMPATIBLE:
        raise incompatible(verdict)
    return (int(verdict.result),)
