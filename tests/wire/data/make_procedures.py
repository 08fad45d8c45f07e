"""Writes procedures.json from the facts of libvirt's RPC programs: ``python make_procedures.py …/rpc.json``.

A line for each procedure: its program, number, name, and the fields of its arguments (or of its message) and results,
structures written out, in the notation of ``signature`` in ../test_table.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAMES = {"remote_uuid": "uuid", "opaque<>": "opaque[]", "enum uint16": "ushort"}
SCALARS = {"char", "uchar", "ushort", "int", "uint", "hyper", "uhyper", "double", "string", "uuid"}
PROGRAMS = ("remote", "qemu")


def notation(of: Any, structs: Mapping[str, Any]) -> str:
    """The type of a field, as one line."""
    if isinstance(of, dict):
        inner = notation(of.get("list") or of["array"], structs)
        return f"{inner}[]" if "list" in of else f"{inner}{{{of['length']}}}"
    if of.startswith("optional "):
        return notation(of.removeprefix("optional "), structs) + "?"
    of = NAMES.get(of, of)
    if of.startswith("enum "):
        return "uint"
    if of in structs:
        return f"({signature(of, structs)})"
    return of


def signature(name: str | None, structs: Mapping[str, Any]) -> str:
    return ", ".join(f"{field}: {notation(of, structs)}" for field, of in structs[name]) if name else ""


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
    (Path(__file__).parent / "procedures.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
