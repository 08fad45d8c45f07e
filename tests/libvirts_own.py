"""libvirt's own test driver, asked through libvirt-python in a process of its own: no daemon, nothing on the host."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from typing import Any

from lxml import etree

PYTHON = "/usr/bin/python3"
_BEGIN = """\
import json, sys, libvirt
libvirt.registerErrorHandler(lambda *_: None, None)
libvirt.virEventRegisterDefaultImpl()
host = libvirt.open("test:///default")
def outcome(function, *args):
    try:
        return ["ok", function(*args)]
    except libvirt.libvirtError as error:
        return ["error", error.get_error_code(), error.get_error_domain(), error.get_error_message()]
given = json.load(sys.stdin)
"""


@cache
def there() -> bool:
    """Whether libvirt-python is installed for the system's Python."""
    try:
        return subprocess.run([PYTHON, "-c", "import libvirt"], capture_output=True, timeout=30).returncode == 0
    except FileNotFoundError:
        return False


def ask(script: str, given: Any = None) -> Any:
    """Run a script that has ``host`` and ``given`` and leaves its answer in ``answer``."""
    done = subprocess.run(
        [PYTHON, "-c", f"{_BEGIN}{script}\njson.dump(answer, sys.stdout)"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def canonical(xml: str) -> str:
    """A document without the layout and with each element's attributes sorted, to be compared."""
    parser = etree.XMLParser(remove_blank_text=True)
    element = etree.fromstring(xml, parser)
    for each in element.iter():
        if each.text is not None and not each.text.strip():
            each.text = None
    return etree.tostring(element, method="c14n").decode()
