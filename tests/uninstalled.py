"""Makes a folder at the root importable that is not installed, by its own name.

Its parent must not be on the path for that: there ``client`` and ``wire`` would be found by names that nobody imports
them by.
"""

import importlib.util
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def make_importable(name: str) -> None:
    """Import the package ``name`` from the root of the repository, unless it has been."""
    if name in sys.modules:
        return
    folder = REPOSITORY / name
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
