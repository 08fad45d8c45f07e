"""Load by libvirt's own Python client: `/usr/bin/python3 -m benchmarks.clients.libvirt_python URI`."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from typing import Any

from .serving import serve

PAUSED = 1


class LibvirtClient:
    """A ``serving.Client``."""

    def __init__(self, libvirt: Any, uri: str) -> None:
        self._connection = libvirt.open(uri)
        self._domains: dict[str, Any] = {}

    def _domain(self, name: str) -> Any:
        if name not in self._domains:
            self._domains[name] = self.lookup(name)
        return self._domains[name]

    def hostname(self) -> Any:
        return self._connection.getHostname()

    def list(self) -> Any:
        return [(domain.name(), domain.ID()) for domain in self._connection.listAllDomains()]

    def lookup(self, name: str) -> Any:
        return self._connection.lookupByName(name)

    def state(self, name: str) -> Any:
        return self._domain(name).state()

    def info(self, name: str) -> Any:
        return self._domain(name).info()

    def statistics(self) -> Any:
        return self._connection.getAllDomainStats(0)

    def xml(self, name: str) -> Any:
        return self._domain(name).XMLDesc()

    def suspend(self, name: str) -> Any:
        self._domain(name).suspend()

    def resume(self, name: str) -> Any:
        self._domain(name).resume()

    def define(self, xml: str) -> Any:
        self._connection.defineXML(xml)

    def undefine(self, name: str) -> Any:
        self.lookup(name).undefine()

    def create(self, xml: str) -> Any:
        self._connection.createXML(xml, PAUSED)

    def destroy(self, name: str) -> Any:
        self.lookup(name).destroy()

    def poke(self, name: str) -> Any:
        self._domain(name).resume()

    def close(self) -> Any:
        self._connection.close()


def main() -> None:
    libvirt = importlib.import_module("libvirt")
    libvirt.registerErrorHandler(lambda *_: None, None)
    serve(partial(LibvirtClient, libvirt, sys.argv[1]))


if __name__ == "__main__":
    main()
