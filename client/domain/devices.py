"""A domain's devices of every kind, by their XML."""

from __future__ import annotations

from ...wire.enums.domain_tuning import DomainDeviceModifyFlags
from ...wire.table import ROWS
from ..values import impact
from .identity import Part

_ATTACH = ROWS["domain_attach_device_flags"]
_DETACH = ROWS["domain_detach_device_flags"]
_UPDATE = ROWS["domain_update_device_flags"]
_DETACH_ALIAS = ROWS["domain_detach_device_alias"]
_RELOAD_GRAPHICS = ROWS["domain_graphics_reload"]


class Devices(Part):
    """``guest.devices``."""

    __slots__ = ()

    def attach(self, xml: str, *, live: bool = False, config: bool = False, deadline: float | None = None) -> None:
        """Plug a device in (virDomainAttachDeviceFlags)."""
        self._call(_ATTACH, xml, impact(live, config), deadline=deadline)

    def detach(self, xml: str, *, live: bool = False, config: bool = False, deadline: float | None = None) -> None:
        """Unplug the device that the XML describes (virDomainDetachDeviceFlags).

        The guest may take its time: a DeviceRemoved event tells when a running one has let it go.
        """
        self._call(_DETACH, xml, impact(live, config), deadline=deadline)

    def detach_alias(
        self, alias: str, *, live: bool = False, config: bool = False, deadline: float | None = None
    ) -> None:
        """Ask for the device with that alias to be unplugged (virDomainDetachDeviceAlias); see :meth:`detach`."""
        self._call(_DETACH_ALIAS, alias, impact(live, config), deadline=deadline)

    def update(
        self,
        xml: str,
        *,
        live: bool = False,
        config: bool = False,
        force: bool = False,
        deadline: float | None = None,
    ) -> None:
        """Change a device: the medium of a drive, the link of an interface, … (virDomainUpdateDeviceFlags).

        ``force`` opens a drive's tray although the guest holds it shut.
        """
        flags = impact(live, config) | (DomainDeviceModifyFlags.FORCE if force else 0)
        self._call(_UPDATE, xml, int(flags), deadline=deadline)

    def reload_graphics(self, type: int = 0, *, deadline: float | None = None) -> None:
        """Let a display read its TLS certificates anew (virDomainGraphicsReload)."""
        self._call(_RELOAD_GRAPHICS, type, 0, deadline=deadline)
