"""The suite's own guard: it must find what it is there to find."""

import os
import subprocess
import sys
from pathlib import Path

LEAK = """
import subprocess
def test_starts_a_process_that_stays({fixture}):
    subprocess.Popen(["sleep", "60"], cwd={fixture}, start_new_session=True)
"""

# What is left stays: nobody need wait for it to go.
CONFTEST = """
import tests.conftest
from tests.conftest import _nothing_is_left, _roots, root
tests.conftest.GRACE = 2.0
"""


def run_suite(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    """Runs one test in a suite of its own that has our conftest."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_one.py").write_text(test)
    repository = Path(__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(folder)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{repository}:{repository / 'examples'}"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_process_left_in_a_temporary_directory_fails_the_session(tmp_path: Path) -> None:
    done = run_suite(tmp_path, LEAK.format(fixture="tmp_path"))
    assert "left behind by the tests:" in done.stdout
    assert "sleep 60" in done.stdout
    assert done.returncode == 1


def test_a_process_left_in_a_root_ends_with_its_test(tmp_path: Path) -> None:
    done = run_suite(tmp_path, LEAK.format(fixture="root"))
    assert done.returncode == 0, done.stdout


def test_a_suite_that_leaves_nothing_passes(tmp_path: Path) -> None:
    assert run_suite(tmp_path, "def test_nothing(): pass").returncode == 0
