"""What the qemu driver adds to a document that says as little as it may, beside what libvirtd adds to the same.

`tests/system/corpus/minimal.py` has the documents, `minimal.jsonl` libvirtd's answers. What differs is told here, with
its reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from virtactor.client import Host, VirtError

from .corpus.digest import devices_of
from .corpus.minimal import documents

# What libvirtd takes when it defines a domain, and at the latest fails with when that starts: it is refused at once
# here. By a pattern of the documents' names.
REFUSED: Mapping[str, str] = {
    r"disk (?!empty floppy|floppy).* (on xen|xvda|ubda)": "QEMU's machines have no bus of Xen's or of UML's",
    r"disk .* on sd": "the machines have no cards of memory",
    r"disk( empty)? cdrom (on fdc|fda)": "a floppy's controller reads no cdroms",
    r"disk lun (on virtio|vda)": "QEMU passes no SCSI commands through virtio-blk any more",
    r"controller ide (piix4|ich6)": "a pc has a piix3",
    r"controller scsi ibmvscsi": "POWER's",
    r"controller usb vt82c686b-uhci": "QEMU's for x86 has none",
    r"(serial|parallel|console|channel|redirdev|smartcard|rng egd)( virtio)? nmdm": "FreeBSD's",
    r"(serial|parallel|console|redirdev|smartcard|rng egd)( virtio)? qemu-vdagent": "an agent speaks through a channel",
    r"(redirdev|smartcard|rng egd) dbus": "what is lent comes over a connection",
    r"rng egd (pty|null|vc|stdio)": "a server of randomness is connected to",
    r"serial target system-serial": "ARM's",
    r"interface (ethernet|null)": "networks come later",
    r"interface model (82540em|igb|nonsense|netfront)": "QEMU has no such card",
    r"graphics sdl": "a daemon has no screen",
    r"graphics dbus": "nobody starts a bus for the guest",
    r"graphics vnc on a network": "networks come later",
    r"graphics vnc twice": "QEMU's start fails",
    r"graphics spice in secret|graphics spice with a secret channel": "no certificates",
    r"vsock virtio-(non-)?transitional": "QEMU has no such device",
}
# What is taken here, and not by libvirt 9.0.
TAKEN: Mapping[str, str] = {
    r"controller pci( (pci|dmi|pcie)-.*)?": "a bridge without a number gets a free one, not the root's",
    r"shmem doorbell": "where its server listens need not be said",
    r"panic pvpanic": "later libvirts have it",
    r"watchdog itco": "later libvirts have it",
}
# What is made otherwise.
DIFFERENT: Mapping[str, str] = {
    r"controller usb ich9-ehci1": "a lone function 7 is one that no guest finds",
    r"serial on pci and a console": "a console has no address of its port's",
    r"crypto": "libvirt 9.0 forgets it",
}
# libvirt leaves the port of a virtio console to QEMU, which counts as we do.
PORT = re.compile(r"(?<=^console) address/bus=0 address/controller=0 address/port=\d+ address/type=virtio-serial")


def answers() -> dict[str, dict[str, object]]:
    table, *lines = map(json.loads, (Path(__file__).parent / "corpus/minimal.jsonl").read_text().splitlines())
    for line in lines:
        if "devices" in line:
            line["devices"] = [table[number] for number in line["devices"]]
    return {line["name"]: line for line in lines}


ANSWERS = answers()
DOCUMENTS = dict(documents())
KINDS = sorted({" ".join(name.split()[:2]) for name in DOCUMENTS})


def reason(name: str, reasons: Mapping[str, str]) -> str | None:
    """Why a document's answer may be another, by its name without the machine."""
    words = name.split(" ", 1)[1].strip()
    return next((why for pattern, why in reasons.items() if re.fullmatch(pattern, words)), None)


def test_every_document_has_been_asked_about() -> None:
    assert ANSWERS.keys() == DOCUMENTS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_added_is_what_libvirt_adds(kind: str, host: Host) -> None:
    unlike = []
    for name in (name for name in DOCUMENTS if " ".join(name.split()[:2]) == kind):
        theirs, ours = ANSWERS[name].get("devices"), made(host, DOCUMENTS[name])
        if isinstance(ours, str) == (theirs is None):
            table, same = DIFFERENT, isinstance(ours, str) or ours == compared(theirs)
        else:
            table, same = (REFUSED if theirs is not None else TAKEN), False
        if same == (reason(name, table) is not None):
            unlike.append((name, theirs or ANSWERS[name]["error"], ours))
    assert unlike == []


def made(host: Host, document: str) -> list[str] | str:
    """Our devices, or the error."""
    try:
        domain = host.domains.define(document)
    except VirtError as error:
        return str(error)
    return compared(devices_of(domain.xml(inactive=True)))


def compared(devices: object) -> list[str]:
    assert isinstance(devices, list)
    return sorted(PORT.sub("", each) for each in devices)


@pytest.mark.parametrize("table", [REFUSED, TAKEN, DIFFERENT], ids=["refused", "taken", "different"])
def test_every_reason_is_of_some_document(table: Mapping[str, str]) -> None:
    words = [name.split(" ", 1)[1].strip() for name in DOCUMENTS]
    assert [pattern for pattern in table if not any(re.fullmatch(pattern, name) for name in words)] == []
