"""``python -m virtactor.client.shell``: the command `virtactor`."""

import sys

from . import main

sys.exit(main())
