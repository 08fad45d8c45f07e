"""`wait`: until domains are in a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ....wire.enums.domain import DomainState
from ....wire.errors import VirtError
from ..declaring import SECONDS, command, domains
from ..render import print_json
from ..selection import Selection
from ..session import Shell
from ..wording import state_of_word, state_word

if TYPE_CHECKING:
    from ...domain import Domain

_NAMES = [state.name.lower() for state in DomainState if state]


class StatesType(click.ParamType):
    """States by libvirt's names or virsh's words, several with commas between them."""

    name = "state"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[DomainState, ...]:
        return tuple(self._state(word, param, ctx) for word in str(value).split(","))

    def _state(self, word: str, param: click.Parameter | None, ctx: click.Context | None) -> DomainState:
        state = state_of_word(word)
        if state is None:
            self.fail(f"'{word}' is no state; those are {', '.join(_NAMES)}", param, ctx)
        return state


@command("wait")
@domains(words=_NAMES)
@click.argument("states", type=StatesType(), metavar="STATE[,STATE...]")
@click.option("--timeout", type=SECONDS, metavar="SECONDS", help="How long to wait in all.")
@click.pass_obj
def wait(shell: Shell, selection: Selection, states: tuple[DomainState, ...], timeout: float | None) -> None:
    reached: list[Domain] = []
    wanted = " or ".join(state_word(state) for state in states)
    chosen = shell.choose(selection)

    def tell(name: str, outcome: Domain | VirtError) -> None:
        if isinstance(outcome, VirtError):
            shell.fail(outcome, name if len(chosen) > 1 else None)
        else:
            reached.append(outcome)
            shell.say(f"{name}: {wanted}")

    shell.host.domains.wait(chosen, states, timeout, progress=tell)
    if shell.options.json:
        data = [{"name": domain.name, "uuid": str(domain.uuid)} for domain in reached]
        print_json({"domains": data, "failed": shell.failures_as_data()})


COMMANDS = {"wait": wait}
