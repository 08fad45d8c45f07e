"""The drivers that must conform, each in a daemon of its own. A new driver of domains is a line in ``KINDS``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..actors.served import Served
from ..processes import end_processes_of
from ..raw_client import RawClient, domain_xml


@dataclass(frozen=True)
class Kind:
    """What the tests must know of a driver: its URI, the type of its domains, whether an empty guest powers off."""

    uri: str
    type: str
    powers_off: bool
    begins_with: frozenset[str] = frozenset()


KINDS = {
    "test": Kind("test:///default", "test", powers_off=True, begins_with=frozenset({"test"})),
    "qemu": Kind("qemu:///system", "qemu", powers_off=False),
}


class Driver:
    """One driver in a daemon; clients of it, and the smallest definitions that it takes."""

    def __init__(self, kind: Kind, served: Served) -> None:
        self.kind = kind
        self._served = served

    def client(self, flags: int = 0) -> RawClient:
        return self._served.opened(self.kind.uri, flags)

    def xml(self, name: str, *, uuid: str = "", extra: str = "") -> str:
        return domain_xml(name, type=self.kind.type, uuid=uuid, extra=extra)


@pytest.fixture(scope="module", params=KINDS)
def driver(request: pytest.FixtureRequest, _roots: Path) -> Iterator[Driver]:
    root = Path(tempfile.mkdtemp(prefix="", dir=_roots))
    served = Served(root)
    try:
        yield Driver(KINDS[request.param], served)
        served.stop()
    finally:
        served.begin_stop()
        end_processes_of(root)


@pytest.fixture
def client(driver: Driver) -> Iterator[RawClient]:
    """A session; the domains that a test leaves are destroyed and undefined."""
    with driver.client() as client:
        yield client
        for ref in client.call("connect_list_all_domains", 1, 0)[0]:
            if ref.name in driver.kind.begins_with:
                continue
            if ref.id >= 0:
                client.call("domain_destroy_flags", ref, 0)
            if ref.name in client.names():
                client.call("domain_undefine_flags", ref, 0)
