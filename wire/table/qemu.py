"""Rows of libvirt's QEMU program: what only makes sense with QEMU behind the domain."""

from .rows import QEMU_PROGRAM, Access, Family, Part, Target

_domain = Family(QEMU_PROGRAM, Target.OBJECT, Part.DOMAIN)
_driver = Family(QEMU_PROGRAM, Target.DRIVER, Part.DOMAIN)
_session = Family(QEMU_PROGRAM, Target.SESSION, Part.DOMAIN)

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
    _driver.change(
        2,
        "domain_attach",
        "pid_value: uint, flags: uint",
        "dom: domain",
        permission="domain:start",
        api="virDomainQemuAttach",
        commands=("qemu-attach",),
        help="take over a QEMU process that something else started",
    ),
    _domain.query(
        3,
        "domain_agent_command",
        "dom: domain, cmd: string, timeout: int, flags: uint",
        "result: string?",
        permission="domain:write",
        access=Access.WRITE,
        api="virDomainQemuAgentCommand",
        commands=("qemu-agent-command",),
        help="a command of the guest agent as JSON, answered as the agent answers",
    ),
    _session.query(
        4,
        "connect_domain_monitor_event_register",
        "dom: domain?, event: string?, flags: uint",
        "callback_id: int",
        permission="connect:write",
        access=Access.WRITE,
        api="virConnectDomainQemuMonitorEventRegister",
        commands=("qemu-monitor-event",),
        help="send QEMU's own events, of one or all domains, by name",
    ),
    _session.query(
        5,
        "connect_domain_monitor_event_deregister",
        "callback_id: int",
        permission="connect:write",
        api="virConnectDomainQemuMonitorEventDeregister",
        commands=("qemu-monitor-event",),
        help="send no QEMU events for a callback any more",
    ),
    _session.message(
        6,
        "domain_monitor_event",
        "callback_id: int, dom: domain, event: string, seconds: hyper, micros: uint, details: string?",
        permission="domain:getattr",
        api="virConnectDomainQemuMonitorEventRegister",
        commands=("qemu-monitor-event",),
        help="one of QEMU's own events, its time, and its data as JSON",
    ),
    _domain.query(
        7,
        "domain_monitor_command_with_files",
        "dom: domain, cmd: string, flags: uint",
        "result: string",
        permission="domain:write",
        access=Access.WRITE,
        api="virDomainQemuMonitorCommandWithFiles",
        help="a QMP command as JSON, with open files to hand over",
    ),
)
