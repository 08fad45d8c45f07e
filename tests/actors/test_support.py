"""What the page of served APIs is printed from: libvirt's APIs by driver, and the classes that answer here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pykka
import pytest
from virtactor.actors.drivers.handle import DriverHandle
from virtactor.actors.drivers.registry import ANSWERERS
from virtactor.actors.libvirt_apis import GONE, apis_of
from virtactor.actors.support import COUNTERPARTS, ROUNDABOUT, answers, has_api, missing
from virtactor.wire.table import ROWS, Part
from virtactor.wire.uri import ConnectURI

from .served import Served


@pytest.mark.parametrize(
    ("driver", "count"),
    [
        ("test", 248),
        ("qemu", 247),
        ("bridge", 37),
        ("storage", 51),
        ("udev", 25),
        ("interface", 14),
        ("secret", 17),
        ("nwfilter", 19),
        ("", 5),
    ],
)
def test_libvirts_drivers_have_as_many_apis_as_libvirt_says(driver: str, count: int) -> None:
    found = apis_of(driver)
    assert len(set(found)) == len(found) == count
    assert driver in COUNTERPARTS


def test_every_api_comes_to_a_procedure_or_is_answered_by_the_client() -> None:
    known = {row.api for row in ROWS.values()} | set(ROUNDABOUT)
    assert [api for driver in COUNTERPARTS for api in apis_of(driver) if api not in known] == []
    assert [name for name in ROUNDABOUT.values() if name and name not in ROWS] == []
    assert set(apis_of("qemu")) >= GONE


def test_a_row_is_answered_by_the_class_that_its_target_and_part_name() -> None:
    assert answers("test", ROWS["domain_suspend"])
    assert answers("test", ROWS["connect_list_all_domains"])
    assert answers("test", ROWS["connect_open"])
    assert not answers("qemu", ROWS["domain_attach"])
    assert has_api("test", "virDomainSuspend")
    assert has_api("test", "virDomainCreateLinux")
    assert "virDomainQemuAttach" in missing("qemu")
    assert "virDomainQemuAttach" not in missing("test")


@pytest.mark.parametrize("name", ANSWERERS)
def test_the_classes_that_are_said_to_answer_are_those_that_run(name: str, served_with_root: Served) -> None:
    handle = opened(served_with_root, f"{name}:///{'default' if name == 'test' else 'system'}")
    try:
        assert set(handle.parts) == set(ANSWERERS[name])
        for part, classes in ANSWERERS[name].items():
            assert classes[0] is actor_class(handle, part)
    finally:
        if name == "test":
            for part in handle.parts.values():
                part.ref.stop()


@pytest.fixture
def served_with_root(serve: Any, tmp_path: Path) -> Served:
    return serve(tmp_path / "root")


def opened(served: Served, uri: str) -> DriverHandle:
    """An instance of a driver of the daemon."""
    router: Any = served.daemon.router._actor_weakref()
    parsed = ConnectURI.parse(uri)
    return router._kinds[parsed.driver].open(parsed)


def actor_class(handle: DriverHandle, part: Part) -> type[pykka.Actor]:
    return handle.parts[part].ref.actor_class
