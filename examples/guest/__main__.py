"""`python -m examples.guest` builds the small guest unless it is there already."""

import sys

from .build import BuildFailed, load

try:
    load()
except BuildFailed as failure:
    sys.exit(f"The small guest was not built: {failure}")
