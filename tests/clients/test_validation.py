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


def test_what_is_edited_is_validated(qemu_uri: str, shared: Virtactord, environment: dict[str, str]) -> None:
    virsh = [need("virsh", "libvirt-clients"), "--quiet", "--connect", qemu_uri]
    with shared.connect() as host:
        guest = host.domains.define(plain("edited"))

        done = run([*virsh, "edit", "edited"], {**environment, "EDITOR": "sed -i s/16384/32768/"})
        assert done.returncode == 0, done.stderr
        assert "<memory unit='KiB'>32768</memory>" in guest.xml()

        # Without a terminal to ask at, virsh says no more than that it failed.
        refused = run([*virsh, "edit", "edited"], {**environment, "EDITOR": "sed -i s/memory/memroy/"})
        assert refused.stderr == "error: Failed.\n"
        assert "<memory unit='KiB'>32768</memory>" in guest.xml()
