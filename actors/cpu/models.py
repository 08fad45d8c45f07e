"""A set of processor models, and which of them comes nearest to a processor."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from ...wire.enums.error import ErrorDomain, ErrorNumber
from ...wire.errors import InvalidArgument

Features = frozenset[str]
# Models of one distribution's past: they can be named, and are nobody's best choice.
_NEVER_CHOSEN = frozenset({"cpu64-rhel5", "cpu64-rhel6"})


@dataclass(frozen=True, slots=True)
class Model:
    """One model. ``vendor`` is libvirt's name of its maker, None for a model of nobody's in particular."""

    name: str
    vendor: str | None
    features: Features


class Models:
    """Models in the order in which they are listed, and the names of all features that there are."""

    def __init__(self, models: Iterable[Model], known: Iterable[str] = ()) -> None:
        self._models = {model.name: model for model in models}
        self.known = frozenset(known).union(*(model.features for model in self))

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def __bool__(self) -> bool:
        return bool(self._models)

    def find(self, name: str) -> Model:
        """The model of that name. Raises InvalidArgument."""
        if name not in self._models:
            raise _unknown(f"Unknown CPU model {name}")
        return self._models[name]

    def check(self, features: Iterable[str]) -> None:
        """Refuse a feature that nobody knows. Raises InvalidArgument."""
        for feature in features:
            if feature not in self.known:
                raise _unknown(f"Unknown CPU feature {feature}")

    def greatest_within(self, features: Features, vendors: Collection[str]) -> Model | None:
        """The model with most features of those that ``features`` have all of; None where even the least has more.

        A model of a maker is for processors of that maker: ``vendors`` are those of the processors that are meant.
        """
        fitting = [model for model in self if model.features <= features and _is_for(model, vendors)]
        return max(fitting, key=lambda model: len(model.features), default=None)

    def nearest(self, features: Features, vendors: Collection[str], preferred: Collection[str] = ()) -> Model | None:
        """The model that differs least, of the ``preferred`` ones if there are any that fit."""
        fitting = [model for model in self if _is_for(model, vendors)]
        chosen = [model for model in fitting if model.name in preferred] or fitting
        return min(chosen, key=lambda model: len(model.features ^ features), default=None)


def _is_for(model: Model, vendors: Collection[str]) -> bool:
    if model.name in _NEVER_CHOSEN:
        return False
    return model.vendor is None or all(model.vendor == vendor for vendor in vendors)


def _unknown(message: str) -> InvalidArgument:
    return InvalidArgument(message, code=ErrorNumber.INTERNAL_ERROR, domain=ErrorDomain.CPU)
