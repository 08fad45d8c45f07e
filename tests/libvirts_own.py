"""libvirt's own test driver and ours, asked by the same script through libvirt-python, in a process of its own.

libvirt's driver runs inside that process: no daemon, nothing on the host.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from typing import Any

from lxml import etree

# Where the words behind these differ: libvirt names its function, and by what it looked for an object.
_WORDING = re.compile(r"unsupported flags \(0x[0-9a-f]+\)|.* not found: no .* with matching")
PYTHON = "/usr/bin/python3"
_BEGIN = """\
import json, sys, libvirt
libvirt.registerErrorHandler(lambda *_: None, None)
libvirt.virEventRegisterDefaultImpl()
host = libvirt.open(sys.argv[1])
events = []

def outcome(function, *args):
    try:
        found = function(*args)
    except libvirt.libvirtError as error:
        return ["error", error.get_error_code(), error.get_error_domain(), error.get_error_message()]
    return ["ok", found.name() if hasattr(found, "name") else found]

def told(wanted):
    '''The events that came, waiting until there are that many.'''
    libvirt.virEventAddTimeout(100, lambda *_: None, None)
    turns = 0
    while len(events) < wanted and turns < 50:
        libvirt.virEventRunDefaultImpl()
        turns += 1
    found = events[:]
    events.clear()
    return found

given = json.load(sys.stdin)
"""


@cache
def there() -> bool:
    """Whether libvirt-python is installed for the system's Python."""
    try:
        return subprocess.run([PYTHON, "-c", "import libvirt"], capture_output=True, timeout=120).returncode == 0
    except FileNotFoundError:
        return False


def ask(script: str, given: Any = None, uri: str = "test:///default") -> Any:
    """Run a script that has ``host`` (a connection to ``uri``) and ``given`` and leaves its answer in ``answer``."""
    done = subprocess.run(
        [PYTHON, "-c", f"{_BEGIN}{script}\njson.dump(answer, sys.stdout)", uri],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def canonical(xml: str) -> str:
    """A document without its layout and with each element's attributes sorted, to be compared."""
    element = etree.fromstring(xml, etree.XMLParser(remove_blank_text=True))
    for each in element.iter():
        if each.text is not None and not each.text.strip():
            each.text = None
    return etree.tostring(element, method="c14n").decode()


def comparable(answer: Any) -> Any:
    """An answer with every document in it made canonical."""
    if isinstance(answer, list):
        return [comparable(each) for each in answer]
    if isinstance(answer, str) and (match := _WORDING.search(answer)):
        return match[0]
    if isinstance(answer, dict):
        return {key: comparable(value) for key, value in answer.items()}
    return canonical(answer) if isinstance(answer, str) and answer.startswith("<") else answer
