"""The figures of virConnectGetAllDomainStats: kinds of them, each a group of parameters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from ....wire.enums.domain_tuning import DomainStatsTypes
from ....wire.errors import VirtError
from ....wire.params import ParamType, TypedParam
from .domain_object import DomainObject
from .messages import TellFigures

logger = logging.getLogger("virtactor.domains")

Params = list[TypedParam]


class Figures(DomainObject):
    """Answers to the driver's question for figures."""

    def on_message(self, message: Any) -> Any:
        if isinstance(message, TellFigures):
            self.spawn(self._tell(message), name="figures")
            return None
        return super().on_message(message)

    async def _tell(self, message: TellFigures) -> None:
        """What cannot be told is left out: a guest that hangs must not take the others' figures away."""
        params: Params = []
        try:
            for kind, figures in self.kinds_of_figures().items():
                if message.kinds & kind:
                    params += await figures()
        except VirtError as error:
            logger.info("%s: figures: %s", self.label, error)
        finally:
            if not message.told.done():
                message.told.set_result(params)

    def kinds_of_figures(self) -> Mapping[int, Callable[[], Coroutine[Any, Any, Params]]]:
        """The kinds that a driver has (virDomainStatsTypes), and what gives them."""
        return {int(DomainStatsTypes.STATE): self._state_figures}

    async def _state_figures(self) -> Params:
        return [
            TypedParam("state.state", ParamType.INT, int(self.state)),
            TypedParam("state.reason", ParamType.INT, int(self.reason)),
        ]
