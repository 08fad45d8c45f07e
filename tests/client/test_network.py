"""Networks through the client: the two test drivers alike, and a real network behind a libvirtd."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress

import pytest
from virtactor.client import Host, connect
from virtactor.client.network import Network
from virtactor.client.object_events import NetworkEvent, NetworkMetadataChanged
from virtactor.wire.enums.domain import DomainMetadataType
from virtactor.wire.enums.network import NetworkEventLifecycleType as Lifecycle
from virtactor.wire.enums.network import NetworkUpdateCommand, NetworkUpdateSection
from virtactor.wire.errors import NoNetwork, NoNetworkPort, NotSupported, OperationInvalid, VirtError, XMLError

from ..libvirtd import Libvirtd
from .conftest import PATIENCE


def network_xml(name: str = "a", bridge: str = "virbr7", subnet: int = 77) -> str:
    prefix = f"192.168.{subnet}"
    return (
        f"<network><name>{name}</name><bridge name='{bridge}'/><ip address='{prefix}.1' netmask='255.255.255.0'>"
        f"<dhcp><range start='{prefix}.2' end='{prefix}.254'/></dhcp></ip></network>"
    )


class TestTestDrivers:
    @pytest.fixture
    def host(self, a_test_driver: Host) -> Host:
        return a_test_driver

    def test_the_default_network_is_found_and_described(self, host: Host) -> None:
        (network,) = host.networks
        assert network == host.networks["default"] == host.networks[network.uuid] == host.networks[str(network.uuid)]
        assert (len(host.networks), host.networks.names(), host.networks.names(inactive=True)) == (1, ["default"], [])
        assert (network.is_active(), network.is_persistent(), network.autostart()) == (True, True, False)
        assert network.bridge() == "virbr0"
        assert "<name>default</name>" in network.xml()
        assert network in host.networks
        assert "other" not in host.networks

    def test_a_network_is_defined_started_stopped_and_undefined(self, host: Host) -> None:
        network = host.networks.define(network_xml())
        assert host.networks.names(inactive=True) == ["a"]
        network.start()
        network.set_autostart(True)
        assert (network.is_active(), network.autostart()) == (True, True)
        assert "<name>a</name>" in network.xml()
        network.destroy()
        network.undefine()
        with pytest.raises(NoNetwork):
            network.xml()
        assert [one.name for one in host.networks] == ["default"]

    def test_a_transient_network_is_gone_when_it_stops(self, host: Host) -> None:
        network = host.networks.create(network_xml())
        assert not network.is_persistent()
        network.destroy()
        with pytest.raises(NoNetwork):
            host.networks["a"]

    def test_lists_are_filtered(self, host: Host) -> None:
        host.networks.define(network_xml("defined"))
        host.networks.create(network_xml("passing", "virbr8", 78))
        names = {
            "active": {"default", "passing"},
            "inactive": {"defined"},
            "persistent": {"default", "defined"},
            "transient": {"passing"},
            "no_autostart": {"default", "defined", "passing"},
            "autostart": set(),
        }
        assert {wish: {one.name for one in host.networks.list(**{wish: True})} for wish in names} == names  # type: ignore[arg-type]

    def test_what_goes_wrong_is_raised_by_its_kind(self, host: Host) -> None:
        network = host.networks["default"]
        for kind, call in (
            (NoNetwork, lambda: host.networks["none"]),
            (NoNetwork, lambda: host.networks[uuid.uuid4()]),
            (OperationInvalid, network.start),
            (XMLError, lambda: host.networks.define("<net/>")),
        ):
            with pytest.raises(kind):
                call()

    def test_events_tell_the_life_of_networks(self, host: Host) -> None:
        with host.networks.events(timeout=PATIENCE) as events:
            network = host.networks.define(network_xml())
            network.start()
            network.destroy()
            network.undefine()
            seen = [next(events) for _ in range(4)]
        assert [one.type for one in seen if isinstance(one, NetworkEvent)] == [
            Lifecycle.DEFINED,
            Lifecycle.STARTED,
            Lifecycle.STOPPED,
            Lifecycle.UNDEFINED,
        ]
        assert {one.subject for one in seen if isinstance(one, NetworkEvent)} == {network}
        assert str(seen[0]) == "a: defined"


class TestNetworks:
    """Definitions behind a real libvirtd; what is started there has no uplink and is in a namespace of its own."""

    @pytest.fixture
    def host(self, libvirtd: Libvirtd) -> Iterator[Host]:
        with connect(libvirtd.uri("network"), keepalive_interval=0) as host:
            yield host

    @pytest.fixture
    def network(self, host: Host) -> Iterator[Network]:
        network = host.networks.define(network_xml())
        try:
            yield network
        finally:
            with suppress(VirtError):
                network.destroy()
            network.undefine()

    def test_a_definition_is_validated_and_updated(self, host: Host, network: Network) -> None:
        assert host.networks.define(network.xml(inactive=True), validate=True) == network
        entry = "<host mac='52:54:00:11:22:33' name='web' ip='192.168.77.9'/>"
        command, section = NetworkUpdateCommand.ADD_LAST, NetworkUpdateSection.IP_DHCP_HOST
        network.update(command, section, entry, config=True)
        assert "ip='192.168.77.9'" in network.xml(inactive=True)
        with pytest.raises(VirtError):
            host.networks.create(network_xml("b").replace("<bridge", "<bogus/><bridge"), validate=True)

    def test_a_network_without_leases_has_none(self, network: Network) -> None:
        assert network.dhcp_leases() == []
        assert network.dhcp_leases("52:54:00:11:22:33") == []

    def test_ports_are_made_found_and_removed(self, network: Network) -> None:
        network.start()
        assert (list(network.ports), len(network.ports)) == ([], 0)
        port = network.ports.create(
            f"<networkport><uuid>{uuid.uuid4()}</uuid><owner><name>web</name><uuid>{uuid.uuid4()}</uuid></owner>"
            "<mac address='52:54:00:11:22:33'/></networkport>"
        )
        assert list(network.ports) == [port]
        assert network.ports[port.uuid] == network.ports[str(port.uuid)] == port
        assert port.network == network
        assert port.name in port.xml()
        assert isinstance(port.parameters(), dict)
        port.delete()
        with pytest.raises(NoNetworkPort):
            port.xml()

    def test_metadata_is_not_known_to_a_libvirtd_of_before(self, network: Network) -> None:
        """libvirt 9.0 has no metadata of networks: the daemon does not know the procedure."""
        with pytest.raises((NotSupported, VirtError)):
            network.metadata(DomainMetadataType.TITLE)
        with pytest.raises((NotSupported, VirtError)):
            network.set_metadata(DomainMetadataType.TITLE, "x")
        assert network.is_persistent()


def test_changed_metadata_reads_well() -> None:
    from datetime import UTC, datetime

    from virtactor.wire.table.structs import NetworkRef

    network = Network(None, NetworkRef("a", bytes(16)))  # pyright: ignore[reportArgumentType]
    event = NetworkMetadataChanged(1, datetime.now(UTC), network, DomainMetadataType.TITLE, None)
    assert str(event) == "a: metadata changed (title)"
