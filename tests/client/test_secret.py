"""Secrets through the client: a test driver has none, a real libvirtd keeps them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress

import pytest
from virtactor.client import Host, connect
from virtactor.client.object_events import SecretEvent, SecretValueChanged
from virtactor.client.secret import Secret
from virtactor.wire.enums.host import SecretEventLifecycleType as Lifecycle
from virtactor.wire.enums.host import SecretUsageType
from virtactor.wire.errors import InvalidArgument, NoSecret, NotSupported, OperationDenied, XMLError

from ..libvirtd import Libvirtd
from .conftest import PATIENCE

XML = (
    "<secret ephemeral='no' private='no'><uuid>0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f</uuid><description>d</description>"
    "<usage type='iscsi'><target>libvirtiscsi</target></usage></secret>"
)


def test_a_test_driver_has_no_secrets(a_test_driver: Host) -> None:
    for call in (
        a_test_driver.secrets.list,
        a_test_driver.secrets.uuids,
        lambda: a_test_driver.secrets[uuid.uuid4()],
        lambda: a_test_driver.secrets.define(XML),
    ):
        with pytest.raises(NotSupported):
            call()


class TestSecrets:
    @pytest.fixture
    def host(self, libvirtd: Libvirtd) -> Iterator[Host]:
        with connect(libvirtd.uri("secret"), keepalive_interval=0) as host:
            yield host

    @pytest.fixture
    def secret(self, host: Host) -> Iterator[Secret]:
        secret = host.secrets.define(XML)
        try:
            yield secret
        finally:
            with suppress(NoSecret):
                secret.undefine()

    def test_a_secret_is_found_by_its_uuid_and_by_what_it_is_for(self, host: Host, secret: Secret) -> None:
        assert (secret.usage_type, secret.usage_id) == (SecretUsageType.ISCSI, "libvirtiscsi")
        assert list(host.secrets) == [secret]
        assert host.secrets.uuids() == [secret.uuid]
        assert secret == host.secrets[secret.uuid] == host.secrets[str(secret.uuid)]
        assert secret == host.secrets.lookup_usage(SecretUsageType.ISCSI, "libvirtiscsi")
        assert secret in host.secrets
        assert "no uuid" not in host.secrets
        assert "<target>libvirtiscsi</target>" in secret.xml()

    def test_its_value_is_kept(self, secret: Secret) -> None:
        with pytest.raises(NoSecret):
            secret.value()
        secret.set_value(b"\0\xffsesame")
        assert secret.value() == b"\0\xffsesame"

    def test_its_value_is_not_told_to_who_may_only_look(self, libvirtd: Libvirtd, secret: Secret) -> None:
        secret.set_value(b"sesame")
        with (
            connect(libvirtd.uri("secret", readonly=True), readonly=True, keepalive_interval=0) as host,
            pytest.raises(OperationDenied),
        ):
            host.secrets[secret.uuid].value()

    def test_lists_are_filtered(self, host: Host, secret: Secret) -> None:
        assert host.secrets.list(no_private=True, no_ephemeral=True) == [secret]
        assert host.secrets.list(private=True) == host.secrets.list(ephemeral=True) == []

    def test_an_undefined_secret_is_gone(self, host: Host, secret: Secret) -> None:
        secret.undefine()
        with pytest.raises(NoSecret):
            host.secrets[secret.uuid]
        with pytest.raises(InvalidArgument, match="is no UUID"):
            host.secrets["sesame"]
        with pytest.raises(XMLError):
            host.secrets.define("<secrets/>")

    def test_events_tell_its_life(self, host: Host) -> None:
        with host.secrets.events(timeout=PATIENCE) as events:
            secret = host.secrets.define(XML)
            secret.set_value(b"sesame")
            secret.undefine()
            seen = [next(events) for _ in range(3)]
        assert [one.type if isinstance(one, SecretEvent) else type(one) for one in seen] == [
            Lifecycle.DEFINED,
            SecretValueChanged,
            Lifecycle.UNDEFINED,
        ]
        assert str(seen[1]) == f"{secret.uuid}: value changed"
