"""A domain's backup: copying its disks, or what changed in them, while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.enums.domain_jobs import DomainBackupBeginFlags
from ..wire.table import ROWS

if TYPE_CHECKING:
    from .domain import Domain

_BEGIN = ROWS["domain_backup_begin"]
_XML = ROWS["domain_backup_get_xml_desc"]


class Backup:
    """``guest.backup``. Its progress and its end are those of a job: ``guest.job``."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    def begin(
        self,
        xml: str = "<domainbackup/>",
        *,
        checkpoint: str | None = None,
        reuse_external: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Begin to copy (virDomainBackupBegin); returns at once.

        ``checkpoint`` is the XML of a checkpoint that is made at the same moment. With ``reuse_external`` the files
        that it goes to are there.
        """
        flags = int(DomainBackupBeginFlags.EXTERNAL) if reuse_external else 0
        self._domain._call(_BEGIN, xml, checkpoint, flags, deadline=deadline)

    def xml(self, *, deadline: float | None = None) -> str:
        """What the backup under way copies where (virDomainBackupGetXMLDesc). Raises NoBackup when there is none."""
        return self._domain._call(_XML, 0, deadline=deadline)[0]
