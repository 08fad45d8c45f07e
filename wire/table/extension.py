"""Rows of our own program: events that can be resumed.

``events_subscribe`` begins or resumes a subscription. A client that was here before gives the ``epoch`` and the last
``sequence`` that it saw; it then gets every event after that one that the daemon still has, and ``missed`` tells
whether there are some that it no longer has. An epoch is one life of a daemon. A subscriber that reads too slowly is
not sent what it cannot take: once it reads again it gets what the daemon still has, after an ``events_missed`` message
if that is not all. Each event comes as an ``event`` message that carries libvirt's message of procedure ``procedure``,
packed as that row packs it.
"""

from .rows import EXTENSION_PROGRAM, Family, Target

_session = Family(EXTENSION_PROGRAM, Target.SESSION)

EXTENSION_ROWS = (
    _session.query(
        1,
        "events_subscribe",
        "procedures: int[256], epoch: string?, after: uhyper",
        "epoch: string, sequence: uhyper, missed: bool",
        permission="connect:search-domains",
        commands=("event",),
        help="send the events of these message procedures (all when none is named), from where the caller stopped",
    ),
    _session.query(
        2,
        "events_unsubscribe",
        permission="connect:search-domains",
        commands=("event",),
        help="send no more events",
    ),
    _session.message(
        3,
        "event",
        "sequence: uhyper, when: double, procedure: int, payload: opaque[4194304]",
        permission="connect:search-domains",
        commands=("event",),
        help="one event: its number, its time in seconds since 1970, and libvirt's message",
    ),
    _session.message(
        4,
        "events_missed",
        "after: uhyper",
        permission="connect:search-domains",
        commands=("event",),
        help="events after that number are gone: the subscriber read too slowly",
    ),
)
