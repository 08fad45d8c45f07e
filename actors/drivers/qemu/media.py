"""Another medium in a running guest's drive, or none: the only change of a device that needs no plug."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import fields
from typing import Any

from ....wire.documents.domain import Disk, DiskDriver, DomainDefinition
from ....wire.documents.replacing import replace
from ....wire.errors import MonitorFailure, OperationFailed, UnsupportedConfig, VirtError
from ...call import Call
from .command_line.image import SOURCE_FIELDS, node_descriptions, top_node
from .live_changes import LiveChanges

# What of a drive says which medium is in it.
_OF_THE_MEDIUM = ("type", "startup_policy", "backing", *(field for kind in SOURCE_FIELDS.values() for field in kind))
# What a caller need not repeat, and what is not his to say.
_KEPT = frozenset({"alias", "address", "driver", "readonly", "tray", "source_index"})


class Media(LiveChanges):
    """How the medium of a CD or floppy drive is changed (virDomainUpdateDeviceFlags)."""

    async def replug(self, call: Call, family: str, old: Any, new: Any, force: bool) -> DomainDefinition:
        if not isinstance(old, Disk) or old.device not in ("cdrom", "floppy"):
            return await super().replug(call, family, old, new, force)
        changed = with_medium(old, new)
        if changed != old:
            nodes = node_descriptions(changed, {})
            await self.runtime.in_thread(_check_there, changed)
            await self._empty(call, old, force)
            try:
                await self._insert(call, changed, nodes)
            except BaseException:
                self._note_medium(old, _emptied(old))
                raise
        return self._note_medium(old, changed)

    async def _empty(self, call: Call, drive: Disk, force: bool) -> None:
        """Take out what is in a drive, and leave its tray open. Raises OperationFailed where the guest holds it."""
        try:
            await self.execute(call, "blockdev-open-tray", {"id": drive.alias, "force": force})
        except MonitorFailure as error:
            raise OperationFailed(f"disk '{drive.target}': {error}", object=self.name) from error
        await self.execute(call, "blockdev-remove-medium", {"id": drive.alias})
        for node in reversed(node_descriptions(drive, {})):
            await self.execute(call, "blockdev-del", {"node-name": node["node-name"]})

    async def _insert(self, call: Call, drive: Disk, nodes: list[dict[str, Any]]) -> None:
        """Put a medium, if there is one, into a drive and close its tray. What fails leaves it empty, and no nodes."""
        added: list[str] = []
        try:
            for node in nodes:
                await self.execute(call, "blockdev-add", _said(node))
                added.append(node["node-name"])
            if (top := top_node(drive)) is not None:
                await self.execute(call, "blockdev-insert-medium", {"id": drive.alias, "node-name": top})
        except VirtError:
            for name in reversed(added):
                with suppress(VirtError):
                    await self.execute(None, "blockdev-del", {"node-name": name})
            raise
        finally:
            await self.execute(None, "blockdev-close-tray", {"id": drive.alias})

    def _note_medium(self, old: Disk, new: Disk) -> DomainDefinition:
        """The live definition with another drive in the place of one, as far as that is still there."""
        live = self.definition
        disks = tuple(replace(new, tray=None) if disk.alias == old.alias else disk for disk in live.devices.disks)
        self.live = replace(live, devices=replace(live.devices, disks=disks))
        self.save_live_state()
        return self.live


def with_medium(drive: Disk, wanted: Disk) -> Disk:
    """A drive with the medium that a document says. Raises UnsupportedConfig for what else it says anew."""
    format = wanted.driver.type if wanted.driver is not None else None
    driver = replace(drive.driver or DiskDriver(name="qemu"), type=format or "raw")
    changed = replace(drive, driver=driver, **{field: getattr(wanted, field) for field in _OF_THE_MEDIUM})
    for field in fields(Disk):
        said = getattr(wanted, field.name)
        if field.name not in _KEPT and said not in (None, (), False) and said != getattr(changed, field.name):
            raise UnsupportedConfig(f"cannot modify field '{field.name}' of the disk")
    return changed


def _emptied(drive: Disk) -> Disk:
    return with_medium(drive, Disk(device=drive.device, target=drive.target))


def _check_there(drive: Disk) -> None:
    """Refuse a file that is not there before anything is changed."""
    path = drive.source or drive.source_dev
    if path is not None and drive.fd_group is None and not os.access(path, os.R_OK):
        raise OperationFailed(f"disk '{drive.target}': cannot access '{path}'")


def _said(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties without those that leave it to QEMU."""
    return {
        name: _said(value) if isinstance(value, dict) else value
        for name, value in properties.items()
        if value is not None
    }
