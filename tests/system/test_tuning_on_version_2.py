"""The tests of `test_tuning.py`, daemon and guests and all, on a kernel that has control groups of version 2 alone."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from ..virtual_host import VirtualHost, why_not

TESTS = Path(__file__).with_name("test_tuning.py")
# It takes a minute with some of them, many minutes with all; in each run test_version_2.py tries the groups themselves.
WANTED = os.environ.get("VIRTACTOR_VERSION_2")
CHOSEN = "a_scheduler_is_changed or a_later_daemon"
CHOICE = "" if WANTED == "all" else f"-k '{CHOSEN}'"
SCRIPT = f"""
export HOME=/tmp PYTHONDONTWRITEBYTECODE=1 VIRTACTOR_SLOWNESS=20
cd {Path(__file__).parents[2]}
{sys.executable} -m pytest -q -rs --color=no -p no:cacheprovider {TESTS} {CHOICE}
"""


@pytest.mark.skipif(WANTED is None, reason="only where VIRTACTOR_VERSION_2 is some or all")
@pytest.mark.skipif(os.geteuid() != 0 or bool(why_not()), reason=why_not() or "only root can share files")
def test_a_host_with_version_2_alone_does_the_same(tmp_path: Path) -> None:
    output = VirtualHost(tmp_path, memory=1536).run(SCRIPT)
    assert output.status == 0, output.text
    # Two ask what version 2 has not.
    wanted = r"^\d+ passed, 2 skipped in" if not CHOICE else r"^2 passed, \d+ deselected in"
    assert re.search(wanted, output.text, re.MULTILINE), output.text
