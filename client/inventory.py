"""What a host has besides domains, as collections: ``host.networks``, ``host.pools`` and the others.

Each is imported when it is first asked for: most programs use none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .interface import Interfaces
    from .network import Networks
    from .node_device import NodeDevices
    from .nwfilter import NWFilterBindings, NWFilters
    from .reconnect import Session
    from .secret import Secrets
    from .storage import Pools


class Inventory:
    """The collections of a host. Those that its driver does not have raise NotSupported when they are asked."""

    _session: Session

    @property
    def networks(self) -> Networks:
        """Virtual networks."""
        from .network import Networks

        return Networks(self._session)

    @property
    def pools(self) -> Pools:
        """Storage pools, and their volumes."""
        from .storage import Pools

        return Pools(self._session)

    @property
    def interfaces(self) -> Interfaces:
        """The host's own network interfaces."""
        from .interface import Interfaces

        return Interfaces(self._session)

    @property
    def node_devices(self) -> NodeDevices:
        """The host's devices."""
        from .node_device import NodeDevices

        return NodeDevices(self._session)

    @property
    def secrets(self) -> Secrets:
        """What guests' devices need and others must not see."""
        from .secret import Secrets

        return Secrets(self._session)

    @property
    def nwfilters(self) -> NWFilters:
        """Filters of guests' network traffic."""
        from .nwfilter import NWFilters

        return NWFilters(self._session)

    @property
    def nwfilter_bindings(self) -> NWFilterBindings:
        """Which interfaces of guests are filtered, and how."""
        from .nwfilter import NWFilterBindings

        return NWFilterBindings(self._session)
