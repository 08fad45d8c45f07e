"""The architectures that libvirt has names for."""

from __future__ import annotations

_NAMES = """
alpha armv6l armv7l armv7b aarch64 cris i686 ia64 lm32 loongarch64 m68k microblaze microblazeel mips mipsel mips64
mips64el openrisc parisc parisc64 ppc ppc64 ppc64le ppcemb riscv32 riscv64 s390 s390x sh4 sh4eb sparc sparc64 unicore32
x86_64 xtensa xtensaeb
"""
ARCHITECTURES = frozenset(_NAMES.split())
X86 = frozenset({"x86_64", "i686"})


def same_family(one: str, other: str) -> bool:
    """Whether what is said of processors of one architecture holds for the other: 32 and 64 bit x86 are one family."""
    return one == other or {one, other} <= X86
