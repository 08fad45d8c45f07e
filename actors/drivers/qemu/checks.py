"""Whether QEMU can be started from a definition, looked at once for all copies of a guest.

Most of a host's guests are few kinds in many copies. A copy has a name, a UUID, cards' addresses and images of its own,
and none of these is a reason to refuse it: so the kinds that passed last are remembered, and not made into a command
line again. (test_checks.py holds that against the check itself.)
"""

from __future__ import annotations

from collections import OrderedDict

from ....wire.documents.domain import Devices, Disk, DomainDefinition
from ....wire.documents.replacing import replace
from .aliases import assign_aliases
from .capabilities import Capabilities
from .command_line import check_definition

# How many kinds are remembered: some ten KiB each.
KINDS = 64


class Checks:
    """The checks of one driver."""

    def __init__(self) -> None:
        self._passed: OrderedDict[DomainDefinition, Capabilities] = OrderedDict()

    def check(self, definition: DomainDefinition, capabilities: Capabilities) -> None:
        """Raise UnsupportedConfig if QEMU cannot be started from a completed definition."""
        kind = kind_of(definition)
        if kind is not None and self._passed.get(kind) is capabilities:
            self._passed.move_to_end(kind)
            return
        check_definition(assign_aliases(definition), capabilities)
        if kind is not None:
            self._passed[kind] = capabilities
            if len(self._passed) > KINDS:
                self._passed.popitem(last=False)


def kind_of(definition: DomainDefinition) -> DomainDefinition | None:
    """The definition without what tells a guest from its copies; None where its tables tell its UUID once more."""
    if definition.sysinfos:
        return None
    return replace(
        definition, name="", uuid=None, title=None, description=None, metadata=(), devices=_like(definition.devices)
    )


def _like(devices: Devices) -> Devices:
    return replace(
        devices,
        disks=tuple(map(_like_disk, devices.disks)),
        interfaces=tuple(replace(each, mac=None) for each in devices.interfaces),
    )


def _like_disk(disk: Disk) -> Disk:
    """A disk without the place of its image; what is no absolute path may be a reason to refuse it."""
    images = {"source": disk.source, "source_dev": disk.source_dev}
    return replace(disk, **{name: "/" for name, path in images.items() if path is not None and path.startswith("/")})
