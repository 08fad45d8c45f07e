"""Make the corpus anew: documents of virt-install's, and what a real libvirtd makes of each.

    sudo .venv/bin/python -m tests.system.corpus.make_corpus

It needs virt-install and a libvirtd with QEMU (tests/libvirtd.py starts one that is private); it uses no network and
leaves nothing. What it writes, documents.jsonl, is what the tests read: they need neither.
"""

from __future__ import annotations

import concurrent.futures
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from ...libvirtd import Libvirtd, why_not
from .digest import devices_of
from .images import make_images
from .recipes import recipes

IMAGES = Path("/tmp/virtactor-corpus")
CORPUS = Path(__file__).with_name("documents.jsonl")
NAMESPACE = uuid.UUID("8d1a4a0e-2b5d-4a1c-9a53-0f3f6a1f0b11")
PATIENCE = 120.0  # seconds

_MAC = re.compile(r"52:54:00(:[0-9a-f]{2}){3}")
_BETWEEN = re.compile(r">\s+<")


def main() -> int:
    if reason := why_not():
        sys.exit(reason)
    root = Path(tempfile.mkdtemp(prefix="vc", dir="/tmp"))
    daemon = Libvirtd(root)
    make_images(IMAGES)
    try:
        daemon.start()
        uri = daemon.uri("qemu")
        first, *others = recipes()
        # The first one makes libvirtd know the images' folder; all at once would, and only one may.
        made = [make(uri, *first)]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            made += pool.map(lambda recipe: make(uri, *recipe), others)
    finally:
        daemon.stop()
        shutil.rmtree(root)
        shutil.rmtree(IMAGES)
    entries = [entry for entry in made if isinstance(entry, dict)]
    for complaint in made:
        if isinstance(complaint, str):
            print(complaint, file=sys.stderr)
    CORPUS.write_text(written(entries))
    print(f"{len(entries)} documents of {len(made)} recipes")
    return 0


def written(entries: list[dict[str, Any]]) -> str:
    """The corpus as lines: all devices that any entry has, then the entries, which say the numbers of theirs."""
    devices = sorted({device for entry in entries for device in entry.get("devices", ())})
    numbers = {device: number for number, device in enumerate(devices)}
    lines: list[Any] = [devices]
    for entry in entries:
        own = {"devices": [numbers[device] for device in entry["devices"]]} if "devices" in entry else {}
        lines.append(entry | own)
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def make(uri: str, name: str, options: str) -> dict[str, Any] | str:
    """One entry of the corpus, or why there is none."""
    called = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
    words = shlex.split(options.replace("{images}", str(IMAGES)))
    identity = str(uuid.uuid5(NAMESPACE, called))
    usual = ["--name", called, "--uuid", identity, "--virt-type", "qemu", "--noautoconsole"]
    command = ["virt-install", "--connect", uri, "--print-xml", "--dry-run", "--check", "all=off", *usual, *words]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"{name}: virt-install took too long"
    if told.returncode:
        return f"{name}: {told.stderr.strip().splitlines()[-1:]}"
    document = plain(last_document(told.stdout))
    entry: dict[str, Any] = {"name": name, "options": options, "document": document.replace(str(IMAGES), "{images}")}
    libvirts = defined(uri, called, document)
    if libvirts.startswith("error"):
        return entry | {"error": libvirts.removeprefix("error: ")}
    return entry | {"devices": [each.replace(str(IMAGES), "{images}") for each in devices_of(libvirts)]}


def last_document(text: str) -> str:
    """Of several steps of an installation the last: the guest as it stays."""
    return "<domain" + text.rpartition("<domain ")[2].join([" ", ""])


def plain(document: str) -> str:
    """A document without layout, its cards' addresses counted up instead of drawn by lot."""
    numbers = iter(range(1, 256))
    document = _MAC.sub(lambda match: f"52:54:00:00:00:{next(numbers):02x}", document)
    return _BETWEEN.sub("><", document).strip()


def defined(uri: str, name: str, document: str) -> str:
    """What libvirtd shows of a document that it has been given, or its error."""
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(document)
        file.flush()
        answer = virsh(uri, "define", file.name)
        if answer.returncode:
            return "error: " + answer.stderr.strip().splitlines()[-1].removeprefix("error: ")
    shown = virsh(uri, "dumpxml", "--inactive", name)
    virsh(uri, "undefine", "--nvram", name)
    return shown.stdout


def virsh(uri: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["virsh", "-q", "-c", uri, *words], capture_output=True, text=True, timeout=PATIENCE)


if __name__ == "__main__":
    sys.exit(main())
