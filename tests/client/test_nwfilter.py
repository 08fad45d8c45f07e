"""Network filters through the client: a test driver has none, a real libvirtd has those it is installed with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from virtactor.client import Host, connect
from virtactor.wire.errors import NoNWFilter, NoNWFilterBinding, NotSupported

from ..libvirtd import Libvirtd

XML = "<filter name='ours' chain='root'><rule action='drop' direction='in' priority='500'/></filter>"
BINDING = "<filterbinding><portdev name='vnet-none'/></filterbinding>"


def test_a_test_driver_has_no_filters(a_test_driver: Host) -> None:
    for call in (
        a_test_driver.nwfilters.list,
        a_test_driver.nwfilters.names,
        lambda: a_test_driver.nwfilters["x"],
        lambda: a_test_driver.nwfilters.define(XML),
        a_test_driver.nwfilter_bindings.list,
        lambda: a_test_driver.nwfilter_bindings.create(BINDING),
    ):
        with pytest.raises(NotSupported):
            call()


class TestFilters:
    @pytest.fixture
    def host(self, libvirtd: Libvirtd) -> Iterator[Host]:
        with connect(libvirtd.uri("nwfilter"), keepalive_interval=0) as host:
            yield host
            with suppress(NoNWFilter):
                host.nwfilters["ours"].undefine()

    @pytest.mark.parametrize("validate", [False, True])
    def test_a_filter_is_defined_found_and_undefined(self, host: Host, validate: bool) -> None:
        before = len(host.nwfilters)
        found = host.nwfilters.define(XML, validate=validate)
        assert found == host.nwfilters["ours"] == host.nwfilters[found.uuid]
        assert found in host.nwfilters.list()
        assert "ours" in host.nwfilters.names()
        assert len(host.nwfilters) == before + 1
        assert "action='drop'" in found.xml()
        found.undefine()
        with pytest.raises(NoNWFilter):
            host.nwfilters["ours"]

    def test_there_are_no_bindings_without_guests(self, host: Host) -> None:
        assert list(host.nwfilter_bindings) == []
        assert "vnet0" not in host.nwfilter_bindings
        with pytest.raises(NoNWFilterBinding):
            host.nwfilter_bindings["vnet0"]
