"""libvirt-python of the system, inside this environment: it is compiled for one Python and not on PyPI as a wheel."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest

WHERE = "/usr/lib/python3/dist-packages"
"""Where Debian's python3-libvirt is."""


def import_libvirt() -> Any:
    """The module ``libvirt``, which does not print errors. Skips where it is not installed or is another Python's."""
    sys.path.append(WHERE)
    try:
        libvirt = importlib.import_module("libvirt")
    except ImportError as error:
        pytest.skip(f"no libvirt-python (Debian: python3-libvirt): {error}")
    finally:
        sys.path.remove(WHERE)
    libvirt.registerErrorHandler(lambda *_: None, None)
    return libvirt
