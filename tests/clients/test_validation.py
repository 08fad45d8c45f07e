"""``--validate`` of virsh and of our shell, with the qemu driver of a real daemon."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ..system.guests import plain
from ..system.virtactord import PATIENCE, Virtactord
from .conftest import need

WRONG = plain("checked").replace("<memory", "\n<memroy/>\n<memory")
TOLD = [
    "error: XML document failed to validate against schema: Unable to validate doc against ",
    "line 2: element /domain/memroy is unknown, did you mean 'memory'?",
]


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.mark.parametrize("verb", ["define", "create"])
@pytest.mark.parametrize("client", ["virsh", "virtactor"])
def test_a_guest_is_refused_by_line_or_there(
    client: str,
    verb: str,
    qemu_uri: str,
    shared: Virtactord,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    if client == "virsh":
        program = [need("virsh", "libvirt-clients"), "--quiet"]
    else:
        program = [sys.executable, "-m", "virtactor.client.shell"]
    document = tmp_path / "guest.xml"
    command = [*program, "--connect", qemu_uri, verb, str(document), "--validate"]

    document.write_text(WRONG)
    refused = run(command, environment)
    assert refused.returncode == 1
    for words in TOLD:
        assert words in refused.stderr
    with shared.connect() as host:
        assert "checked" not in host.domains

    document.write_text(plain("checked"))
    assert run(command, environment).returncode == 0
    with shared.connect() as host:
        assert "checked" in host.domains
