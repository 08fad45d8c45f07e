"""Security labels: a guest runs as the daemon's user, and no other security model is at work here.

What says just that is taken. Labels of other models stay in a definition, and a guest that has them does not start, as
with a libvirt that has no security driver.
"""

from __future__ import annotations

from collections.abc import Iterator

from .....wire.documents.domain import CharacterDevice, Disk, DomainDefinition, SecurityLabel
from .....wire.documents.domain.security import DeviceLabel
from .....wire.errors import UnsupportedConfig
from .resources import Resources

MODELS = (None, "none", "dac")


def check_models(definition: DomainDefinition) -> None:
    """Raise UnsupportedConfig for a guest that is to be labelled by a model that is not at work here."""
    for model in (label.model for label in (*definition.seclabels, *_on_devices(definition))):
        if model not in MODELS:
            raise UnsupportedConfig(f"Security driver model '{model}' is not available")


def check_labels(definition: DomainDefinition, resources: Resources) -> None:
    """Raise UnsupportedConfig for a label that the process will not have."""
    models = [label.model for label in definition.seclabels]
    if len(set(models)) < len(models):
        raise UnsupportedConfig("seclabel: a model that is given twice")
    for label in definition.seclabels:
        for what in _unhonoured(label, resources) if label.model in MODELS else ():
            raise UnsupportedConfig(
                f"seclabel of model {label.model!r}: {what}", hint="guests run as the daemon's user"
            )
    for own in _on_devices(definition):
        if own.model in MODELS and own.label is not None and _owner(own.label) != resources.user:
            raise UnsupportedConfig(f"seclabel of model {own.model!r}: label {own.label!r}")


def _on_devices(definition: DomainDefinition) -> Iterator[DeviceLabel]:
    for device in definition.devices:
        if isinstance(device, Disk | CharacterDevice):
            yield from device.source_labels


def _unhonoured(label: SecurityLabel, resources: Resources) -> Iterator[str]:
    if label.type == "none":
        if label.label is not None:
            yield f"label {label.label!r} with type 'none'"
        if label.relabel:
            yield "relabel 'yes' with type 'none'"
        return
    # What the daemon's user has needs no other owner.
    if label.label is None:
        if label.type == "static":
            yield "type 'static' without a label"
    elif _owner(label.label) != resources.user:
        yield f"label {label.label!r}"


def _owner(text: str) -> tuple[int, int] | None:
    """The user and group of a label of the model dac: "+UID:+GID"; names are not looked up."""
    user, _, group = text.partition(":")
    try:
        return int(user.removeprefix("+")), int(group.removeprefix("+"))
    except ValueError:
        return None
