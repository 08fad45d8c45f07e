"""virsh says of a guest's share of the host what it says of it with libvirtd on the same kernel."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import pytest
from virtactor.actors.drivers.qemu.cgroups import Source, hierarchies

from .conftest import need
from .data.ask_about_tuning import ANSWERS, CONTROLLERS, XML, answer, commands, disk

HOST = hierarchies(Source())


@pytest.mark.skipif(
    os.geteuid() != 0 or disk() is None or not all(each in HOST and HOST[each].version == 1 for each in CONTROLLERS),
    reason="as libvirtd, this wants control groups of version 1, root and a disk",
)
def test_virsh_says_what_it_says_with_libvirtd(qemu_uri: str, tmp_path: Path) -> None:
    need("virsh", "libvirt-clients")
    partition = f"virtactor-test-{uuid.uuid4().hex[:8]}"
    xml = tmp_path / "g.xml"
    xml.write_text(XML.format(more=f"<resource><partition>/{partition}</partition></resource>"))
    for command in (f"define {xml}", "start g --paused"):
        assert "error" not in answer(qemu_uri, command)

    ours = [[command, answer(qemu_uri, command)] for command in commands()]

    assert ours == json.loads(ANSWERS.read_text())
    assert "error" not in answer(qemu_uri, "destroy g")
    assert not any((hierarchy.base / partition).exists() for hierarchy in HOST.values())
