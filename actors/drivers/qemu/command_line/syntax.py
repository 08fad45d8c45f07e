"""How arguments are written for QEMU: JSON where it takes JSON, key=value lists where it does not.

In a key=value list a comma in a value is doubled, so any file name works. JSON needs no such care; ids and node names
have an alphabet of their own in both.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .....wire.cpuset import parse_numbers
from .....wire.errors import UnsupportedConfig

Value = str | int | bool | dict[str, bool] | None

ID_LENGTH = 127
NODE_NAME_LENGTH = 31

_ENCODED = json.JSONEncoder(separators=(",", ":")).encode
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9._-]*", re.ASCII)


def json_option(option: str, properties: dict[str, Any]) -> list[str]:
    """`option` with its properties as JSON; those that are None are left out."""
    given = {name: value for name, value in properties.items() if value is not None}
    return [option, _ENCODED(given)]


def key_values(*plain: str, **values: Value) -> str:
    """A comma-separated list: `plain` as it stands, then name=value for every value that is not None.

    A "_" in a name stands for "-"; booleans become on and off.
    """
    pairs = [f"{name.replace('_', '-')}={_text(value)}" for name, value in values.items() if value is not None]
    return ",".join([*plain, *pairs])


def _text(value: Any) -> str:
    return on_off(value) if isinstance(value, bool) else escaped(str(value))


def escaped(text: str) -> str:
    """Text as a value in a key=value list."""
    return text.replace(",", ",,")


def on_off(value: bool) -> str:
    return "on" if value else "off"


def identifier(text: str, of: str, length: int = ID_LENGTH) -> str:
    """`text` if QEMU takes it for an id. Raises UnsupportedConfig, naming `of`, if it does not."""
    if not _IDENTIFIER.fullmatch(text) or len(text) > length:
        raise UnsupportedConfig(
            f"{of}: {text[:80]!r} is no name for QEMU",
            hint=f"a letter and then letters, digits, '-', '_' and '.', at most {length} in all",
        )
    return text


def numbers(text: str, of: str) -> frozenset[int]:
    """The numbers of a set of processors or nodes. Raises UnsupportedConfig, naming `of`."""
    try:
        return parse_numbers(text)
    except ValueError:
        raise UnsupportedConfig(f"{of}: {text[:80]!r} is no set of numbers") from None
