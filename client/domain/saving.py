"""A guest's memory in a file: saved where the caller says, or where the daemon keeps it until the next start."""

from __future__ import annotations

from ...wire.table import ROWS
from ..values import bits
from .identity import Identity

_SAVE = ROWS["domain_save_flags"]
_SAVE_PARAMS = ROWS["domain_save_params"]
_MANAGED_SAVE = ROWS["domain_managed_save"]
_MANAGED_SAVE_REMOVE = ROWS["domain_managed_save_remove"]
_MANAGED_SAVE_XML = ROWS["domain_managed_save_get_xml_desc"]
_MANAGED_SAVE_DEFINE = ROWS["domain_managed_save_define_xml"]
_HAS_MANAGED_SAVE = ROWS["domain_has_managed_save_image"]


class Saving(Identity):
    """The methods that put a guest's memory into a file. ``host.domains`` has those that take it out."""

    __slots__ = ()

    def save(
        self,
        path: str,
        xml: str | None = None,
        *,
        bypass_cache: bool = False,
        running: bool = False,
        paused: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Write the guest's memory to a file on the host and stop it (virDomainSaveFlags).

        ``xml`` replaces parts of the definition in the file; ``running`` or ``paused`` says what a restored guest is to
        be, by default what it is now. See ``host.domains.restore``.
        """
        self._call(_SAVE, path, xml, save_flags(bypass_cache, running, paused), deadline=deadline)
        self._ref = self._ref._replace(id=-1)

    def save_with(self, params: dict[str, str], flags: int = 0, *, deadline: float | None = None) -> None:
        """Save as ``params`` say: ``file``, ``dxml`` (virDomainSaveParams)."""
        from ...wire.params import param

        self._call(_SAVE_PARAMS, [param(name, value) for name, value in params.items()], flags, deadline=deadline)

    def managed_save(
        self,
        *,
        bypass_cache: bool = False,
        running: bool = False,
        paused: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Write the guest's memory where the next start finds it, and stop the guest (virDomainManagedSave)."""
        self._call(_MANAGED_SAVE, save_flags(bypass_cache, running, paused), deadline=deadline)
        self._ref = self._ref._replace(id=-1)

    def remove_managed_save(self, *, deadline: float | None = None) -> None:
        """Forget the memory that the daemon keeps: the next start boots (virDomainManagedSaveRemove)."""
        self._call(_MANAGED_SAVE_REMOVE, 0, deadline=deadline)

    def has_managed_save(self, *, deadline: float | None = None) -> bool:
        """Whether the daemon keeps saved memory of it (virDomainHasManagedSaveImage)."""
        return self._call(_HAS_MANAGED_SAVE, 0, deadline=deadline)[0] != 0

    def managed_save_xml(self, *, secure: bool = False, deadline: float | None = None) -> str:
        """The definition beside the memory that the daemon keeps (virDomainManagedSaveGetXMLDesc)."""
        return self._call(_MANAGED_SAVE_XML, int(secure), deadline=deadline)[0]

    def define_managed_save(
        self, xml: str | None, *, running: bool = False, paused: bool = False, deadline: float | None = None
    ) -> None:
        """Replace that definition, or what the guest is to be after its start (virDomainManagedSaveDefineXML)."""
        self._call(_MANAGED_SAVE_DEFINE, xml, save_flags(False, running, paused), deadline=deadline)


def save_flags(
    bypass_cache: bool = False, running: bool = False, paused: bool = False, reset_nvram: bool = False
) -> int:
    """The virDomainSaveRestoreFlags that the named wishes make."""
    from ...wire.enums.domain_tuning import DomainSaveRestoreFlags as Flags

    return bits(
        {
            Flags.BYPASS_CACHE: bypass_cache,
            Flags.RUNNING: running,
            Flags.PAUSED: paused,
            Flags.RESET_NVRAM: reset_nvram,
        }
    )
