"""`python -m benchmarks` as its users run it, with as little effort as it takes."""

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_named_measures_are_printed_and_saved_and_nothing_is_left(tmp_path: Path) -> None:
    before = set(Path("/tmp").glob("bench*"))
    done = run("roundtrip", "starts", "--effort", "0.02", "--without-libvirtd", "--json", tmp_path / "found.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "roundtrip: Round trip of get-hostname on the test driver, one client." in done.stdout
    measured = json.loads((tmp_path / "found.json").read_text())["measured"]
    assert {name: [row["what"] for row in rows] for name, rows in measured.items()} == {
        "roundtrip": ["get-hostname, p50", "get-hostname, p99"],
        "starts": ["start paused", "start paused", "destroy"],
    }
    assert all(row["value"] > 0 for rows in measured.values() for row in rows)
    assert set(Path("/tmp").glob("bench*")) == before


def test_a_measure_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    done = run("roundtrips")
    assert done.returncode == 2
    assert "no measure is named roundtrips (there are roundtrip, throughput," in done.stderr
