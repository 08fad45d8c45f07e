"""Definitions as virt-install makes them, and what libvirtd made of each: the driver makes the same devices at the same
places, keeps them, and QEMU takes what comes of it.

`tests/system/corpus/` has the documents and says how they were made. Some of the guests are started, as many as a
moment allows; VIRTACTOR_CORPUS=all starts all of them.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from virtactor.client import Host, VirtError

from .corpus.digest import devices_of
from .corpus.images import make_images

ALL = os.environ.get("VIRTACTOR_CORPUS") == "all"
SAMPLE = 6  # one in so many is started
NO_FIRMWARE = "no firmware"

# What the driver does not do yet, and the words that it says so with.
REFUSED = {
    "disk of rbd": "/@protocol of 'rbd'",
    "card of a network": "/interface/@type of 'network'",
    "card on a bridge": "/interface/@type of 'bridge'",
    "card on a card": "/interface/@type of 'direct'",
    "sdl": "/graphics/@type of 'sdl'",
    "pci device of the host's": "element /domain/devices/hostdev",
}
# What libvirt makes differently -> ours: a lone function 7 is one that no guest finds.
DIFFERENT = {
    "usb controller ich9-ehci1": ("0x10 address/domain=0x0000 address/function=0x7", "function=0x7", "function=0x0")
}
# What a console's port is called: libvirt leaves it to QEMU, which counts as we do.
PORT = re.compile(r"(?<=^console) address/bus=0 address/controller=0 address/port=\d+ address/type=virtio-serial")
# What the machines that run this have not, and the words that say it.
NOT_HERE = {
    "disk of nbd": "Failed to connect",
    "disk of https": "Unknown driver 'https'|Could not",
    "spice with gl": "EGL|opengl",
    "input of the host's": "/dev/input/event0",
    "input by evdev": "/dev/input/event0",
    "usb redirection": "Failed to connect",
    "tpm of the host's": "/dev/tpm0",
    "vsock": "/dev/vhost-vsock",
    "vsock with a number": "/dev/vhost-vsock",
    "huge pages": "Cannot allocate memory",
}
# What some of them have and others have not.
MAYBE_HERE = {
    "limits": "this host's control groups",
    "threads pinned": "this host's control groups",
    **dict.fromkeys(("tpm", "tpm tis"), "swtpm is not installed"),
    "filesystem of virtiofs": "virtiofsd is not installed",
}


@dataclass(frozen=True)
class Entry:
    """One document of the corpus; ``devices`` is libvirtd's digest of it, or ``error`` what it refused it with."""

    name: str
    document: str
    devices: tuple[str, ...]
    error: str | None


def entries() -> Iterator[Entry]:
    table, *lines = map(json.loads, (Path(__file__).parent / "corpus/documents.jsonl").read_text().splitlines())
    for line in lines:
        devices = tuple(table[number] for number in line.get("devices", ()))
        yield Entry(line["name"], line["document"], devices, line.get("error"))


CORPUS = {entry.name: entry for entry in entries()}
ACCEPTED = [name for name, entry in CORPUS.items() if entry.error is None and name not in REFUSED]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("corpus")
    make_images(folder)
    yield folder
    Path("/dev/shm/virtactor-corpus").unlink(missing_ok=True)  # What one of the guests shares.


def document(name: str, images: Path) -> str:
    return CORPUS[name].document.replace("{images}", str(images))


def expected(name: str, images: Path) -> list[str]:
    """libvirtd's devices, with what is known to be another."""
    where, theirs, ours = DIFFERENT.get(name, ("nowhere", "", ""))
    devices = [each.replace(theirs, ours) if where in each else each for each in CORPUS[name].devices]
    return compared([each.replace("{images}", str(images)) for each in devices])


def compared(devices: list[str]) -> list[str]:
    return sorted(PORT.sub("", each) for each in devices)


def test_the_corpus_is_as_large_as_it_is_said_to_be() -> None:
    assert len(ACCEPTED) >= 220
    assert REFUSED.keys() | DIFFERENT.keys() | NOT_HERE.keys() <= CORPUS.keys()


@pytest.mark.parametrize("name", ACCEPTED)
def test_the_devices_are_libvirts_and_stay_so(name: str, host: Host, images: Path) -> None:
    text = document(name, images)
    try:
        domain = host.domains.define(text)
    except VirtError as error:
        if NO_FIRMWARE in str(error):
            pytest.skip("there is no UEFI here")
        raise
    first = domain.xml(inactive=True)
    again = host.domains.define(first).xml(inactive=True)
    assert again == first
    assert compared(devices_of(first)) == expected(name, images)


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_driver_does_not_do_it_names(name: str, host: Host, images: Path) -> None:
    with pytest.raises(VirtError, match=re.escape(REFUSED[name])):
        host.domains.define(document(name, images))


def is_sampled(name: str) -> bool:
    return ALL or zlib.crc32(name.encode()) % SAMPLE == 0


@pytest.mark.parametrize("name", [name for name in ACCEPTED if is_sampled(name) and name not in NOT_HERE])
def test_qemu_takes_it_and_waits(name: str, host: Host, images: Path) -> None:
    domain = host.domains.define(document(name, images))
    try:
        domain.start(paused=True)
    except VirtError as error:
        if name in MAYBE_HERE and MAYBE_HERE[name] in str(error):
            pytest.skip(str(error))
        raise
    assert domain.monitor_command({"execute": "query-status"})["return"]["status"] == "prelaunch"
    domain.destroy()


@pytest.mark.parametrize("name", NOT_HERE)
def test_what_a_machine_has_not_is_named(name: str, host: Host, images: Path) -> None:
    domain = host.domains.define(document(name, images))
    said = "it has it"
    try:
        domain.start(paused=True)
    except VirtError as error:
        said = str(error)
    assert re.search(f"^it has it$|{NOT_HERE[name]}", said)
