"""The tests of `test_guest_groups.py` on a kernel that has version 2 alone, as most hosts do."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from .....virtual_host import VirtualHost, why_not

TESTS = Path(__file__).with_name("test_guest_groups.py")
PYTEST = f"{sys.executable} -m pytest -q --color=no -p no:cacheprovider --noconftest {TESTS}"
# A group as systemd gives it to a service with Delegate=yes, and in it the service.
DELEGATED = """
cd /sys/fs/cgroup
for each in cpu memory io cpuset; do echo +$each >cgroup.subtree_control; done
mkdir service
{python} -c 'import os; os.setxattr("service", "user.delegate", b"1")'
echo $$ >service/cgroup.procs
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or bool(why_not()), reason=why_not() or "only root can share files")


@pytest.fixture
def host(tmp_path: Path) -> VirtualHost:
    return VirtualHost(tmp_path)


def test_a_host_with_version_2_alone_does_the_same(host: VirtualHost) -> None:
    output = host.run(f"export HOME=/tmp PYTHONDONTWRITEBYTECODE=1\n{PYTEST}")
    assert output.status == 0, output.text
    assert re.search(r"^\d+ passed in", output.text, re.MULTILINE), output.text


def test_a_daemon_that_was_given_a_group_makes_guests_groups_there(host: VirtualHost) -> None:
    chosen = f"{PYTEST} -k 'before_it_is_in_its_groups or threads_have_limits or set_free'"
    output = host.run(
        f"export HOME=/tmp PYTHONDONTWRITEBYTECODE=1\n{DELEGATED.format(python=sys.executable)}{chosen}\n"
        "status=$?; cat service/cgroup.subtree_control; cat service/cgroup.procs; ls -d service/*/; exit $status"
    )
    assert output.status == 0, output.text
    assert re.search(r"^3 passed", output.text, re.MULTILINE), output.text
    # The daemon has made way, and nothing else was left.
    assert output.text.splitlines()[-2:] == ["cpuset cpu memory", "service/daemon/"]
