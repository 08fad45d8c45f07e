"""How far a domain's job is, told on stderr while a call waits for its end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ....wire.errors import VirtError

if TYPE_CHECKING:
    from ...domain import Domain
    from ..session import Shell

LOOK_SECONDS = 0.5


@contextmanager
def shown(shell: Shell, domain: Domain | None, title: str, wanted: bool) -> Iterator[None]:
    """While the body waits for a domain's job, tell every half second how far that is."""
    if domain is None or not wanted or shell.options.quiet:
        yield
        return
    done = threading.Event()
    teller = threading.Thread(target=_follow, args=(domain, title, done), name="progress")
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
    if not shell.failures:
        sys.stderr.write(f"\r{title}: [100.00 %]\n")


def _follow(domain: Domain, title: str, done: threading.Event) -> None:
    while not done.wait(LOOK_SECONDS):
        try:
            job = domain.job.info()
        except VirtError:
            continue
        if job.data_total:
            percent = 100 * (job.data_total - job.data_remaining) / job.data_total
            sys.stderr.write(f"\r{title}: [{percent:6.2f} %]")
            sys.stderr.flush()
