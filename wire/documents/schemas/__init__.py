"""The published schemas of documents (RELAX NG): what a caller who asks for validation may say.

`*.rng` beside this file are written by ``python -m virtactor.wire.documents.schemas`` from the classes that read the
documents, and a test holds them to each other. They can be used without us (``xmllint --relaxng``, editors):
docs/schemas.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lxml import etree

from ...enums.error import ErrorDomain, ErrorNumber
from ...errors import XMLError
from ..domain import DomainDefinition
from ..interface import InterfaceDefinition
from ..moment import CheckpointDefinition, SnapshotDefinition
from ..network import NetworkDefinition
from ..nodedev import NodeDeviceDefinition
from ..reader import parse, problems_of
from ..storage import PoolDefinition, VolumeDefinition

# Problems told in one error.
MAX_TOLD = 5


@dataclass(frozen=True, slots=True)
class Schema:
    """A published schema: that of documents whose root element is `root`, which are read as `cls`.

    It includes what the schema `within` has. `errors` is the area of libvirt's that text is refused in which is no XML.
    """

    name: str
    root: str
    cls: type
    errors: ErrorDomain
    within: Schema | None = None

    @property
    def path(self) -> Path:
        return Path(__file__).with_name(f"{self.name}.rng")


DOMAIN = Schema("domain", "domain", DomainDefinition, ErrorDomain.DOMAIN)
SNAPSHOT = Schema("domainsnapshot", "domainsnapshot", SnapshotDefinition, ErrorDomain.DOMAIN_SNAPSHOT, DOMAIN)
CHECKPOINT = Schema("domaincheckpoint", "domaincheckpoint", CheckpointDefinition, ErrorDomain.DOMAIN_CHECKPOINT, DOMAIN)
NETWORK = Schema("network", "network", NetworkDefinition, ErrorDomain.NETWORK)
INTERFACE = Schema("interface", "interface", InterfaceDefinition, ErrorDomain.INTERFACE)
NODE_DEVICE = Schema("nodedev", "device", NodeDeviceDefinition, ErrorDomain.NODEDEV)
POOL = Schema("storagepool", "pool", PoolDefinition, ErrorDomain.STORAGE)
VOLUME = Schema("storagevol", "volume", VolumeDefinition, ErrorDomain.STORAGE)
# By their names, which are those of libvirt's.
SCHEMAS: Mapping[str, Schema] = {
    schema.name: schema for schema in (DOMAIN, SNAPSHOT, CHECKPOINT, NETWORK, INTERFACE, NODE_DEVICE, POOL, VOLUME)
}


def check(text: str, schema: Schema) -> None:
    """Refuse a document that its schema does not have, as calls with a VALIDATE flag ask for.

    Takes some ms for the first document of a kind, a fraction of one for others. Raises XMLError: as reading it would
    for text that is no document of the kind at all, else (XML_INVALID_SCHEMA) with what is wrong in which lines.
    """
    try:
        element = parse(text, schema.root)
    except XMLError as error:
        error.domain = error.domain or schema.errors
        raise
    if _compiled(schema).validate(element):
        return
    problems = problems_of(element, schema.cls)
    # Without the kind of error, which stands before the line.
    told = [problem.message[problem.message.index("line ") :] for problem in problems[:MAX_TOLD]]
    if more := len(problems) - len(told):
        told.append(f"and {more} more")
    raise XMLError(
        "\n".join([f"Unable to validate doc against {schema.path}", *told]),
        code=ErrorNumber.XML_INVALID_SCHEMA,
        domain=ErrorDomain.XML,
        line=problems[0].line if problems else None,
    )


@cache
def _compiled(schema: Schema) -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(schema.path))
