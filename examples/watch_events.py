"""Print what happens to the guests of a host, from now on until ^C.

    python examples/watch_events.py [URI]

It may be left running: when the daemon goes away and comes back, it goes on where it stopped.
"""

import contextlib
import sys

from virtactor.client import EventsMissed, connect

with contextlib.suppress(KeyboardInterrupt), connect(*sys.argv[1:2]) as host, host.events() as events:
    print(f"watching {host.uri}", flush=True)
    for event in events:
        when = "" if isinstance(event, EventsMissed) else f"{event.when.astimezone():%H:%M:%S} "
        print(f"{when}{event}", flush=True)
