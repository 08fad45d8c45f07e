"""What gets installed: every package of ours with its data files, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("actors", "client", "wire")


def sources(pattern: str) -> set[str]:
    """Files below our folders, as a wheel names them."""
    return {
        f"virtactor/{path.relative_to(REPOSITORY)}"
        for folder in FOLDERS
        for path in (REPOSITORY / folder).rglob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """A wheel built by setuptools as pip would, from a copy, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    tree.mkdir()
    for name in (*FOLDERS, "pyproject.toml", "setup.py", "README.md", "LICENSE"):
        (tree / name).symlink_to(REPOSITORY / name)
    build = "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", build, folder], cwd=tree, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return zipfile.Path(folder / done.stdout.split()[-1])


@pytest.fixture(scope="module")
def names(wheel: zipfile.Path) -> set[str]:
    return set(wheel.root.namelist())


def test_every_module_is_in_the_wheel(names: set[str]) -> None:
    assert sources("*.py") - names == set()


def test_every_data_file_is_in_the_wheel(names: set[str]) -> None:
    data = {name for name in sources("*") if not name.endswith((".py", ".pyc"))}
    assert data - names == set()


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {name.rpartition("/")[0] for name in sources("*.py")}
    assert {f"{folder}/__init__.py" for folder in folders} - sources("__init__.py") == set()


def test_nothing_else_is_in_the_wheel(names: set[str]) -> None:
    others = {name for name in names if not name.startswith("virtactor-") and not name.endswith("/")} - sources("*")
    assert others == set()


def test_the_wheel_has_our_licence_and_commands(wheel: zipfile.Path) -> None:
    (info,) = [path for path in wheel.iterdir() if path.name.endswith(".dist-info")]
    assert "License-Expression: Apache-2.0" in (info / "METADATA").read_text()
    assert (info / "licenses" / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()
    commands = (info / "entry_points.txt").read_text().split("\n")
    assert [line.partition(" ")[0] for line in commands if "=" in line] == [
        "virtactor",
        "virtactor-proxy",
        "virtactord",
    ]
