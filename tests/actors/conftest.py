"""Daemons in the test's process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from virtactor.actors.config import Config

from .served import Served


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Starts daemons on threads of this process; stops them at the end and fails for what they left or blocked."""
    with ExitStack() as stack:

        def start(root: Path | None = None, config: dict | None = None) -> Served:
            served = Served(root, Config.of(config or {}))
            stack.callback(served.stop)
            return served

        yield start


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """A daemon with the default configuration that keeps nothing."""
    return serve()
