"""What a test driver begins with."""

from __future__ import annotations

from ....wire.documents.domain import Clock, DomainDefinition, OperatingSystem, complete
from ....wire.uri import ConnectURI
from ...lifecycle import Happening
from .domain import Load

DEFAULT = "/default"
_DEFAULT_DOMAIN = DomainDefinition(
    type="test",
    name="test",
    uuid="6695eb01-f6a4-8304-79aa-97f2502e193f",
    memory=8388608,
    current_memory=2097152,
    vcpus=2,
    os=OperatingSystem(type="hvm", arch="i686", boot=("hd",)),
    clock=Clock(offset="utc"),
)


def initial_domains(uri: ConnectURI) -> list[tuple[DomainDefinition, Load]]:
    """The domains that `uri` stands for. Raises XMLError, UnsupportedConfig, or SystemFailure without the file."""
    definition = complete(_DEFAULT_DOMAIN)
    return [(definition, Load(definition, (Happening.BOOTED,)))]
