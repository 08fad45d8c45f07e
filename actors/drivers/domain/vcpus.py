"""Virtual processors: how many, and on which of the host's they run."""

from __future__ import annotations

from dataclasses import replace

from ....wire.cpuset import bits_of, format_numbers, numbers_of, parse_numbers
from ....wire.documents.domain import CpuTune, DomainDefinition, VcpuPin
from ....wire.enums.domain_tuning import DomainVcpuFlags
from ....wire.errors import InvalidArgument, OperationInvalid
from ....wire.table import DomainRef
from ...call import Call
from .flags import CONFIG, IMPACTS, LIVE, check_not_zero, check_one_impact, refusal
from .tunables import Tunables
from .vcpu_lists import with_count, with_maximum

_MAXIMUM = int(DomainVcpuFlags.MAXIMUM)


class Vcpus(Tunables):
    """Calls about processors."""

    # How many processors a guest may have at most.
    most_vcpus = 4096

    def domain_get_max_vcpus(self, call: Call, dom: DomainRef) -> tuple[int]:
        return (_count(self.definition_for(LIVE), _MAXIMUM),)

    def domain_get_vcpus_flags(self, call: Call, dom: DomainRef, flags: int) -> tuple[int]:
        check_one_impact(flags)
        self.check_flags(call, flags, IMPACTS | _MAXIMUM)
        return (_count(self.definition_for(flags), flags),)

    async def domain_set_vcpus(self, call: Call, dom: DomainRef, nvcpus: int) -> None:
        check_not_zero(call, "nvcpus", nvcpus)
        await self._set_vcpus(call, nvcpus, LIVE)

    async def domain_set_vcpus_flags(self, call: Call, dom: DomainRef, nvcpus: int, flags: int) -> None:
        if flags & _MAXIMUM and not flags & CONFIG and self.affected(flags & IMPACTS).live:
            raise refusal("Flag 'VIR_DOMAIN_AFFECT_CONFIG' is required by flag 'VIR_DOMAIN_VCPU_MAXIMUM'")
        check_not_zero(call, "nvcpus", nvcpus)
        self.check_flags(call, flags, IMPACTS | _MAXIMUM)
        await self._set_vcpus(call, nvcpus, flags)

    def with_vcpu_count(self, definition: DomainDefinition, count: int, flags: int) -> DomainDefinition:
        """One of the domain's definitions with so many processors enabled."""
        return with_count(definition, count)

    async def _set_vcpus(self, call: Call, count: int, flags: int) -> None:
        if count > self.most_vcpus:
            raise InvalidArgument(
                f"requested cpu amount exceeds maximum supported amount ({count} > {self.most_vcpus})"
            )
        impact = self.affected(flags & IMPACTS)
        if flags & _MAXIMUM:
            await self.change_definition(call, CONFIG, lambda definition: with_maximum(definition, count))
            return
        affected = ((impact.live, self.live), (impact.config, self.persistent))
        most = min(definition.vcpus or 1 for said, definition in affected if said and definition is not None)
        if count > most:
            raise InvalidArgument(f"requested cpu amount exceeds maximum ({count} > {most})")
        await self.change_definition(
            call, flags & IMPACTS, lambda definition: self.with_vcpu_count(definition, count, flags)
        )

    # -- pinning -------------------------------------------------------------------------------------------------------

    async def domain_pin_vcpu(self, call: Call, dom: DomainRef, vcpu: int, cpumap: bytes) -> None:
        await self.pin_vcpu(call, vcpu, cpumap, LIVE)

    async def domain_pin_vcpu_flags(self, call: Call, dom: DomainRef, vcpu: int, cpumap: bytes, flags: int) -> None:
        self.check_flags(call, flags, IMPACTS)
        await self.pin_vcpu(call, vcpu, cpumap, flags)

    async def pin_vcpu(self, call: Call, vcpu: int, cpumap: bytes, flags: int) -> None:
        cpuset = format_numbers(numbers_of(cpumap))
        impact = self.affected(flags)

        def pinned(definition: DomainDefinition) -> DomainDefinition:
            if vcpu >= _count(definition, 0):
                raise InvalidArgument(f"requested vcpu '{vcpu}' is not present in the domain")
            tune = definition.cputune or CpuTune()
            pins = {pin.vcpu: pin for pin in tune.vcpu_pins} | {vcpu: VcpuPin(vcpu=vcpu, cpuset=cpuset)}
            return replace(definition, cputune=replace(tune, vcpu_pins=tuple(pins[each] for each in sorted(pins))))

        await self.change_definition(call, flags, pinned)
        if impact.live:
            self.tell_pinned(f"vcpupin{vcpu}", cpuset)

    def domain_get_vcpu_pin_info(
        self, call: Call, dom: DomainRef, ncpumaps: int, maplen: int, flags: int
    ) -> tuple[bytes, int]:
        check_one_impact(flags)
        definition = self.definition_for(flags & IMPACTS)
        count = min(_count(definition, 0), ncpumaps)
        return b"".join(self._pins(definition, vcpu, maplen) for vcpu in range(count)), count

    def _pins(self, definition: DomainDefinition, vcpu: int, length: int) -> bytes:
        """The host's processors that one of the guest's may run on."""
        pins = definition.cputune.vcpu_pins if definition.cputune else ()
        pinned = next((pin.cpuset for pin in pins if pin.vcpu == vcpu), definition.cpuset)
        return bits_of(self.host_cpus() if pinned is None else parse_numbers(pinned), length)

    def pins_of(self, vcpu: int, length: int) -> bytes:
        """The same for the running guest, as bits."""
        return self._pins(self.definition, vcpu, length)

    async def domain_pin_emulator(self, call: Call, dom: DomainRef, cpumap: bytes, flags: int) -> None:
        self.check_flags(call, flags, IMPACTS)
        cpuset = format_numbers(numbers_of(cpumap))

        def pinned(definition: DomainDefinition) -> DomainDefinition:
            return replace(definition, cputune=replace(definition.cputune or CpuTune(), emulator_pin=cpuset))

        impact = self.affected(flags)
        if not cpuset:
            raise InvalidArgument("Empty cpu list for pinning")
        await self.change_definition(call, flags, pinned)
        if impact.live:
            self.tell_pinned("emulatorpin", cpuset)

    def domain_get_emulator_pin_info(self, call: Call, dom: DomainRef, maplen: int, flags: int) -> tuple[bytes, int]:
        check_one_impact(flags)
        self.check_flags(call, flags, IMPACTS)
        definition = self.definition_for(flags)
        pinned = definition.cputune.emulator_pin if definition.cputune else None
        if pinned is None:
            pinned = definition.cpuset
        return bits_of(self.host_cpus() if pinned is None else parse_numbers(pinned), maplen), 1

    def require_active_for(self, what: str) -> None:
        """Refuse to act on the processors of a domain that is off. Raises OperationInvalid."""
        if not self.active:
            raise OperationInvalid(f"cannot {what} an inactive domain", object=self.name)


def _count(definition: DomainDefinition, flags: int) -> int:
    most = definition.vcpus or 1
    return most if flags & _MAXIMUM or definition.current_vcpus is None else definition.current_vcpus
