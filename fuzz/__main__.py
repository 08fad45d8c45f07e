"""Runs the targets under atheris: ``python -m fuzz --seconds 600``. What it finds is left in .cache/fuzz.

It begins with the packets that libvirt's own client and daemon sent each other (tests/wire/data), so that it need not
invent what an honest peer says.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

# Installed by ``make fuzz`` alone: the type checker need not find it.
atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports(include=["virtactor.wire"], enable_loader_override=False):
    from virtactor.wire.framing import Packet, PacketType, encode_packet
    from virtactor.wire.lanes import MSGPACK, XDR
    from virtactor.wire.table import ROWS, row_of

    from .targets import TARGETS, one_input

REPOSITORY = Path(__file__).parents[1]
PACKETS = REPOSITORY / "tests/wire/data/libvirts_packets.json"
CORPUS = REPOSITORY / ".cache/fuzz"


def seeds() -> list[bytes]:
    """The recorded packets, as inputs for the targets."""
    at = {name: bytes([number]) for number, name in enumerate(TARGETS)}
    rows = list(ROWS.values())
    made = []
    for *header, text in json.loads(PACKETS.read_text()):
        packet = Packet(*header, payload=bytes.fromhex(text))
        made.append(at["framing"] + encode_packet(*packet))
        row = row_of(packet.program, packet.procedure)
        if row is None or packet.type != PacketType.CALL:
            continue
        which = rows.index(row).to_bytes(2, "big")
        made.append(at["xdr"] + which + packet.payload)
        fields, _ = XDR.codec(row).decode_args(packet.payload)
        made.append(at["msgpack"] + which + MSGPACK.codec(row).encode_args(fields, None))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    (CORPUS / "found").mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds()):
        (CORPUS / f"seed-{number}").write_bytes(data)
    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={CORPUS}/found/",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(CORPUS)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
