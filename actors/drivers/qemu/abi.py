"""What a saved guest has seen of its machine, and so must find again: two definitions compared as the guest sees them.

Everything counts but what is named here: where the host has things (files, sockets, networks), what the host gives
(limits, pins), what is shown to whom, and what is only for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from ....wire.documents.domain import DomainDefinition, without_live
from ....wire.errors import UnsupportedConfig

_SOURCE = (
    "type source_mode source_path source_append source_channel source_host source_service source_tls source_master "
    "source_slave reconnect reconnect_timeout clipboard mouse source_labels second_mode second_host second_service "
    "protocol log_file log_append tty state"
)
# By class, the fields that may differ.
_MAY_DIFFER: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "DomainDefinition": "id title description metadata blkiotune memtune cputune numatune resource cpuset "
        "vcpu_placement on_poweroff on_reboot on_crash on_lockfailure perf seclabels dump_core default_iothread "
        "qemu_command_line qemu_capabilities_added qemu_capabilities_removed qemu_deprecation qemu_overrides",
        "Devices": "emulator graphics audios leases redirfilter",
        "OperatingSystem": "firmware firmware_features init init_arguments init_environment init_directory init_user "
        "init_group loader nvram kernel initrd cmdline dtb root acpi_tables boot bootmenu bootmenu_timeout "
        "bios_useserial reboot_timeout",
        "MemoryBacking": "nosharepages locked access allocation allocation_threads discard source",
        "Cpu": "check match fallback",
        "Cell": "access discard",
        "Clock": "offset adjustment basis start timezone",
        "Vcpu": "order",
        "Disk": "type rawio sgio snapshot auth source fd_group source_dev source_dir protocol source_name query tls "
        "tls_hostname pool volume volume_mode transport socket nvme_managed nvme_namespace startup_policy source_index "
        "hosts source_snapshot config nvme_address source_auth slices source_labels source_encryption reservations "
        "initiator identity ssl_verify cookies readahead timeout reconnect reconnect_timeout backing backend_domain "
        "mirror tray iotune readonly shareable transient encryption",
        "DiskDriver": "name type cache error_policy read_error_policy io copy_on_read discard iothread detect_zeroes "
        "metadata_cache",
        "Filesystem": "type accessmode multidevs fmode dmode driver server source_directory source_device source_file "
        "source_name source_socket usage pool volume space_hard_limit space_soft_limit",
        "Serial": _SOURCE,
        "Parallel": _SOURCE,
        "Console": _SOURCE,
        "Channel": _SOURCE,
        "RedirectedDevice": _SOURCE,
        "Smartcard": "source_mode source_path source_host source_service protocol certificates database",
        "Interface": "type managed trust_guest_filters mac_type mac_check network portgroup portid bridge source_name "
        "source_dev source_type source_address source_port socket source_mode local_address local_port source_pci "
        "host_side host_routes reconnect reconnect_timeout vlan_trunk vlan_tags virtualport bandwidth addresses routes "
        "port_forwards script downscript backend_domain isolated target target_managed guest_name guest_actual "
        "backend tap vhost log_file filter sndbuf link coalesce_frames",
        "InterfaceDriver": "name txmode",
        "Video": "driver render_node",
        "Sound": "audio",
        "Memballoon": "stats_period",
        "Rng": "rate_bytes rate_period backend server_type servers server_protocol source",
        "Tpm": "backend persistent_state debug device encryption source_type source_mode source_path",
        "MemoryDevice": "access discard nodemask pagesize path alignsize requested current",
        "Input": "source_device grab grab_toggle repeat",
    }.items()
}
# Of every device.
_NAMES = frozenset({"alias", "boot_order", "loadparm"})


def check_same_machine(saved: DomainDefinition, changed: DomainDefinition) -> None:
    """Refuse a document in which a saved guest would not find again what it has seen. Raises UnsupportedConfig."""
    for path, old, new in _differences(without_live(saved), without_live(changed), ""):
        words = f"'{new}' does not match '{old}' of the saved guest" if old or new else "does not match the saved guest"
        raise UnsupportedConfig(f"{path}: {words}", object=saved.name)


def _differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """The places where two values differ as a guest sees it, with the values there; how many there are of a list."""
    if old == new:
        return
    if is_dataclass(old) and type(old) is type(new):
        free = _MAY_DIFFER.get(type(old).__name__, frozenset()) | _NAMES
        for field in fields(old):
            if field.name not in free:
                before, after = getattr(old, field.name), getattr(new, field.name)
                yield from _differences(before, after, f"{path}/{field.name}".lstrip("/"))
    elif isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(one, other, f"{path}[{number}]")
    elif isinstance(old, tuple) and isinstance(new, tuple):
        yield f"how many {path}", len(old), len(new)
    else:
        yield path, _told(old), _told(new)


def _told(value: Any) -> str:
    return "" if value is None else type(value).__name__ if is_dataclass(value) else str(value)
