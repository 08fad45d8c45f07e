"""Which accelerators really run guests: a tiny guest is run and has to say the right word.

That /dev/kvm opens and QEMU accepts ``-accel kvm`` proves little. Under some hypervisors 16-bit code runs and the step
into long mode aborts QEMU, or spins, or goes on with every instruction interpreted: a Linux that boots in a second
takes minutes. So the proof is a ROM that takes this step, counts down from 20 million, and leaves through QEMU's
isa-debug-exit device with a number that only 64-bit code can have computed. The image reaches QEMU as an anonymous
file.

Rejected: KVM_CHECK_EXTENSION and the processor's flags (both are fine on machines where guests do not run), and a tiny
kernel by ``-kernel`` (it would run an option ROM and SeaBIOS first, for tens of milliseconds more).
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ....wire.errors import VirtError
from ...commands import Exit, allowed_environment, mortal
from .process import Launch, spawn

logger = logging.getLogger("virtactor.qemu.accelerator")

KVM_DEVICE = "/dev/kvm"
PATIENCE = 1.5  # seconds; TCG needs 0.05, a KVM that works less
ROM_SIZE = 64 * 1024  # what -bios takes is a multiple of this
EXPECTED = Exit(code=33)  # isa-debug-exit leaves with twice the number plus one

_PORT = 0xF4
_CODE_AT = 0xFF00  # offset of the code in the ROM, which ends at 1 MiB, so its address is 0xfff00
_RESET_AT = 0xFFF0

# fmt: off
_LONG_MODE = b"".join((
    # 16 bits, reached by the reset vector as f000:ff00. The RAM is zero and ds is 0.
    b"\xfa",                                      # 00  cli
    b"\x66\xc7\x06\x00\x10\x03\x20\x00\x00",      # 01  mov dword [0x1000], 0x2003      level 4: table at 0x2000
    b"\x66\xc7\x06\x00\x20\x03\x30\x00\x00",      # 0a  mov dword [0x2000], 0x3003      level 3: table at 0x3000
    b"\x66\xc7\x06\x00\x30\x83\x00\x00\x00",      # 13  mov dword [0x3000], 0x83        level 2: a page of 2 MiB at 0
    b"\x2e\x66\x0f\x01\x16\x88\xff",              # 1c  o32 lgdt [cs:0xff88]
    b"\x66\xb8\x20\x00\x00\x00",                  # 23  mov eax, 0x20
    b"\x0f\x22\xe0",                              # 29  mov cr4, eax                    PAE
    b"\x66\xb8\x00\x10\x00\x00",                  # 2c  mov eax, 0x1000
    b"\x0f\x22\xd8",                              # 32  mov cr3, eax
    b"\x66\xb9\x80\x00\x00\xc0",                  # 35  mov ecx, 0xc0000080             EFER
    b"\x0f\x32",                                  # 3b  rdmsr
    b"\x0d\x00\x01",                              # 3d  or ax, 0x100                    long mode enable
    b"\x0f\x30",                                  # 40  wrmsr
    b"\x0f\x20\xc0",                              # 42  mov eax, cr0
    b"\x66\x0d\x01\x00\x00\x80",                  # 45  or eax, 0x80000001              protection and paging at once
    b"\x0f\x22\xc0",                              # 4b  mov cr0, eax
    b"\x66\xea\x56\xff\x0f\x00\x08\x00",          # 4e  jmp dword 8:0xfff56
    # 64 bits. First work that takes a processor some 10 ms, and an interpreting hypervisor half a minute.
    b"\xb9\x00\x2d\x31\x01",                      # 56  mov ecx, 20000000
    b"\xff\xc9",                                  # 5b  dec ecx
    b"\x75\xfc",                                  # 5d  jnz 5b
    # Where this is not 64-bit code the number ends up as something else: 48 would be dec eax.
    b"\x48\xb8\x00\x00\x00\x00\x10\x00\x00\x00",  # 5f  mov rax, 0x1000000000
    b"\x48\xc1\xe8\x20",                          # 69  shr rax, 32
    b"\x66\xba\xf4\x00",                          # 6d  mov dx, 0xf4
    b"\xee",                                      # 71  out dx, al
    b"\xf4",                                      # 72  hlt
    b"\xeb\xfd",                                  # 73  jmp 72
    b"\x00\x00\x00",                              # 75
    # The GDT. The code segment is already marked accessed: nobody can mark it in a ROM.
    b"\x00\x00\x00\x00\x00\x00\x00\x00",          # 78  null
    b"\x00\x00\x00\x00\x00\x9b\x20\x00",          # 80  code, 64 bits, ring 0
    b"\x0f\x00\x78\xff\x0f\x00",                  # 88  limit 15, base 0xfff78
))
# The same for QEMUs that have no long mode.
_PROTECTED_MODE = b"".join((
    b"\xfa",                                      # 00  cli
    b"\x2e\x66\x0f\x01\x16\x40\xff",              # 01  o32 lgdt [cs:0xff40]
    b"\x0f\x20\xc0",                              # 08  mov eax, cr0
    b"\x0c\x01",                                  # 0b  or al, 1                        protection
    b"\x0f\x22\xc0",                              # 0d  mov cr0, eax
    b"\x66\xea\x18\xff\x0f\x00\x08\x00",          # 10  jmp dword 8:0xfff18
    # 32 bits.
    b"\xb9\x00\x2d\x31\x01",                      # 18  mov ecx, 20000000
    b"\x49",                                      # 1d  dec ecx
    b"\x75\xfd",                                  # 1e  jnz 1d
    b"\xb8\x00\x00\x10\x00",                      # 20  mov eax, 0x100000
    b"\xc1\xe8\x10",                              # 25  shr eax, 16
    b"\x66\xba\xf4\x00",                          # 28  mov dx, 0xf4
    b"\xee",                                      # 2c  out dx, al
    b"\xf4",                                      # 2d  hlt
    b"\xeb\xfd",                                  # 2e  jmp 2d
    b"\x00\x00\x00\x00\x00\x00\x00\x00",          # 30  null
    b"\xff\xff\x00\x00\x00\x9b\xcf\x00",          # 38  code, 32 bits, ring 0, 4 GiB
    b"\x0f\x00\x30\xff\x0f\x00",                  # 40  limit 15, base 0xfff30
))
_CODE = {"x86_64": _LONG_MODE, "i686": _PROTECTED_MODE}
_RESET = b"\xea\x00\xff\x00\xf0"                  # jmp 0xf000:0xff00
# fmt: on


async def kvm_works(binary: str, arch: str = "x86_64", machine: str = "pc", *, device: str = KVM_DEVICE) -> bool:
    """Whether this QEMU runs guests by KVM, on this host, for this user; takes at most PATIENCE seconds.

    ``arch`` is what it emulates, by libvirt's name, ``machine`` any machine with an ISA bus that it has. Always False
    for what is not x86: there is no proof. Capabilities keep the answer.
    """
    if arch not in _CODE or not os.access(device, os.R_OK | os.W_OK):
        return False
    # What a "host" processor has is what a type='kvm' guest gets. A triple fault ends QEMU instead of going round.
    return await runs_guests(binary, "kvm", "-machine", machine, "-cpu", "host", arch=arch)


async def runs_guests(
    binary: str, accelerator: str, *options: str, arch: str = "x86_64", patience: float = PATIENCE
) -> bool:
    """Whether the tiny guest leaves as it should within ``patience`` seconds; its QEMU is gone afterwards."""
    with _image(arch) as rom:
        argv = mortal([binary, *_ARGUMENTS, "-accel", accelerator, "-bios", f"/dev/fd/{rom}", *options])
        try:
            process = await spawn(Launch(argv, Path(os.devnull), allowed_environment(), fds=(rom,)))
        except VirtError as error:
            logger.warning("%s cannot be tried: %s", binary, error)
            return False
    try:
        # A QEMU that aborts must not leave its memory in a file.
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
        async with asyncio.timeout(patience):
            ended = await process.wait()
    except TimeoutError:
        logger.info(
            "%s: a guest by %s does not get through its few instructions within %g s", binary, accelerator, patience
        )
        return False
    except ProcessLookupError:
        ended = await process.wait()
    finally:
        if process.exit is None:
            await process.kill(grace=0)
    logger.info("%s: a guest by %s %s", binary, accelerator, ended)
    return ended == EXPECTED


_ARGUMENTS = (
    *("-m", "16", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
    *("-device", f"isa-debug-exit,iobase={_PORT:#x},iosize=1"),
)


def rom_image(arch: str) -> bytes:
    """The ROM for x86_64 or i686: code, reset vector, and nothing else in its 64 KiB."""
    image = bytearray(ROM_SIZE)
    code = _CODE[arch]
    image[_CODE_AT : _CODE_AT + len(code)] = code
    image[_RESET_AT : _RESET_AT + len(_RESET)] = _RESET
    return bytes(image)


@contextmanager
def _image(arch: str) -> Iterator[int]:
    """The ROM as an open anonymous file, which QEMU opens anew as /dev/fd/N."""
    rom = os.memfd_create("virtactor-rom", os.MFD_CLOEXEC)
    try:
        os.write(rom, rom_image(arch))
        yield rom
    finally:
        os.close(rom)
