"""A save that is cancelled when its file has its name already."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu import images
from virtactor.client import Domain, Host, OperationTimeout, connect

from ....system.guests import plain
from ....waiting import in_thread

PATIENCE = 60.0  # seconds


@pytest.fixture
def host(root: Path) -> Iterator[Host]:
    with connect(f"qemu:///embed?root={root}") as host:
        yield host
        host.domains.destroy_all()


@pytest.fixture
def domain(host: Host) -> Domain:
    return host.domains.create(plain("g"))


def test_a_save_whose_file_is_there_is_done_though_it_is_aborted(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "saved"
    path.write_text("what was saved before")
    there, aborted = threading.Event(), threading.Event()

    def wait_for_the_abort(path: str) -> None:
        there.set()
        assert aborted.wait(PATIENCE)

    monkeypatch.setattr(images, "_sync_folder", wait_for_the_abort)
    saving = in_thread(domain.save, str(path))
    assert there.wait(PATIENCE)
    with pytest.raises(OperationTimeout):
        domain.job.abort(deadline=1.0)
    aborted.set()

    assert saving.exception(PATIENCE) is None
    assert images.read_image(str(path)).definition().name == "g"
    assert [each.name for each in tmp_path.iterdir()] == ["saved"]
