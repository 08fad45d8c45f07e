"""What a document tells QEMU past libvirt's model, by the namespace "qemu": arguments, environment, properties.

Nobody checks what it says: it is its author's. Arguments come after all others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from .....wire.documents.domain import DomainDefinition, QemuOverride, QemuProperty
from .....wire.errors import UnsupportedConfig
from .syntax import key_values

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# What QEMU does with what it will not have for long.
DEPRECATION: dict[str, dict[str, str]] = {
    "none": {},
    "omit": {"deprecated_output": "hide"},
    "reject": {"deprecated_output": "hide", "deprecated_input": "reject"},
    "crash": {"deprecated_output": "hide", "deprecated_input": "crash"},
}
BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def last_arguments(definition: DomainDefinition) -> list[str]:
    """-compat, and the document's own arguments."""
    compat = DEPRECATION[definition.qemu_deprecation or "none"]
    said = definition.qemu_command_line
    return [*(("-compat", key_values(**compat)) if compat else ()), *(said.arguments if said else ())]


def environment(definition: DomainDefinition) -> dict[str, str]:
    """The document's variables of the process's environment. Raises UnsupportedConfig for what cannot be one."""
    said = definition.qemu_command_line
    found: dict[str, str] = {}
    for each in said.environment if said else ():
        value = each.value or ""
        if not _VARIABLE.fullmatch(each.name) or "\0" in value:
            raise UnsupportedConfig(f"qemu:env {each.name!r}: no variable can be called so, or have such a value")
        if each.name in found:
            raise UnsupportedConfig(f"qemu:env {each.name!r} is given twice")
        found[each.name] = value
    return found


def overridden(arguments: list[str], definition: DomainDefinition) -> list[str]:
    """The arguments with the properties of devices that the document sets itself.

    Raises UnsupportedConfig for a device that is not there.
    """
    if not definition.qemu_overrides:
        return arguments
    wanted = {each.alias: each for each in definition.qemu_overrides}
    if len(wanted) < len(definition.qemu_overrides):
        raise UnsupportedConfig("qemu:override: a device that is given twice")
    done: list[str] = []
    for before, word in zip(["", *arguments], arguments, strict=False):
        said = json.loads(word) if before == "-device" and word.startswith("{") else {}
        override = wanted.pop(said.get("id", ""), None)
        done.append(word if override is None else json.dumps(_changed(said, override), separators=(",", ":")))
    if wanted:
        raise UnsupportedConfig(f"qemu:override: there is no device with alias {next(iter(wanted))!r}")
    return done


def _changed(properties: dict[str, Any], override: QemuOverride) -> dict[str, Any]:
    changed = dict(properties)
    for each in override.properties:
        if each.name in ("driver", "id"):
            raise UnsupportedConfig(f"qemu:override of {override.alias}: property {each.name!r}")
        if each.type == "remove":
            changed.pop(each.name, None)
        else:
            changed[each.name] = _value(each, override.alias)
    return changed


def _value(said: QemuProperty, alias: str) -> Any:
    read: dict[str, Callable[[str], Any]] = {
        "string": str,
        "signed": int,
        "unsigned": _unsigned,
        "bool": lambda text: BOOLEANS[text],
    }
    try:
        return read[said.type](said.value or "")
    except (KeyError, ValueError):
        raise UnsupportedConfig(
            f"qemu:override of {alias}: property {said.name!r} is {said.value!r}, expected type {said.type!r}"
        ) from None


def _unsigned(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number
