"""`undefine`: forget definitions, and remove what belongs to them where that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.enums.domain import DomainUndefineFlagsValues
from ....wire.errors import NotFound, OperationInvalid, VirtError
from ..declaring import command, domains
from ..flags import Flag, flag_options
from ..selection import Selection
from ..session import Shell
from .actions import act

if TYPE_CHECKING:
    from ...domain import Domain
    from ...volume import Volume
    from .devices_of import DiskElement

UNDEFINE_FLAGS: dict[str, Flag] = {
    "managed-save": (DomainUndefineFlagsValues.MANAGED_SAVE, "Remove its saved memory too."),
    "snapshots-metadata": (DomainUndefineFlagsValues.SNAPSHOTS_METADATA, "Forget its snapshots too."),
    "checkpoints-metadata": (DomainUndefineFlagsValues.CHECKPOINTS_METADATA, "Forget its checkpoints too."),
    "nvram": (DomainUndefineFlagsValues.NVRAM, "Remove its firmware variables too."),
    "keep-nvram": (DomainUndefineFlagsValues.KEEP_NVRAM, "Keep its firmware variables."),
    "tpm": (DomainUndefineFlagsValues.TPM, "Remove its TPM's state too."),
    "keep-tpm": (DomainUndefineFlagsValues.KEEP_TPM, "Keep its TPM's state."),
}


@command("undefine")
@domains(applies=Flags.PERSISTENT, sweeping=False)
@flag_options(UNDEFINE_FLAGS)
@click.option("--storage", metavar="DISK[,DISK...]", help="Remove the volumes of these disks too, by target or path.")
@click.option("--remove-all-storage", is_flag=True, help="Remove the volumes of all its disks too.")
@click.option("--delete-storage-volume-snapshots", is_flag=True, help="Along with the snapshots in them.")
@click.option("--wipe-storage", is_flag=True, help="Overwrite them before.")
@click.pass_obj
def undefine(
    shell: Shell,
    selection: Selection,
    flags: int,
    storage: str | None,
    remove_all_storage: bool,
    delete_storage_volume_snapshots: bool,
    wipe_storage: bool,
) -> None:
    if storage and remove_all_storage:
        raise click.UsageError("either --storage or --remove-all-storage")
    if not (storage or remove_all_storage):
        if wipe_storage or delete_storage_volume_snapshots:
            raise click.UsageError("which storage? --storage or --remove-all-storage says it")
        act(shell, selection, "undefined", "domain_undefine_flags", flags)
        return
    if not selection.is_one:
        raise click.UsageError("the storage of one domain at a time is removed")
    volumes = _volumes(shell, shell.domain(selection.names[0]), storage)
    if act(shell, selection, "undefined", "domain_undefine_flags", flags):
        for target, volume in volumes:
            _remove(shell, target, volume, wipe_storage, delete_storage_volume_snapshots)


def _volumes(shell: Shell, domain: Domain, storage: str | None) -> list[tuple[str, Volume]]:
    """The volumes of the disks that are named, of all where none is; those that no pool has are failures.

    Raises OperationInvalid for a running domain, NotFound for a name that is no disk's.
    """
    from .devices_of import disk_of, disks_in, parsed

    if domain.is_active():
        raise OperationInvalid("storage is removed of stopped domains only", object=domain.name)
    tree = parsed(domain, inactive=True)
    disks = disks_in(tree) if storage is None else [disk_of(tree, name) for name in storage.split(",") if name]
    found = []
    for disk in disks:
        if disk.source is None:
            continue
        try:
            found.append((disk.target, _volume_of(shell, disk)))
        except NotFound as error:
            shell.fail(error, disk.target)
    return found


def _volume_of(shell: Shell, disk: DiskElement) -> Volume:
    pool, _, name = (disk.source or "").partition("/")
    if disk.type == "volume":
        return shell.host.pools[pool].volumes[name]
    return shell.host.pools.volume_by_path(disk.source or "")


def _remove(shell: Shell, target: str, volume: Volume, wipe: bool, with_snapshots: bool) -> None:
    try:
        if wipe:
            volume.wipe()
        volume.delete(with_snapshots=with_snapshots)
    except VirtError as error:
        shell.fail(error, target)
    else:
        shell.say(f"{target}: volume {volume.name} removed")


COMMANDS = {"undefine": undefine}
