"""Which values a definition can have here, found by trying: a small definition with each is completed and made into a
command line, and what is refused on that way is not offered.

So nobody has to keep a list: what the command line learns is told of at once, and what it does not do is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ....wire.documents.domain import parse_domain
from ....wire.errors import VirtError
from .aliases import assign_aliases
from .capabilities import Capabilities, Machine
from .command_line import check_definition
from .command_line.undone import refuse_undone
from .defaults import complete_definition
from .firmware import FirmwareStore

_DEFINITION = """
<domain type='{type}'>
  <name>trial</name>
  <memory>262144</memory>
  {about}
  <os{firmware}><type arch='{arch}' machine='{machine}'>hvm</type>{os}</os>
  <features><acpi/>{features}</features>
  <devices>{devices}</devices>
</domain>
"""


@dataclass(frozen=True, slots=True)
class Trials:
    """Tries on one emulator, machine type and domain type."""

    capabilities: Capabilities
    arch: str
    machine: Machine
    type: str
    firmware: FirmwareStore | None = None

    def works(
        self, *, about: str = "", firmware: str = "", os: str = "", features: str = "", devices: str = ""
    ) -> bool:
        """Whether a definition with these pieces of XML would start, as far as one can tell without starting it."""
        text = _DEFINITION.format(
            type=self.type,
            arch=self.arch,
            machine=self.machine.name,
            about=about,
            firmware=firmware,
            os=os,
            features=features,
            devices=devices,
        )
        try:
            definition = parse_domain(text)
            refuse_undone(definition)
            completed = complete_definition(
                definition,
                machine=self.machine.name,
                emulator=self.capabilities.binary,
                arch=self.arch,
                firmware=self.firmware,
            )
            check_definition(assign_aliases(completed), self.capabilities)
        except VirtError:
            return False
        return True

    def working(self, place: str, pieces: Mapping[str, str]) -> tuple[str, ...]:
        """The names of those ``pieces`` that work at a ``place``, one of the arguments of ``works``."""
        return tuple(name for name, xml in pieces.items() if self.works(**{place: xml}))


def pieces(template: str, values: Iterable[str]) -> dict[str, str]:
    """A piece of XML for each value, put where the template has ``{}``."""
    return {value: template.format(value) for value in values}
