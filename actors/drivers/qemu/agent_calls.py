"""What is asked of the guest itself, by its agent: names, times, file systems, users, processors."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....wire.cpuset import format_numbers, parse_numbers
from ....wire.documents.domain import Channel
from ....wire.enums.domain import DomainRebootFlagValues, DomainShutdownFlagValues
from ....wire.enums.domain_tuning import DomainInterfaceAddressesSource as Source
from ....wire.enums.error import ErrorNumber
from ....wire.enums.host import NodeSuspendTarget
from ....wire.errors import InvalidArgument, NotSupported, OperationFailed, UnsupportedConfig, VirtError
from ....wire.params import ParamType, TypedParam
from ....wire.table import DomainRef
from ....wire.table.structs import FilesystemInfo, GuestInterface, IPAddress
from ...call import Call
from ...monitor.agent import GuestAgent
from .agent_figures import FIGURES
from .guest import Guest

CHANNEL = "org.qemu.guest_agent.0"
PATIENCE = 5.0  # seconds
NS_PER_S = 1_000_000_000
# virDomainQemuAgentCommandTimeoutValues.
_BLOCK, _DEFAULT, _NOWAIT = -2, -1, 0
_SUSPENDS = {
    NodeSuspendTarget.MEM: "guest-suspend-ram",
    NodeSuspendTarget.DISK: "guest-suspend-disk",
    NodeSuspendTarget.HYBRID: "guest-suspend-hybrid",
}
_FAMILIES = {"ipv4": 0, "ipv6": 1}
_ARP = Path("/proc/net/arp")


class AgentCalls(Guest):
    """Calls that the guest's agent answers."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._agent = GuestAgent(self.name)
        self._agent_patience = PATIENCE

    def _agent_channel(self) -> Channel:
        """The channel of an agent that is there. Raises OperationInvalid, InvalidArgument, OperationFailed."""
        self.require_active()
        channel = next((each for each in self.definition.devices.channels if each.name == CHANNEL), None)
        if channel is None or channel.source_path is None:
            raise InvalidArgument("QEMU guest agent is not configured", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        if channel.state != "connected":
            raise self._agent.unresponsive("Guest agent is not responding: QEMU guest agent is not connected")
        return channel

    async def ask_agent(
        self, call: Call, command: str, arguments: Mapping[str, Any] | None = None, *, answered: bool = True
    ) -> Any:
        """Run a command of the agent's. Raises as GuestAgent.execute does."""
        path = Path(self._agent_channel().source_path or "")
        left = max(0.0, call.deadline - self.runtime.loop.time())
        return await self._agent.execute(path, command, arguments, min(self._agent_patience, left), answered=answered)

    async def domain_agent_command(
        self, call: Call, dom: DomainRef, cmd: str, wait: int, flags: int
    ) -> tuple[str | None]:
        self.check_flags(call, flags, 0)
        if wait < _BLOCK:
            raise InvalidArgument(f"guest agent timeout '{wait}' is less than the minimum '{_BLOCK}'")
        path = Path(self._agent_channel().source_path or "")
        try:
            asked = json.loads(cmd)
            command, arguments = str(asked["execute"]), asked.get("arguments")
        except (ValueError, KeyError, TypeError):
            raise InvalidArgument(f"'{cmd}' is no command of the guest agent's") from None
        left = max(0.0, call.deadline - self.runtime.loop.time())
        patience = {_BLOCK: left, _DEFAULT: PATIENCE, _NOWAIT: PATIENCE}.get(wait, float(wait))
        result = await self._agent.execute(path, command, arguments, min(left, patience), answered=wait != _NOWAIT)
        return (json.dumps({"return": result}),)

    def domain_agent_set_response_timeout(self, call: Call, dom: DomainRef, timeout: int, flags: int) -> tuple[int]:
        self.check_flags(call, flags, 0)
        if timeout < _BLOCK:
            raise InvalidArgument(f"guest agent timeout '{timeout}' is less than the minimum '{_BLOCK}'")
        self._agent_patience = {_BLOCK: float("inf"), _DEFAULT: PATIENCE}.get(timeout, float(timeout))
        return (0,)

    # -- power ---------------------------------------------------------------------------------------------------------

    async def press_power_button(self, call: Call, flags: int) -> None:
        agent, acpi = DomainShutdownFlagValues.GUEST_AGENT, DomainShutdownFlagValues.ACPI_POWER_BTN
        if not await self._by_agent(call, flags, agent, acpi, "powerdown"):
            await super().press_power_button(call, flags & ~agent)

    async def request_reboot(self, call: Call, flags: int) -> None:
        agent, acpi = DomainRebootFlagValues.GUEST_AGENT, DomainRebootFlagValues.ACPI_POWER_BTN
        if not await self._by_agent(call, flags, agent, acpi, "reboot"):
            await super().request_reboot(call, flags & ~agent)

    async def _by_agent(self, call: Call, flags: int, agent: int, acpi: int, mode: str) -> bool:
        """Whether the agent has been asked to end the guest; where ACPI may do it as well, it need not be there."""
        if not flags & agent:
            return False
        try:
            await self.ask_agent(call, "guest-shutdown", {"mode": mode}, answered=False)
        except VirtError:
            if flags & acpi:
                return False
            raise
        return True

    async def domain_pm_suspend_for_duration(
        self, call: Call, dom: DomainRef, target: int, duration: int, flags: int
    ) -> None:
        self.check_flags(call, flags, 0)
        if duration:
            raise InvalidArgument("Duration not supported. Use 0 for now", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        if target not in list(NodeSuspendTarget):
            raise InvalidArgument(f"Unknown suspend target: {target}")
        await self.ask_agent(call, _SUSPENDS[NodeSuspendTarget(target)], answered=False)

    # -- name and time -------------------------------------------------------------------------------------------------

    async def domain_get_hostname(self, call: Call, dom: DomainRef, flags: int) -> tuple[str]:
        self.check_flags(call, flags, 3)
        if flags == 1:
            raise NotSupported("the hostname by a lease", code=ErrorNumber.OPERATION_UNSUPPORTED)
        return (str((await self.ask_agent(call, "guest-get-host-name"))["host-name"]),)

    async def domain_get_time(self, call: Call, dom: DomainRef, flags: int) -> tuple[int, int]:
        self.check_flags(call, flags, 0)
        return divmod(int(await self.ask_agent(call, "guest-get-time")), NS_PER_S)

    async def domain_set_time(self, call: Call, dom: DomainRef, seconds: int, nseconds: int, flags: int) -> None:
        self.check_flags(call, flags, 1)
        arguments = None if flags else {"time": seconds * NS_PER_S + nseconds}
        await self.ask_agent(call, "guest-set-time", arguments)

    # -- file systems --------------------------------------------------------------------------------------------------

    async def domain_get_fsinfo(self, call: Call, dom: DomainRef, flags: int) -> tuple[list[FilesystemInfo], int]:
        self.check_flags(call, flags, 0)
        told = await self.ask_agent(call, "guest-get-fsinfo")
        found = [
            FilesystemInfo(str(each["mountpoint"]), str(each["name"]), str(each["type"]), self._targets(each))
            for each in told
        ]
        return found, len(found)

    def _targets(self, filesystem: Mapping[str, Any]) -> list[str]:
        """The definition's names of a file system's disks: those of the same address or serial number."""
        found: list[str] = []
        for told in filesystem.get("disk", ()):
            place = told.get("pci-controller", {})
            for disk in self.definition.devices.disks:
                at = disk.address
                same = at is not None and all(
                    getattr(at, name, None) == place.get(name) for name in ("domain", "bus", "slot", "function")
                )
                if (same and disk.bus == "virtio") or (disk.serial and disk.serial == told.get("serial")):
                    found.append(disk.target)
        return found

    async def domain_fsfreeze(self, call: Call, dom: DomainRef, mountpoints: list[str], flags: int) -> tuple[int]:
        self.check_flags(call, flags, 0)
        if mountpoints:
            return (int(await self.ask_agent(call, "guest-fsfreeze-freeze-list", {"mountpoints": mountpoints})),)
        return (int(await self.ask_agent(call, "guest-fsfreeze-freeze")),)

    async def domain_fsthaw(self, call: Call, dom: DomainRef, mountpoints: list[str], flags: int) -> tuple[int]:
        self.check_flags(call, flags, 0)
        if mountpoints:
            raise InvalidArgument("specifying mountpoints is not supported", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        return (int(await self.ask_agent(call, "guest-fsfreeze-thaw")),)

    async def domain_fstrim(
        self, call: Call, dom: DomainRef, mount_point: str | None, minimum: int, flags: int
    ) -> None:
        self.check_flags(call, flags, 0)
        if mount_point:
            raise InvalidArgument(
                "Specifying mount point is not supported for now", code=ErrorNumber.ARGUMENT_UNSUPPORTED
            )
        await self.ask_agent(call, "guest-fstrim", {"minimum": minimum})

    # -- users ---------------------------------------------------------------------------------------------------------

    async def domain_set_user_password(
        self, call: Call, dom: DomainRef, user: str | None, password: str | None, flags: int
    ) -> None:
        self.check_flags(call, flags, 1)
        coded = base64.b64encode((password or "").encode()).decode()
        arguments = {"username": user or "", "password": coded, "crypted": bool(flags)}
        await self.ask_agent(call, "guest-set-user-password", arguments)

    async def domain_authorized_ssh_keys_get(
        self, call: Call, dom: DomainRef, user: str, flags: int
    ) -> tuple[list[str]]:
        self.check_flags(call, flags, 0)
        return (list((await self.ask_agent(call, "guest-ssh-get-authorized-keys", {"username": user}))["keys"]),)

    async def domain_authorized_ssh_keys_set(
        self, call: Call, dom: DomainRef, user: str, keys: list[str], flags: int
    ) -> None:
        append, remove = 1, 2
        self.check_flags(call, flags, append | remove)
        if flags & remove:
            await self.ask_agent(call, "guest-ssh-remove-authorized-keys", {"username": user, "keys": keys})
        else:
            arguments = {"username": user, "keys": keys, "reset": not flags & append}
            await self.ask_agent(call, "guest-ssh-add-authorized-keys", arguments)

    # -- processors ----------------------------------------------------------------------------------------------------

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
            numbers = parse_numbers(cpumap)
        except ValueError:
            raise InvalidArgument(f"Failed to parse bitmap '{cpumap}'") from None
        wanted = [{"logical-id": number, "online": bool(state)} for number in sorted(numbers)]
        if int(await self.ask_agent(call, "guest-set-vcpus", {"vcpus": wanted})) != len(wanted):
            raise OperationFailed("the guest has not changed all of these vcpus", object=self.name)

    # -- figures and addresses -----------------------------------------------------------------------------------------

    async def domain_get_guest_info(
        self, call: Call, dom: DomainRef, types: int, flags: int
    ) -> tuple[list[TypedParam]]:
        self.check_flags(call, flags, 0)
        if unknown := types & ~sum(FIGURES):
            raise InvalidArgument(f"unsupported guest information types '0x{unknown:x}'")
        self._agent_channel()
        params: list[TypedParam] = []
        for kind, (command, figures) in FIGURES.items():
            if types and not types & kind:
                continue
            try:
                params += figures(await self.ask_agent(call, command))
            except VirtError as error:
                # An agent need not know all; who asked for something by its name is told.
                if types or error.code == ErrorNumber.AGENT_UNRESPONSIVE:
                    raise
        return (params,)

    async def domain_interface_addresses(
        self, call: Call, dom: DomainRef, source: int, flags: int
    ) -> tuple[list[GuestInterface]]:
        self.check_flags(call, flags, 0)
        if source not in list(Source):
            raise InvalidArgument(f"Unknown IP address data source {source}", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        self.require_active()
        if source == Source.AGENT:
            return (_interfaces(await self.ask_agent(call, "guest-network-get-interfaces")),)
        cards = self.definition.devices.interfaces
        if source == Source.LEASE:
            if any(card.type == "network" for card in cards):
                raise UnsupportedConfig("leases of networks", code=ErrorNumber.OPERATION_UNSUPPORTED)
            return ([],)
        known = await self.runtime.in_thread(_ARP.read_text)
        found: list[GuestInterface] = []
        for card in cards:
            lines = (line.split() for line in known.splitlines()[1:])
            addresses = [IPAddress(0, words[0], 0) for words in lines if words[3] == card.mac]
            if addresses:
                found.append(GuestInterface(card.target or "", card.mac, addresses))
        return (found,)


def _interfaces(told: list[Mapping[str, Any]]) -> list[GuestInterface]:
    """Cards with their addresses. Aliases ("eth0:1") are told with the card that they belong to."""
    found: dict[str, GuestInterface] = {}
    for each in told:
        name = str(each["name"]).partition(":")[0]
        card = found.setdefault(name, GuestInterface(name, each.get("hardware-address"), []))
        card.addrs.extend(
            IPAddress(_FAMILIES[address["ip-address-type"]], str(address["ip-address"]), int(address["prefix"]))
            for address in each.get("ip-addresses", ())
        )
    return list(found.values())
