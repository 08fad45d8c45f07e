"""Security labels: a guest runs as the daemon's user, and no other security model is at work here.

What says just that is taken, everything else is refused by its model.
"""

from __future__ import annotations

from collections.abc import Iterator

from .....wire.documents.domain import DomainDefinition, SecurityLabel
from .....wire.errors import UnsupportedConfig
from .resources import Resources

MODELS = (None, "none", "dac")


def check_labels(definition: DomainDefinition, resources: Resources) -> None:
    """Raise UnsupportedConfig for a label that the process will not have."""
    models = [label.model for label in definition.seclabels]
    if len(set(models)) < len(models):
        raise UnsupportedConfig("seclabel: a model that is given twice")
    for label in definition.seclabels:
        for what in _unhonoured(label, resources):
            raise UnsupportedConfig(
                f"seclabel of model {label.model!r}: {what}", hint="guests run as the daemon's user"
            )


def _unhonoured(label: SecurityLabel, resources: Resources) -> Iterator[str]:
    if label.model not in MODELS and label.type != "none":
        yield "this security model is not at work here"
    if label.type == "none":
        if label.label is not None:
            yield f"label {label.label!r} with type 'none'"
        if label.relabel:
            yield "relabel 'yes' with type 'none'"
        return
    if label.relabel:
        yield "relabel 'yes'"
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
