"""A domain of the test driver: there is no guest, so what is asked for has happened."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ....wire.documents.domain import DomainDefinition, complete
from ...call import Call
from ...lifecycle import Happening
from ..domain import Domain
from ..domain.checkpoints import Checkpoints


@dataclass(frozen=True, slots=True)
class Load:
    """To a domain that its driver begins with: this is you, and this has happened to you (nothing: you are off).

    A ``transient`` domain is defined nowhere.
    """

    definition: DomainDefinition
    happened: tuple[Happening, ...]
    transient: bool = False


class TestDomain(Checkpoints, Domain):
    """A domain in memory. It powers off and reboots at once, and then restarts or ends as its actions say."""

    __test__ = False  # Not a class of tests, whatever pytest thinks of the name.

    async def complete(self, definition: DomainDefinition) -> DomainDefinition:
        return complete(definition)

    def on_message(self, message: Any) -> Any:
        if isinstance(message, Load):
            return self._load(message)
        return super().on_message(message)

    def _load(self, message: Load) -> None:
        self.persistent = None if message.transient else message.definition
        if message.happened:
            self.id = next(self.around.ids)
            self.live = dataclasses.replace(message.definition, id=self.id)
        for what in message.happened:
            self.happen(what)
        self.tell_summary()

    async def boot(self, call: Call, live: DomainDefinition, paused: bool) -> DomainDefinition:
        return live

    async def press_power_button(self, call: Call, flags: int) -> None:
        if self.definition.on_poweroff != "restart":
            self.happen(Happening.SHUT_DOWN)

    async def request_reboot(self, call: Call, flags: int) -> None:
        if self.definition.on_reboot != "restart":
            self.happen(Happening.SHUT_DOWN)
