"""Files that callers hand over: in groups that disks name (virDomainFDAssociate), and beside the call that starts.

A group is there as long as the connection that it came by, and is copied for each start. Files that come with the call
are QEMU's alone, from descriptor 3 on in their order.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ....wire.documents.domain import DomainDefinition
from ....wire.enums.domain_tuning import DomainFDAssociateFlags
from ....wire.errors import InvalidArgument
from ....wire.table import DomainRef
from ...call import Call
from ...connection.session import Session
from ...descriptors import close_all
from .guest import Guest
from .opening import Handed, inheritable

# The rows whose files are the started process's.
_STARTS = ("domain_create_with_files", "domain_create_xml_with_files")


@dataclass(frozen=True, slots=True)
class Group:
    """Descriptors of a name, and the session that they came by."""

    session: Session
    descriptors: tuple[int, ...]


class HandedFiles(Guest):
    """Calls that hand files over, and the start that uses them."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._groups: dict[str, Group] = {}

    async def domain_fd_associate(self, call: Call, dom: DomainRef, name: str, flags: int) -> None:
        """Keep a group. Labels are for security drivers, of which there is none here."""
        self.check_flags(call, flags, ~DomainFDAssociateFlags(0))
        descriptors = call.take_descriptors()
        if not descriptors:
            raise InvalidArgument("no descriptor came with the call")
        self._drop_group(name)
        self._groups[name] = Group(call.session, descriptors)
        self.follow_session(call.session)

    async def boot(self, call: Call, live: DomainDefinition, paused: bool) -> DomainDefinition:
        with contextlib.ExitStack() as copies:
            groups = {
                disk.fd_group: _copied(self._groups[disk.fd_group].descriptors, copies)
                for disk in live.devices.disks
                if disk.fd_group is not None and disk.fd_group in self._groups
            }
            self.handed = Handed(groups, _copied(call.descriptors if call.row.name in _STARTS else (), copies))
            try:
                return await super().boot(call, live, paused)
            finally:
                self.handed = Handed()

    # -- the sessions that they came by --------------------------------------------------------------------------------

    def goes_with(self, session: Session) -> bool:
        return super().goes_with(session) or any(group.session is session for group in self._groups.values())

    def session_closed(self, label: str) -> None:
        super().session_closed(label)
        for name in [name for name, group in self._groups.items() if group.session.label == label]:
            self._drop_group(name)

    def on_stop(self) -> None:
        super().on_stop()
        for name in list(self._groups):
            self._drop_group(name)

    def _drop_group(self, name: str) -> None:
        group = self._groups.pop(name, None)
        if group is not None:
            close_all(group.descriptors)
            self.leave_session(group.session)


def _copied(descriptors: Iterable[int], copies: contextlib.ExitStack) -> tuple[int, ...]:
    made: list[int] = []
    for descriptor in descriptors:
        made.append(inheritable(descriptor))
        copies.callback(os.close, made[-1])
    return tuple(made)
