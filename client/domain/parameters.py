"""Which type each typed parameter has: libvirt refuses one of another type, so a value alone does not say enough.

What is not listed here is sent as the type that fits its value best.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...wire.params import ParamType, ParamValue, TypedParam, param

Types = Mapping[str, ParamType]

_U, _L, _UL, _S, _B, _I = (
    ParamType.UINT,
    ParamType.LLONG,
    ParamType.ULLONG,
    ParamType.STRING,
    ParamType.BOOLEAN,
    ParamType.INT,
)

SCHEDULER: Types = {
    "cpu_shares": _UL,
    "vcpu_period": _UL,
    "vcpu_quota": _L,
    "emulator_period": _UL,
    "emulator_quota": _L,
    "global_period": _UL,
    "global_quota": _L,
    "iothread_period": _UL,
    "iothread_quota": _L,
    "weight": _U,
    "cap": _U,
}
MEMORY: Types = {"hard_limit": _UL, "soft_limit": _UL, "min_guarantee": _UL, "swap_hard_limit": _UL}
BLOCK: Types = {
    "weight": _U,
    "device_weight": _S,
    "device_read_iops_sec": _S,
    "device_write_iops_sec": _S,
    "device_read_bytes_sec": _S,
    "device_write_bytes_sec": _S,
}
NUMA: Types = {"numa_nodeset": _S, "numa_mode": _I}
DISK_IO: Types = {
    **{
        f"{what}_{unit}_sec{suffix}": _UL
        for what in ("total", "read", "write")
        for unit in ("bytes", "iops")
        for suffix in ("", "_max", "_max_length")
    },
    "size_iops_sec": _UL,
    "group_name": _S,
}
INTERFACE: Types = {
    **{f"{way}.{what}": _U for way in ("inbound", "outbound") for what in ("average", "peak", "burst")},
    "inbound.floor": _U,
}
IOTHREAD: Types = {
    "poll_max_ns": _UL,
    "poll_grow": _U,
    "poll_shrink": _U,
    "thread_pool_min": _I,
    "thread_pool_max": _I,
}
LAUNCH_SECURITY: Types = {"sev-secret-header": _S, "sev-secret": _S, "sev-secret-set-address": _UL}
BLOCK_COPY: Types = {"bandwidth": _UL, "granularity": _U, "buf-size": _UL}
MIGRATION: Types = {
    "migrate_uri": _S,
    "destination_name": _S,
    "destination_xml": _S,
    "persistent_xml": _S,
    "bandwidth": _UL,
    "bandwidth.postcopy": _UL,
    "graphics_uri": _S,
    "listen_address": _S,
    "migrate_disks": _S,
    "disks_port": _I,
    "disks_uri": _S,
    "compression": _S,
    "compression.mt.level": _I,
    "compression.mt.threads": _I,
    "compression.mt.dthreads": _I,
    "compression.xbzrle.cache": _UL,
    "auto_converge.initial": _I,
    "auto_converge.increment": _I,
    "parallel.connections": _I,
    "tls.destination": _S,
}


def typed(values: Mapping[str, ParamValue], types: Types) -> list[TypedParam]:
    """The values as parameters of their types."""
    return [param(name, value, types.get(name)) for name, value in values.items()]


def all_of_type(values: Mapping[str, ParamValue], type: ParamType) -> list[TypedParam]:
    """The values as parameters, all of one type."""
    return [param(name, value, type) for name, value in values.items()]
