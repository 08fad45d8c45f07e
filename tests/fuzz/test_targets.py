"""What the fuzzer is given to find fault with: it takes what is right, and would tell what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtactor.wire.framing import Packet, PacketReader, encode_packet

from fuzz import targets

PACKETS = json.loads((Path(__file__).parents[1] / "wire/data/libvirts_packets.json").read_text())


@given(data=st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_taken(data: bytes) -> None:
    for number in range(len(targets.TARGETS)):
        targets.one_input(bytes([number]) + data)


def test_libvirts_packets_are_taken() -> None:
    for *header, payload in PACKETS:
        targets.one_input(b"\0" + encode_packet(*Packet(*header, payload=bytes.fromhex(payload))))


def test_nothing_is_no_input() -> None:
    targets.one_input(b"")


@pytest.mark.parametrize("broken", [lambda *_: [], lambda *_: [1]], ids=["loses packets", "makes packets up"])
def test_a_reader_that_goes_wrong_is_found(broken: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = PacketReader.feed
    whole = encode_packet(1, 1, 1, 0, 1, 0, b"payload")
    monkeypatch.setattr(PacketReader, "feed", lambda self, data: broken() if data == whole else feed(self, data))
    with pytest.raises(AssertionError):
        targets.framing(whole)
