"""Rows of libvirt's QEMU program: what only makes sense with QEMU behind the domain."""

from .rows import QEMU_PROGRAM, Access, Family, Target

_domain = Family(QEMU_PROGRAM, Target.DOMAIN)

QEMU_ROWS = (
    _domain.query(
        1,
        "domain_monitor_command",
        "dom: domain, cmd: string, flags: uint",
        "result: string",
        permission="domain:write",
        access=Access.WRITE,
        api="virDomainQemuMonitorCommand",
        commands=("qemu-monitor-command",),
        help="a QMP command as JSON, or with flag 1 an HMP line, answered as QEMU answers",
    ),
)
