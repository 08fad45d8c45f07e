"""The domain itself: what its methods are made of, and its parts."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ...wire.enums.domain import DomainState
from .life import Life
from .saving import Saving
from .state import State
from .talking import Talking

if TYPE_CHECKING:
    from ..backup import Backup
    from ..snapshots import Checkpoints, Snapshots
    from .agent import Agent
    from .devices import Devices
    from .disks import Disks
    from .iothreads import IOThreads
    from .jobs import Job
    from .memory import Memory
    from .metadata import Metadata
    from .migration import Migration
    from .nics import Nics
    from .security import Security
    from .tuning import Tuning
    from .vcpus import Vcpus


class Domain(Life, State, Saving, Talking):
    """A guest on a host, found or made through ``host.domains``.

    It stands for the domain by its UUID: two Domain values are equal when their UUIDs are, and one stays usable over
    reconnects and over stops and starts of the guest. Safe to use from any number of threads. Every method takes
    ``deadline``, seconds for the whole call (None: that of the connection); when it passes OperationTimeout is raised,
    naming what held the domain where the daemon knows. A domain that is gone raises NoDomain.

    Methods that change a definition take ``live`` (the running guest), ``config`` (what the next start uses) or both;
    without either they change what is there: the guest where it runs, else the definition.
    """

    __slots__ = ()

    @property
    def memory(self) -> Memory:
        """Its memory: sizes, statistics, limits, NUMA placement."""
        from .memory import Memory

        return Memory(self)

    @property
    def vcpus(self) -> Vcpus:
        """Its processors: how many, where they run, what they used."""
        from .vcpus import Vcpus

        return Vcpus(self)

    @property
    def iothreads(self) -> IOThreads:
        """The threads that serve its disks."""
        from .iothreads import IOThreads

        return IOThreads(self)

    @property
    def tuning(self) -> Tuning:
        """Its scheduler's, block layer's and performance counters' parameters."""
        from .tuning import Tuning

        return Tuning(self)

    @property
    def disks(self) -> Disks:
        """Its disks, by target name or path: ``guest.disks["vda"]``."""
        from .disks import Disks

        return Disks(self)

    @property
    def nics(self) -> Nics:
        """Its network interfaces, by target name or MAC address: ``guest.nics["vnet0"]``."""
        from .nics import Nics

        return Nics(self)

    @property
    def devices(self) -> Devices:
        """Its devices of every kind: attaching, detaching, updating them by XML."""
        from .devices import Devices

        return Devices(self)

    @property
    def agent(self) -> Agent:
        """The agent inside the guest: its time, file systems, users, keys."""
        from .agent import Agent

        return Agent(self)

    @property
    def metadata(self) -> Metadata:
        """Its title, description, and what others keep with its definition."""
        from .metadata import Metadata

        return Metadata(self)

    @property
    def job(self) -> Job:
        """The long operation that it is in, or was in last."""
        from .jobs import Job

        return Job(self)

    @property
    def migration(self) -> Migration:
        """Moving it to another host."""
        from .migration import Migration

        return Migration(self)

    @property
    def security(self) -> Security:
        """Its security labels and the state of a confidential guest."""
        from .security import Security

        return Security(self)

    @property
    def snapshots(self) -> Snapshots:
        """What it was, kept: ``guest.snapshots["before"]``."""
        from ..snapshots import Snapshots

        return Snapshots(self)

    @property
    def checkpoints(self) -> Checkpoints:
        """From when on changes of its disks are followed."""
        from ..snapshots import Checkpoints

        return Checkpoints(self)

    @property
    def backup(self) -> Backup:
        """Copying its disks, or what changed in them, while it runs."""
        from ..backup import Backup

        return Backup(self)

    def abort_job(self, *, deadline: float | None = None) -> None:
        """End the job that holds the domain; its caller gets OperationAborted (virDomainAbortJob)."""
        self.job.abort(deadline=deadline)

    def wait(self, state: DomainState | Collection[DomainState], deadline: float | None = None) -> DomainState:
        """Block until the domain is in ``state`` (or one of several) and return that one; no polling.

        A guest that passes through the state while we wait counts as having been there; a transient guest that is
        gone counts as SHUTOFF. Raises OperationTimeout after ``deadline`` seconds, NoDomain when the domain is gone
        and another state was wanted.
        """
        # Imported here because events, which waiting needs, carry domains.
        from ..states import wait_for_state

        return wait_for_state(self._session, self, state, deadline)
