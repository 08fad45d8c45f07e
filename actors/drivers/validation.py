"""Documents that are checked by their published schemas because a caller asks for it (the VALIDATE flags).

A schema is compiled for the first document of its kind, and documents may be long: both is done in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from ...wire.documents.schemas import Schema, check
from ..runtime import Runtime


async def check_document(runtime: Runtime, xml: str, schema: Schema) -> None:
    """Refuse a document that its schema does not have. Raises XMLError."""
    await runtime.in_thread(check, xml, schema)


def checked(
    runtime: Runtime, xml: str, schema: Schema, asked: int, handle: Callable[[], object]
) -> object | Coroutine[Any, Any, object]:
    """What `handle` returns, where that is `asked` for after the document has been checked: for handlers that forward
    a call. Raises XMLError."""
    return _after_check(runtime, xml, schema, handle) if asked else handle()


async def _after_check(runtime: Runtime, xml: str, schema: Schema, handle: Callable[[], object]) -> object:
    await check_document(runtime, xml, schema)
    return handle()
