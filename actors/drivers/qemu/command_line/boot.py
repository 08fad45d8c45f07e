"""What boots, and from where: -boot, the kernel that a document names itself, tables for ACPI."""

from __future__ import annotations

from .....wire.errors import UnsupportedConfig
from .board import Board
from .syntax import key_values

# SeaBIOS keeps both in 16 bits; milliseconds.
MAX_TIMEOUT = 65535
NEVER = -1


def boot(board: Board) -> list[str]:
    """-boot: only from what is in the boot order (which the devices carry), the firmware's menu, and how long it waits
    before it tries again."""
    os = board.definition.os
    timeout = os.bootmenu_timeout
    if timeout is not None and (not os.bootmenu or timeout > MAX_TIMEOUT):
        raise UnsupportedConfig(
            f"bootmenu timeout {timeout}", hint=f"at most {MAX_TIMEOUT} milliseconds, with enable='yes'"
        )
    again = os.reboot_timeout
    if again is not None and not NEVER <= again <= MAX_TIMEOUT:
        raise UnsupportedConfig(f"bios rebootTimeout {again}", hint=f"{NEVER} (never) to {MAX_TIMEOUT} milliseconds")
    return ["-boot", key_values(menu=os.bootmenu, reboot_timeout=again, splash_time=timeout, strict=True)]


def kernel(board: Board) -> list[str]:
    """-kernel with what belongs to it, and -acpitable."""
    os = board.definition.os
    options = {"-kernel": os.kernel, "-initrd": os.initrd, "-append": os.cmdline, "-dtb": os.dtb}
    words = [word for option, value in options.items() if value is not None for word in (option, value)]
    for table in os.acpi_tables:
        if not board.definition.features or not board.definition.features.acpi:
            raise UnsupportedConfig(f"acpi table {table.path!r} without the feature acpi")
        signature = "SLIC" if table.type == "slic" else None
        words += ["-acpitable", key_values(sig=signature, file=table.path)]
    return words
