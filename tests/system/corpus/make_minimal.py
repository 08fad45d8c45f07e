"""Ask a real libvirtd what it makes of the minimal documents; what it says is minimal.jsonl, which the tests read.

sudo .venv/bin/python -m tests.system.corpus.make_minimal
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from ...libvirtd import Libvirtd, why_not
from .digest import devices_of
from .make_corpus import defined, written
from .minimal import documents

ANSWERS = Path(__file__).with_name("minimal.jsonl")
NAME = "minimal"


def main() -> int:
    if reason := why_not():
        sys.exit(reason)
    root = Path(tempfile.mkdtemp(prefix="vc", dir="/tmp"))
    daemon = Libvirtd(root)
    try:
        daemon.start()
        entries = [answer(daemon.uri("qemu"), name, document) for name, document in documents()]
    finally:
        daemon.stop()
        shutil.rmtree(root)
    ANSWERS.write_text(written(entries))
    print(f"{len(entries)} documents, {sum('error' in entry for entry in entries)} of them refused")
    return 0


def answer(uri: str, name: str, document: str) -> dict[str, object]:
    """What libvirtd says to one document."""
    libvirts = defined(uri, NAME, document)
    if libvirts.startswith("error"):
        return {"name": name, "error": libvirts.removeprefix("error: ")}
    return {"name": name, "devices": devices_of(libvirts)}


if __name__ == "__main__":
    sys.exit(main())
