"""Writes procedures.json and limits.json: ``python make_procedures.py …/rpc.json``, facts of libvirt's RPC programs.

A line for each procedure: its program, number, name, and the fields of its arguments (or of its message) and results,
structures written out, in the notation of ``signature`` in ../test_table.py. A message within a message (what
``callback`` events carry) stands there as its fields. The limits are libvirt's constants by name.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAMES = {
    "remote_uuid": "uuid",
    "opaque<>": "opaque[]",
    "remote_typed_param": "param",
    "enum AuthType": "int",
    "enum uint16": "ushort",
}
# What the facts, which had been through another language, call otherwise.
FIELDS = {"xmlcp_us": "xml_cpus"}
PROGRAMS = ("remote", "qemu")
DATA = Path(__file__).parent


def notation(of: Any, structs: Mapping[str, Any]) -> str:
    """The type of a field, as one line."""
    if isinstance(of, dict):
        element = of.get("list") or of["array"]
        inner = "char" if element == "char" else notation(element, structs)
        return f"{inner}[]" if "list" in of else f"{inner}{{{of['length']}}}"
    if of.startswith("optional "):
        return notation(of.removeprefix("optional "), structs) + "?"
    of = NAMES.get(of, of)
    if of.startswith("enum "):
        return "uint"
    if of == "char":
        return "int"
    if of in structs:
        return f"({signature(of, structs)})"
    return of


def signature(name: str | None, structs: Mapping[str, Any]) -> str:
    return ", ".join(_field(field, of, structs) for field, of in structs[name]) if name else ""


def _field(name: str, of: Any, structs: Mapping[str, Any]) -> str:
    if name == "msg":
        return signature(of, structs)
    return f"{FIELDS.get(name, name)}: {notation(of, structs)}"


def main() -> None:
    facts = json.loads(Path(sys.argv[1]).read_text())
    lines = [
        json.dumps(
            {
                "program": facts["programs"][program]["number"],
                "number": procedure["number"],
                "name": procedure["name"],
                "args": signature(procedure["args"] or procedure["msg"], facts["structs"]),
                "result": signature(procedure["ret"], facts["structs"]),
            }
        )
        for program in PROGRAMS
        for procedure in facts["programs"][program]["procedures"]
    ]
    (DATA / "procedures.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    limits = {name: value for name, value in facts["limits"].items() if "_MAX" in name}
    (DATA / "limits.json").write_text(json.dumps(limits, indent=0) + "\n")


if __name__ == "__main__":
    main()
