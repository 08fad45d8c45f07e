"""Where a daemon keeps its things; both ends must agree on the sockets' places.

=========  ======================  ===============================  ==============
part       root's daemon           a user's daemon                  ``--root DIR``
=========  ======================  ===============================  ==============
config     /etc/virtactor          $XDG_CONFIG_HOME/virtactor       DIR/etc
runtime    /run/virtactor          $XDG_RUNTIME_DIR/virtactor       DIR/run
state      /var/lib/virtactor      $XDG_DATA_HOME/virtactor         DIR/lib
cache      /var/cache/virtactor    $XDG_CACHE_HOME/virtactor        DIR/cache
log        /var/log/virtactor      $XDG_STATE_HOME/virtactor        DIR/log
=========  ======================  ===============================  ==============
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """The five directories of one daemon, and the sockets in them."""

    config: Path
    runtime: Path
    state: Path
    cache: Path
    log: Path

    @classmethod
    def system(cls) -> Paths:
        """Those of root's daemon, ``qemu:///system``."""
        return cls(
            Path("/etc/virtactor"),
            Path("/run/virtactor"),
            Path("/var/lib/virtactor"),
            Path("/var/cache/virtactor"),
            Path("/var/log/virtactor"),
        )

    @classmethod
    def session(cls, environ: Mapping[str, str], uid: int) -> Paths:
        """Those of a user's daemon, ``qemu:///session``, by the XDG base directories."""
        home = Path(environ.get("HOME", "/"))

        def directory(variable: str, fallback: Path) -> Path:
            return Path(environ.get(variable) or fallback) / "virtactor"

        return cls(
            directory("XDG_CONFIG_HOME", home / ".config"),
            directory("XDG_RUNTIME_DIR", Path(f"/run/user/{uid}")),
            directory("XDG_DATA_HOME", home / ".local/share"),
            directory("XDG_CACHE_HOME", home / ".cache"),
            directory("XDG_STATE_HOME", home / ".local/state"),
        )

    @classmethod
    def below(cls, root: Path) -> Paths:
        """Those of a daemon that keeps everything below one directory."""
        return cls(root / "etc", root / "run", root / "lib", root / "cache", root / "log")

    @property
    def socket(self) -> Path:
        return self.runtime / "virtactor.sock"

    @property
    def readonly_socket(self) -> Path:
        return self.runtime / "virtactor-ro.sock"

    @property
    def libvirts(self) -> Path:
        """The directory where libvirtd would have its sockets in our place."""
        runtime = self.runtime
        return (runtime.parent if runtime.name == "virtactor" else runtime) / "libvirt"

    def all(self) -> tuple[Path, ...]:
        return (self.config, self.runtime, self.state, self.cache, self.log)
