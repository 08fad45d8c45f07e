"""Start a guest from each definition, all at once, wait until each has said a text on its console, shut them down.

    python examples/drive_guests.py "login:" guests/*.xml

The host is the one that $VIRTACTOR_DEFAULT_URI names, else this machine's daemon.
"""

import sys
from pathlib import Path

from virtactor.client import DomainState, connect

text, *files = sys.argv[1:]
definitions = [Path(file).read_text() for file in files]

with connect() as host:
    guests = host.domains.start_all(definitions, paused=True, autodestroy=True).raise_for_failures().domains.values()
    # Opened while they are paused, so none of their words is missed.
    consoles = {guest: guest.open_console() for guest in guests}
    for guest in guests:
        guest.resume()
    for guest, console in consoles.items():
        console.wait_for(text, timeout=60)
        print(f"{guest.name} is up")
        guest.shutdown()
    host.domains.wait(guests, DomainState.SHUTOFF, deadline=60).raise_for_failures()
