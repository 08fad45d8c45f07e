"""Calls about the session itself: who the client is, what it opens, and what both ends are able to."""

from __future__ import annotations

import dataclasses
from typing import Any

from ...wire.enums.connect import Feature
from ...wire.enums.error import ErrorDomain
from ...wire.errors import AuthFailed, NoConnect, OperationDenied, OperationInvalid
from ...wire.params import TypedParam
from ...wire.uri import ConnectURI
from ..call import FORWARDED, Call
from ..router import DriverOpened, OpenDriver
from ..runtime import send
from .edge import Authenticated
from .keepalive import Keepalive
from .link import Link
from .session import AuthMethod, is_admitted

DEFAULT_URI = "qemu:///system"
_READONLY = 1
# Where the parameters of an identity belong; others say nothing that is asked for here.
_IDENTITY_FIELDS = {"process-id": "pid", "unix-user-id": "uid", "unix-group-id": "gid"}
# What every driver here has, because the connection or the protocol's table does it.
_FEATURES = frozenset(
    {
        Feature.TYPED_PARAM_STRING,
        Feature.PROGRAM_KEEPALIVE,
        Feature.REMOTE_EVENT_CALLBACK,
        Feature.REMOTE_CLOSE_CALLBACK,
        Feature.NETWORK_UPDATE_HAS_CORRECT_ORDER,
    }
)


class SessionCalls(Link):
    """The calls whose rows say that the session answers them, but for those about events."""

    _auth: AuthMethod
    _keepalive: Keepalive

    # -- who it is -----------------------------------------------------------------------------------------------------

    def auth_list(self, call: Call) -> tuple[list[int]]:
        identity = self.session.identity
        if self._auth is AuthMethod.POLKIT and identity is not None and identity.uid == 0:
            self._admit()  # Polkit asks nothing of root: neither do we.
        return ([int(AuthMethod.NONE if self.session.authenticated else self._auth)],)

    async def auth_polkit(self, call: Call) -> tuple[int]:
        identity, listen = self.session.identity, self._config.listen
        if self._auth is not AuthMethod.POLKIT:
            raise AuthFailed("polkit is not what this client is asked for")
        if identity is None or not await self.runtime.in_thread(
            is_admitted, identity, listen.auth_users, listen.auth_groups
        ):
            raise AuthFailed(f"{identity} is not among those who may manage this host")
        self._admit()
        return (1,)

    def _admit(self) -> None:
        if not self.session.authenticated:
            self.session.authenticated = True
            send(self._listener, Authenticated(self._number))

    def auth_sasl_init(self, call: Call) -> None:
        raise AuthFailed("SASL is not offered here")

    def auth_sasl_start(self, call: Call, mech: str, nil: int, data: str) -> None:
        raise AuthFailed("SASL is not offered here")

    def auth_sasl_step(self, call: Call, nil: int, data: str) -> None:
        raise AuthFailed("SASL is not offered here")

    def connect_set_identity(self, call: Call, params: list[TypedParam], flags: int) -> None:
        """A proxy that runs as root says for whom it speaks."""
        identity = self.session.identity
        if identity is None or identity.uid != 0:
            raise OperationDenied(f"{identity or 'this client'} may not speak for another")
        given = {_IDENTITY_FIELDS.get(param.field): param.value for param in params}
        known = {name: value for name, value in given.items() if name and isinstance(value, int)}
        self.session.identity = dataclasses.replace(identity, **known)

    # -- what it opens -------------------------------------------------------------------------------------------------

    def connect_open(self, call: Call, name: str | None, flags: int) -> object:
        if self.session.driver is not None:
            raise OperationInvalid("connection is already open")
        uri = ConnectURI.parse(name or DEFAULT_URI)
        call.args = (uri, flags)
        self._router.tell(OpenDriver(call, uri))
        return FORWARDED

    def _driver_opened(self, message: DriverOpened) -> None:
        uri, flags = message.call.args
        self.session.driver = message.handle
        if self._opening is not None:
            self._opening.cancel()
        self.session.uri = uri
        self.session.readonly = self.session.readonly or bool(flags & _READONLY)
        message.call.reply()

    def connect_close(self, call: Call) -> None:
        self._closing = True

    def connect_get_uri(self, call: Call) -> tuple[str]:
        return (str(self.session.uri),)

    # -- what both are able to -----------------------------------------------------------------------------------------

    def connect_supports_feature(self, call: Call, feature: int) -> Any:
        if feature == Feature.PROGRAM_KEEPALIVE:
            self._keepalive.begin()
        elif self.session.driver is None:
            raise NoConnect("the session is not open", domain=ErrorDomain.RPC)
        elif feature == Feature.FD_PASSING:
            return self._offer_descriptors()
        driver = self.session.driver
        return (int(feature in _FEATURES or (driver is not None and feature in driver.features)),)

    async def _offer_descriptors(self) -> tuple[int]:
        return (int(await self._take_over()),)

    def connect_is_secure(self, call: Call) -> tuple[int]:
        return (int(self.session.secure),)

    def connect_register_close_callback(self, call: Call) -> None:
        """Nothing is ever told: a driver here lives as long as its sessions, and a lost connection shows by itself.

        libvirtd tells what a driver loses (virtproxyd its way to another daemon, vz its hypervisor); when it stops it
        closes its connections without a word, as this daemon does.
        """

    def connect_unregister_close_callback(self, call: Call) -> None:
        """See :meth:`connect_register_close_callback`."""

    SESSION_HANDLERS: dict[type, Any] = {DriverOpened: _driver_opened}
