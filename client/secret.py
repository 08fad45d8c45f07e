"""Secrets, as their caller sees them: libvirt's ``virSecretPtr`` with Python's shapes."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from ..wire.enums.host import ConnectListAllSecretsFlags, SecretDefineFlags, SecretUsageType
from ..wire.errors import InvalidArgument
from ..wire.table import ROWS
from .objects import HostObject, HostObjects, uuid_in
from .values import bits, member_or_number

if TYPE_CHECKING:
    from ..wire.enums.host import SecretEventLifecycleType
    from .object_events import SecretEvents

_NUM = ROWS["connect_num_of_secrets"]
_UUIDS = ROWS["connect_list_secrets"]
_BY_UUID = ROWS["secret_lookup_by_uuid"]
_BY_USAGE = ROWS["secret_lookup_by_usage"]
_DEFINE = ROWS["secret_define_xml"]
_XML = ROWS["secret_get_xml_desc"]
_GET_VALUE = ROWS["secret_get_value"]
_SET_VALUE = ROWS["secret_set_value"]
_UNDEFINE = ROWS["secret_undefine"]


class Secret(HostObject):
    """A secret that guests' devices need, found or made through ``host.secrets``; it stands for it by its UUID.

    A secret that is gone raises NoSecret.
    """

    __slots__ = ()

    @property
    def uuid(self) -> uuids.UUID:
        return uuids.UUID(bytes=self._ref.uuid)

    @property
    def name(self) -> str:
        """Its UUID: a secret has no other name of its own."""
        return str(self.uuid)

    @property
    def key(self) -> bytes:
        return self._ref.uuid

    @property
    def usage_type(self) -> SecretUsageType | int:
        """What it is for (virSecretGetUsageType)."""
        return member_or_number(SecretUsageType, self._ref.usage_type)

    @property
    def usage_id(self) -> str:
        """Which volume, target or name it is for (virSecretGetUsageID)."""
        return self._ref.usage_id

    def xml(self, *, deadline: float | None = None) -> str:
        """The secret's XML, which has not its value (virSecretGetXMLDesc)."""
        return self._call(_XML, 0, deadline=deadline)[0]

    def value(self, *, deadline: float | None = None) -> bytes:
        """What is secret (virSecretGetValue). Raises OperationDenied for a private one and on read-only connections."""
        return self._call(_GET_VALUE, 0, deadline=deadline)[0]

    def set_value(self, value: bytes, *, deadline: float | None = None) -> None:
        """Change what is secret (virSecretSetValue)."""
        self._call(_SET_VALUE, value, 0, deadline=deadline)

    def undefine(self, *, deadline: float | None = None) -> None:
        """Forget the secret and its value (virSecretUndefine)."""
        self._call(_UNDEFINE, deadline=deadline)


class Secrets(HostObjects[Secret]):
    """``host.secrets``: iterable, ``len``, ``in``, and ``host.secrets[uuid]``."""

    thing = Secret
    list_all = ROWS["connect_list_all_secrets"]

    def list(
        self,
        flags: ConnectListAllSecretsFlags | int = 0,
        *,
        ephemeral: bool = False,
        no_ephemeral: bool = False,
        private: bool = False,
        no_private: bool = False,
        deadline: float | None = None,
    ) -> list[Secret]:
        """The secrets that pass the filter, all without one (virConnectListAllSecrets).

        ``ephemeral`` ones are kept in memory only, the value of ``private`` ones is told nobody.
        """
        wishes = {
            ConnectListAllSecretsFlags.EPHEMERAL: ephemeral,
            ConnectListAllSecretsFlags.NO_EPHEMERAL: no_ephemeral,
            ConnectListAllSecretsFlags.PRIVATE: private,
            ConnectListAllSecretsFlags.NO_PRIVATE: no_private,
        }
        return self._all(int(flags) | bits(wishes), deadline)

    def uuids(self, *, deadline: float | None = None) -> list[uuids.UUID]:
        """The UUIDs of all secrets (virConnectListSecrets)."""
        return [uuids.UUID(text) for text in self._names(_NUM, _UUIDS, deadline=deadline)]

    def lookup(self, key: str | bytes | uuids.UUID, *, deadline: float | None = None) -> Secret:
        """The secret with that UUID, value or text (virSecretLookupByUUID). Raises NoSecret, InvalidArgument."""
        number = uuid_in(key) if isinstance(key, str) else key
        if number is None:
            raise InvalidArgument(f"'{key}' is no UUID")
        return self._one(_BY_UUID, number.bytes if isinstance(number, uuids.UUID) else number, deadline=deadline)

    def lookup_usage(
        self, usage_type: SecretUsageType | int, usage_id: str, *, deadline: float | None = None
    ) -> Secret:
        """The secret that is for that (virSecretLookupByUsage). Raises NoSecret."""
        return self._one(_BY_USAGE, int(usage_type), usage_id, deadline=deadline)

    def define(self, xml: str, *, validate: bool = False, deadline: float | None = None) -> Secret:
        """Keep a definition, or change that of the secret with the same UUID (virSecretDefineXML)."""
        return self._one(_DEFINE, xml, int(SecretDefineFlags.VALIDATE) if validate else 0, deadline=deadline)

    def events(
        self,
        secrets: Secret | str | Iterable[Secret | str] | None = None,
        kinds: SecretEventLifecycleType | Collection[SecretEventLifecycleType] | None = None,
        timeout: float | None = None,
        *,
        deadline: float | None = None,
    ) -> SecretEvents:
        """Iterate what happens to secrets from now on (virConnectSecretEventRegisterAny); see ``host.events``.

        A secret may be named by the text of its UUID.
        """
        from .object_events import SecretEvents

        return SecretEvents(self._session, secrets, kinds, timeout, deadline)
