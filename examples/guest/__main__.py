"""`python -m examples.guest` builds the small guest, and the one with an agent, unless they are there already."""

import sys

from .agent import load_with_agent
from .build import BuildFailed

try:
    load_with_agent()
except BuildFailed as failure:
    sys.exit(f"The small guest was not built: {failure}")
