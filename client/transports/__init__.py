"""Ways to a daemon: a dialer for each transport, and the Link that a connection uses one through.

A dialer knows how to get a Link to one daemon, again and again (reconnecting dials anew). address.py makes the dialer
that a URI asks for; each transport is a module here, imported when it is used. What all links have in common is a
connected stream socket, so they are SocketLinks: tcp's is just that, tls ciphers what goes through it, and ssh and ext
have a child process at the other end of a socketpair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ...wire.lanes import Lane
    from .local import SocketLink

# How long a dialer tries to reach a daemon that does not answer, in seconds.
CONNECT_SECONDS = 30.0


class Dialer(Protocol):
    """Makes links to one daemon."""

    @property
    def keepalive(self) -> bool:
        """Whether the peer can be silent for another reason than having nothing to say."""
        ...

    @property
    def lane(self) -> Lane | None:
        """The lane that the daemon is known to prefer; None where that is to be found out. Known after dialing."""
        ...

    def dial(self) -> SocketLink:
        """A new link. Raises NoConnect or AuthFailed."""
        ...

    def release(self) -> None:
        """Give back what dialing needed; called once, at the end."""
        ...
