"""What is asked of the guest itself, by its agent: names, times, file systems, users, processors."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ....wire.documents.domain import Disk
from ....wire.enums.domain import DomainRebootFlagValues, DomainShutdownFlagValues
from ....wire.enums.domain_tuning import DomainInterfaceAddressesSource as Source
from ....wire.enums.error import ErrorNumber
from ....wire.enums.host import NodeSuspendTarget
from ....wire.errors import (
    HostError,
    InvalidArgument,
    MonitorFailure,
    OperationInvalid,
    UnsupportedConfig,
    VirtError,
)
from ....wire.params import TypedParam
from ....wire.table import DomainRef
from ....wire.table.structs import FilesystemInfo, GuestInterface, IPAddress
from ...call import Call
from ..domain.flags import refusal
from .agent_figures import FIGURES
from .agent_talk import BLOCK, DEFAULT, NOWAIT, PATIENCE, AgentTalk
from .notes import CUSTOM_AGENT

NS_PER_S = 1_000_000_000
_SUSPENDS = {
    NodeSuspendTarget.MEM: ("guest-suspend-ram", "SUSPEND"),
    NodeSuspendTarget.DISK: ("guest-suspend-disk", "SUSPEND_DISK"),
    NodeSuspendTarget.HYBRID: ("guest-suspend-hybrid", "SUSPEND"),
}
_FAMILIES = {"ipv4": 0, "ipv6": 1}
_ARP = Path("/proc/net/arp")


class AgentCalls(AgentTalk):
    """Calls that the guest's agent answers."""

    async def domain_agent_command(
        self, call: Call, dom: DomainRef, cmd: str, wait: int, flags: int
    ) -> tuple[str | None]:
        self.check_flags(call, flags, 0)
        _check_timeout(wait)
        self.require_agent()
        try:
            asked = json.loads(cmd)
            command, arguments = str(asked["execute"]), asked.get("arguments")
        except (ValueError, KeyError, TypeError):
            raise InvalidArgument(f"'{cmd}' is no command of the guest agent's") from None
        await self.note_deed(CUSTOM_AGENT)
        if wait == NOWAIT:
            # Answered at once: the agent has it, and whatever it says is for nobody.
            done = self.runtime.loop.create_future()
            done.set_result(None)
            await self.ask_agent(call, command, arguments, done=done)
            return (json.dumps({"return": {}}, separators=(",", ":")),)
        patience = {BLOCK: float("inf"), DEFAULT: PATIENCE}.get(wait, float(wait))
        result = await self.ask_agent(call, command, arguments, patience=patience)
        return (json.dumps({"return": result}, separators=(",", ":")),)

    def domain_agent_set_response_timeout(self, call: Call, dom: DomainRef, timeout: int, flags: int) -> tuple[int]:
        self.check_flags(call, flags, 0)
        _check_timeout(timeout)
        self.require_active()
        self.set_agent_patience(timeout)
        self.save_live_state()
        return (0,)

    # -- power ---------------------------------------------------------------------------------------------------------

    async def press_power_button(self, call: Call, flags: int) -> None:
        agent, acpi = DomainShutdownFlagValues.GUEST_AGENT, DomainShutdownFlagValues.ACPI_POWER_BTN
        again = self.definition.on_poweroff in ("restart", "preserve")
        if not await self._by_agent(call, flags, agent, acpi, "reboot" if again else "powerdown"):
            await super().press_power_button(call, flags & ~agent)

    async def request_reboot(self, call: Call, flags: int) -> None:
        agent, acpi = DomainRebootFlagValues.GUEST_AGENT, DomainRebootFlagValues.ACPI_POWER_BTN
        ends = self.definition.on_reboot != "restart"
        if not await self._by_agent(call, flags, agent, acpi, "powerdown" if ends else "reboot"):
            await super().request_reboot(call, flags & ~agent)

    async def _by_agent(self, call: Call, flags: int, agent: int, acpi: int, mode: str) -> bool:
        """Whether the agent has been asked to end the guest, as it is where there is one and no other way is said.

        Where ACPI may do it as well, the agent need not be there. A guest may take its time: what is waited for is a
        refusal, as long as any question's answer.
        """
        if not (flags & agent or (not flags and self.has_agent)):
            return False
        try:
            self.require_agent()
            self.expect_reboot(False)
            async with self.told_by("SHUTDOWN", "RESET") as done:
                timer = self.runtime.loop.call_later(PATIENCE, lambda: done.done() or done.set_result(None))
                try:
                    await self.ask_agent(call, "guest-shutdown", {"mode": mode}, patience=2 * PATIENCE, done=done)
                finally:
                    timer.cancel()
        except VirtError:
            if flags and not flags & acpi:
                raise
            return False
        return True

    async def domain_pm_suspend_for_duration(
        self, call: Call, dom: DomainRef, target: int, duration: int, flags: int
    ) -> None:
        self.check_flags(call, flags, 0)
        if duration:
            raise InvalidArgument("Duration not supported. Use 0 for now", code=ErrorNumber.ARGUMENT_UNSUPPORTED)
        if target not in list(NodeSuspendTarget):
            raise InvalidArgument(f"Unknown suspend target: {target}")
        self.require_active()
        pm = self.definition.pm
        for name, enabled, targets in (
            ("S3", pm is None or pm.suspend_to_mem is not False, (NodeSuspendTarget.MEM, NodeSuspendTarget.HYBRID)),
            ("S4", pm is None or pm.suspend_to_disk is not False, (NodeSuspendTarget.DISK, NodeSuspendTarget.HYBRID)),
        ):
            if target in targets and not enabled:
                raise OperationInvalid(f"{name} state is disabled for this domain", object=self.name)
        command, event = _SUSPENDS[NodeSuspendTarget(target)]
        async with self.told_by(event, "SHUTDOWN") as done:
            await self.ask_agent(call, command, done=done)

    # -- name and time -------------------------------------------------------------------------------------------------

    async def domain_get_hostname(self, call: Call, dom: DomainRef, flags: int) -> tuple[str]:
        lease, agent = 1, 2
        self.check_flags(call, flags, lease | agent)
        if flags == lease | agent:
            raise refusal(
                "Flags 'VIR_DOMAIN_GET_HOSTNAME_LEASE' and 'VIR_DOMAIN_GET_HOSTNAME_AGENT' are mutually exclusive"
            )
        self.require_active()
        if flags == lease:
            # No card of this driver's is on a network that gives leases.
            raise HostError(f"no hostname found for domain {self.name}", code=ErrorNumber.NO_HOSTNAME)
        return (str((await self.ask_agent(call, "guest-get-host-name"))["host-name"]),)

    async def domain_get_time(self, call: Call, dom: DomainRef, flags: int) -> tuple[int, int]:
        self.check_flags(call, flags, 0)
        return divmod(int(await self.ask_agent(call, "guest-get-time")), NS_PER_S)

    async def domain_set_time(self, call: Call, dom: DomainRef, seconds: int, nseconds: int, flags: int) -> None:
        self.check_flags(call, flags, 1)
        arguments = None if flags else {"time": seconds * NS_PER_S + nseconds}
        await self.ask_agent(call, "guest-set-time", arguments)
        # The ticks that it has missed until then must not be made up for.
        with suppress(MonitorFailure):
            await self.execute(call, "rtc-reset-reinjection")

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
        """The definition's names of a file system's disks."""
        return [target for told in filesystem.get("disk", ()) if (target := self._target(told)) is not None]

    def _target(self, told: Mapping[str, Any]) -> str | None:
        """The definition's name of a disk that the agent tells of: one of the same address or serial number."""
        place = told.get("pci-controller", {})

        def is_it(disk: Disk) -> bool:
            at = disk.address
            same = at is not None and all(
                getattr(at, name, None) == place.get(name) for name in ("domain", "bus", "slot", "function")
            )
            return (same and disk.bus == "virtio") or (disk.serial is not None and disk.serial == told.get("serial"))

        return next((disk.target for disk in self.definition.devices.disks if is_it(disk)), None)

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

    # -- figures and addresses -----------------------------------------------------------------------------------------

    async def domain_get_guest_info(
        self, call: Call, dom: DomainRef, types: int, flags: int
    ) -> tuple[list[TypedParam]]:
        self.check_flags(call, flags, 0)
        if unknown := types & ~sum(FIGURES):
            raise InvalidArgument(f"unsupported guest information types '0x{unknown:x}'")
        self.require_agent()
        params: list[TypedParam] = []
        for kind, (command, figures) in FIGURES.items():
            if types and not types & kind:
                continue
            try:
                params += figures(await self.ask_agent(call, command), self._target)
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


def _check_timeout(timeout: int) -> None:
    if timeout < BLOCK:
        raise InvalidArgument(f"guest agent timeout '{timeout}' is less than the minimum '{BLOCK}'")
