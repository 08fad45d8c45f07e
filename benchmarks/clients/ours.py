"""Load by virtactor's blocking client library: `python -m benchmarks.clients.ours URI`."""

from __future__ import annotations

import sys
from functools import cached_property, partial
from typing import Any

from virtactor.client import Domain, Events, connect

from .serving import serve

POKE_DEADLINE = 1.0


class OurClient:
    """A ``serving.Client``; besides, ``event`` for the way of an event."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._host = connect(uri)
        self._domains: dict[str, Domain] = {}

    def _domain(self, name: str) -> Domain:
        if name not in self._domains:
            self._domains[name] = self.lookup(name)
        return self._domains[name]

    def hostname(self) -> Any:
        return self._host.hostname()

    def list(self) -> Any:
        return [(domain.name, domain.id) for domain in self._host.domains.list()]

    def lookup(self, name: str) -> Domain:
        return self._host.domains.lookup(name)

    def state(self, name: str) -> Any:
        return self._domain(name).state()

    def info(self, name: str) -> Any:
        return self._domain(name).info()

    def statistics(self) -> Any:
        return self._host.domains.stats()

    def xml(self, name: str) -> Any:
        return self._domain(name).xml()

    def suspend(self, name: str) -> Any:
        self._domain(name).suspend()

    def resume(self, name: str) -> Any:
        self._domain(name).resume()

    def define(self, xml: str) -> Any:
        self._host.domains.define(xml)

    def undefine(self, name: str) -> Any:
        self.lookup(name).undefine()

    def create(self, xml: str) -> Any:
        self._host.domains.create(xml, paused=True)

    def destroy(self, name: str) -> Any:
        self.lookup(name).destroy()

    def poke(self, name: str) -> Any:
        self._domain(name).resume(deadline=POKE_DEADLINE)

    def close(self) -> Any:
        self._host.close()

    @cached_property
    def _events(self) -> Events:
        return connect(self._uri).events(timeout=10)

    def event(self, name: str, method: str) -> Any:
        """Suspend or resume a guest and wait until another connection is told."""
        events = self._events
        getattr(self, method)(name)
        next(events)


if __name__ == "__main__":
    serve(partial(OurClient, sys.argv[1]))
