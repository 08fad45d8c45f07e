"""Where the qemu driver keeps what, below its daemon's directories.

=============================  =====================================================================
etc/qemu/NAME.xml              the persistent definition
etc/qemu/autostart/NAME.xml    a link to it, when it starts with the daemon
run/qemu/UUID.status           a running guest, for the next daemon (status.py)
run/qemu/UUID.monitor          its QMP socket
run/qemu/UUID.pid              its pid, written by QEMU; the path also marks the process as ours
run/qemu/UUID.groups           the control groups that were made for it
run/qemu/UUID.agent-N          the sockets of its channels
run/qemu/UUID.*                whatever else a guest has while it runs: it goes with the guest
run/qemu/UUID.companion-ALIAS  the sockets of programs that serve its devices
run/qemu/UUID.overlays         where the overlays of its transient disks are (overlays.py)
run/qemu/UUID.display          where its display listens, if that is a socket without a path of its own
lib/qemu/tpm/UUID              what its emulated TPM remembers
run/qemu/autostarted           the boot of the host in which marked domains have been started
lib/qemu/nvram/NAME_VARS.fd    the variables of its UEFI, made from a template at its first start
lib/qemu/save/NAME.save        the guest as it was saved, for its next start; NAME.save.*.part until it is whole
lib/qemu/dump                  what automatic_dumps.py has dumped; *.part until it is whole
lib/qemu/ram                   where files for guests' memory are, without names
log/qemu/NAME.log              QEMU's own output, NAME.log.N what was before it (guest_logs.py)
=============================  =====================================================================
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from ....wire.paths import Paths
from .cgroups import GuestGroups
from .images import PART
from .overlays import remove_overlays

UUID_FILE = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.")
STATUS = ".status"
GROUPS = ".groups"
DAMAGED = ".damaged"


@dataclass(frozen=True, slots=True)
class QemuFiles:
    """The driver's directories; methods give the places of one domain's files (``uuid`` in its usual text form)."""

    config: Path
    autostart: Path
    run: Path
    log: Path
    cache: Path
    nvram: Path
    memory: Path
    save: Path
    dumps: Path
    tpms: Path

    @classmethod
    def below(cls, paths: Paths) -> QemuFiles:
        config = paths.config / "qemu"
        state = paths.state / "qemu"
        return cls(
            config,
            config / "autostart",
            paths.runtime / "qemu",
            paths.log / "qemu",
            paths.cache / "qemu",
            state / "nvram",
            state / "ram",
            state / "save",
            state / "dump",
            state / "tpm",
        )

    def make(self) -> None:
        for directory in (
            self.config,
            self.autostart,
            self.run,
            self.log,
            self.cache,
            self.nvram,
            self.memory,
            self.save,
            self.dumps,
            self.tpms,
        ):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def definition(self, name: str) -> Path:
        return self.config / f"{name}.xml"

    def autostart_link(self, name: str) -> Path:
        return self.autostart / f"{name}.xml"

    def status(self, uuid: str) -> Path:
        return self.run / f"{uuid}.status"

    def monitor(self, uuid: str) -> Path:
        return self.run / f"{uuid}.monitor"

    def pid(self, uuid: str) -> Path:
        return self.run / f"{uuid}.pid"

    def groups(self, uuid: str) -> GuestGroups:
        """The control groups of a guest, made or not."""
        return GuestGroups(self.run / f"{uuid}{GROUPS}", f"virtactor-{uuid}")

    def agent(self, uuid: str, number: int) -> Path:
        return self.run / f"{uuid}.agent-{number}"

    def companion(self, uuid: str, alias: str) -> Path:
        """The socket of the program that serves a device."""
        return self.run / f"{uuid}.companion-{alias}"

    def display(self, uuid: str) -> Path:
        """The socket of a display that does not say where it listens."""
        return self.run / f"{uuid}.display"

    def overlays(self, uuid: str) -> Path:
        """What says where the overlays of a guest's transient disks are."""
        return self.run / f"{uuid}.overlays"

    def tpm(self, uuid: str) -> Path:
        """Where a guest's emulated TPM keeps itself."""
        return self.tpms / uuid

    def tpm_states(self) -> set[str]:
        """The UUIDs of all whose TPM has something to remember."""
        return {path.name for path in self.tpms.iterdir()}

    def managed_save(self, name: str) -> Path:
        return self.save / f"{name}.save"

    def guest_log(self, name: str) -> Path:
        return self.log / f"{name}.log"

    def definitions(self) -> Iterator[Path]:
        return iter(sorted(self.config.glob("*.xml")))

    def statuses(self) -> Iterator[Path]:
        return iter(sorted(self.run.glob("*.status")))

    def uuids_in_run(self) -> set[str]:
        """The UUIDs of domains that have something in the run directory beside a status file."""
        found = (UUID_FILE.match(path.name) for path in self.run.iterdir() if path.suffix != STATUS)
        return {match[1] for match in found if match}

    def damaged_statuses(self) -> set[str]:
        """The UUIDs of domains whose status file was damaged while their guest ran."""
        return {path.name.removesuffix(f"{STATUS}{DAMAGED}") for path in self.run.glob(f"*{STATUS}{DAMAGED}")}

    def remove_leftovers(self, uuid: str) -> bool:
        """Remove what a guest that has ended leaves: its files in the run directory, but for its status, and what they
        speak of. False when the kernel does not let go of its control groups yet: their note stays.
        """
        free = self.groups(uuid).remove()
        kept = {STATUS} if free else {STATUS, GROUPS}
        remove_overlays(self.overlays(uuid))
        for path in self.run.glob(f"{uuid}.*"):
            if path.suffix not in kept:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
        return free

    def remove_marks_of_nothing(self) -> list[str]:
        """Remove autostart marks whose definitions are not there; the names of their domains.

        A definition that is made anew under such a name would otherwise be marked without anybody's wish.
        """
        found = [link for link in self.autostart.glob("*.xml") if link.is_symlink() and not link.exists()]
        for link in found:
            link.unlink(missing_ok=True)
        return [link.stem for link in found]

    def remove_parts_of_images(self) -> None:
        """Remove what is left of saves and dumps that were not finished."""
        for folder in (self.save, self.dumps):
            for path in folder.glob(f"*{PART}"):
                path.unlink(missing_ok=True)

    def images_of_nobody(self, names: Set[str]) -> Iterator[Path]:
        """Saved guests of which there is no definition: one that is made anew must not be started from them."""
        return (path for path in self.save.glob("*.save") if path.stem not in names)

    def set_aside(self, path: Path) -> Path:
        """Rename a damaged file so that the others can be loaded and somebody can look at it."""
        aside = path.with_name(f"{path.name}{DAMAGED}")
        path.replace(aside)
        return aside
