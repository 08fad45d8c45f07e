"""The same calls through libvirt-python to libvirt's test driver and to ours: the same results, states and errors.

hypothesis makes the sequences. ``VIRTACTOR_DIFFERENTIAL=2000`` makes it try so many of each family instead of a few.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from ...libvirt_python import import_libvirt
from .differences import is_meant
from .operations import FAMILIES
from .outcome import outcome

FEW = 25
TRIES = int(os.environ.get("VIRTACTOR_DIFFERENTIAL", FEW))


@pytest.fixture(scope="module")
def libvirt() -> Any:
    return import_libvirt()


def steps(family: str) -> st.SearchStrategy[list[tuple[str, tuple[Any, ...]]]]:
    """Sequences of operations of one family, each with its arguments."""
    one = st.one_of(
        *(st.tuples(st.just(name), st.tuples(*arguments)) for name, (_, arguments) in FAMILIES[family].items())
    )
    return st.lists(one, min_size=1, max_size=25)


@pytest.mark.parametrize("family", FAMILIES)
def test_ours_answers_as_libvirts(family: str, libvirt: Any, daemon_socket: Path) -> None:
    @settings(max_examples=TRIES, suppress_health_check=[HealthCheck.too_slow], derandomize=TRIES == FEW)
    @given(sequence=steps(family))
    def compare(sequence: list[tuple[str, tuple[Any, ...]]]) -> None:
        with both(libvirt, daemon_socket) as (theirs, ours):
            for name, drawn in sequence:
                act = FAMILIES[family][name][0]
                wanted = outcome(libvirt, act, theirs, drawn)
                note(f"{name}{drawn}: {wanted}")
                got = outcome(libvirt, act, ours, drawn)
                if not wanted.same_as(got) and not is_meant(family, name, drawn, wanted, got):
                    raise AssertionError(f"{family}: {name}{drawn}\nlibvirt: {wanted}\nours:    {got}")

    compare()


@contextmanager
def both(libvirt: Any, socket: Path) -> Iterator[tuple[Any, Any]]:
    """Fresh instances of both drivers: each is gone when its last connection closes."""
    with (
        closing(libvirt.open("test:///default")) as theirs,
        closing(libvirt.open(f"test+unix:///default?socket={socket}")) as ours,
    ):
        yield theirs, ours
