"""A small real Linux guest for tests, benchmarks and the demo: Debian's cloud kernel, busybox and a few drivers.

    guest = guest.load()                       # built when it is not there yet, then some milliseconds
    guest.kernel, guest.initrd                 # for <kernel> and <initrd>
    guest.cmdline_for("web-1")                 # for <cmdline>

It needs 96 MiB of memory and no disk, boots in about 2 s without KVM, prints `boot_line("web-1")` on its serial
console, powers off when its power button is pressed, and has a shell on the console. Its drivers: virtio block,
network, console (the agent's channel too), rng, balloon, memory, pvpanic, and ata_piix when the command line says
`modules=ata_piix,sd_mod,sr_mod`. Machines: pc, q35, and microvm with ACPI off (Linux finds no timer under TCG
otherwise), which then has neither a power button nor virtio devices.

`load_with_agent()` is the same guest with QEMU's guest agent in it.
"""

from .agent import load_with_agent
from .build import BuildFailed, Guest, boot_line, load

__all__ = ["BuildFailed", "Guest", "boot_line", "load", "load_with_agent"]
