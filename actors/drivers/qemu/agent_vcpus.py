"""The processors as the guest sees them: its agent tells which there are, and switches them off and on."""

from __future__ import annotations

from typing import Any

from ....wire.cpuset import format_numbers, parse_numbers
from ....wire.enums.domain_tuning import DomainVcpuFlags
from ....wire.enums.error import ErrorNumber
from ....wire.errors import InvalidArgument, NotSupported, OperationFailed
from ....wire.params import ParamType, TypedParam
from ....wire.table import DomainRef
from ...call import Call
from ..domain.flags import CONFIG, IMPACTS, check_flags, check_not_zero, check_one_impact, refusal
from .agent_talk import AgentTalk

_GUEST, _MAXIMUM = int(DomainVcpuFlags.GUEST), int(DomainVcpuFlags.MAXIMUM)


class AgentVcpus(AgentTalk):
    """Calls about processors that the guest's agent answers."""

    def domain_get_vcpus_flags(self, call: Call, dom: DomainRef, flags: int) -> Any:
        if not flags & _GUEST:
            return super().domain_get_vcpus_flags(call, dom, flags)
        check_one_impact(flags)
        return self._count_guest_vcpus(call, flags)

    async def _count_guest_vcpus(self, call: Call, flags: int) -> tuple[int]:
        self.check_flags(call, flags, IMPACTS | _GUEST | _MAXIMUM)
        self.affected(flags & IMPACTS)
        told = await self.ask_agent(call, "guest-get-vcpus")
        return (sum(1 for each in told if flags & _MAXIMUM or each["online"]),)

    async def domain_set_vcpus_flags(self, call: Call, dom: DomainRef, nvcpus: int, flags: int) -> None:
        if not flags & _GUEST:
            return await super().domain_set_vcpus_flags(call, dom, nvcpus, flags)
        if flags & CONFIG:
            raise refusal("Flags 'VIR_DOMAIN_VCPU_GUEST' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")
        check_not_zero(call, "nvcpus", nvcpus)
        check_flags(call, flags, IMPACTS | _GUEST)
        self.require_agent()
        there = self.definition.current_vcpus or self.definition.vcpus or 1
        if nvcpus > there:
            raise InvalidArgument(
                f"requested vcpu count is greater than the count of enabled vcpus in the domain: {nvcpus} > {there}"
            )
        return await self._set_count(call, nvcpus)

    async def _set_count(self, call: Call, count: int) -> None:
        """Have the guest use so many processors: the lowest that are off are switched on, the highest off."""
        told = await self.ask_agent(call, "guest-get-vcpus")
        online = [each["logical-id"] for each in told if each["online"]]
        if count >= len(online):
            idle = [each["logical-id"] for each in told if not each["online"]]
            changed = idle[: count - len(online)]
        else:
            removable = [each["logical-id"] for each in told if each["online"] and each.get("can-offline")]
            changed = removable[count - len(online) :]
        if len(changed) != abs(count - len(online)):
            raise OperationFailed(f"the guest cannot do with {count} of its vcpus", object=self.name)
        await self._set(call, changed, count > len(online))

    async def domain_get_guest_vcpus(self, call: Call, dom: DomainRef, flags: int) -> tuple[list[TypedParam]]:
        self.check_flags(call, flags, 0)
        told = await self.ask_agent(call, "guest-get-vcpus")
        lists = {
            "vcpus": [each["logical-id"] for each in told],
            "online": [each["logical-id"] for each in told if each["online"]],
            "offlinable": [each["logical-id"] for each in told if each.get("can-offline")],
        }
        return ([TypedParam(name, ParamType.STRING, format_numbers(found)) for name, found in lists.items()],)

    async def domain_set_guest_vcpus(self, call: Call, dom: DomainRef, cpumap: str, state: int, flags: int) -> None:
        self.check_flags(call, flags, 0)
        if state not in (0, 1):
            raise InvalidArgument("unsupported state value")
        try:
            wanted = parse_numbers(cpumap)
        except ValueError:
            raise InvalidArgument(f"Failed to parse bitmap '{cpumap}'") from None
        told: dict[int, Any] = {each["logical-id"]: each for each in await self.ask_agent(call, "guest-get-vcpus")}
        if missing := wanted - told.keys():
            raise InvalidArgument(f"guest is missing vCPUs '{format_numbers(missing)}'")
        changed = sorted(number for number in wanted if told[number]["online"] != bool(state))
        if not state and (fixed := [number for number in changed if not told[number].get("can-offline")]):
            raise NotSupported(f"vCPU '{fixed[0]}' is not offlinable", code=ErrorNumber.OPERATION_UNSUPPORTED)
        await self._set(call, changed, bool(state))

    async def _set(self, call: Call, numbers: list[int], online: bool) -> None:
        """Switch processors on or off. The agent says how many it has done before one failed."""
        while numbers:
            wanted = [{"logical-id": number, "online": online} for number in numbers]
            done = int(await self.ask_agent(call, "guest-set-vcpus", {"vcpus": wanted}))
            if done <= 0:
                raise OperationFailed("the guest has not changed all of these vcpus", object=self.name)
            numbers = numbers[done:]
