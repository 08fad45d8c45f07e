"""Writes libvirt_test_driver.json: what libvirt's own test driver answers to calls in each state.

Run with a Python that has libvirt's binding: ``/usr/bin/python3 ask_libvirt.py``.
"""

import json
from functools import partial
from pathlib import Path

import libvirt  # type: ignore[import-not-found]

XML = (
    "<domain type='test'><name>guest</name>{uuid}<memory>8192</memory><vcpu>1</vcpu><os><type>hvm</type></os>"
    "{extra}</domain>"
)
OPERATIONS = {
    "domain_create_with_flags": lambda domain: domain.create(),
    "domain_suspend": lambda domain: domain.suspend(),
    "domain_resume": lambda domain: domain.resume(),
    "domain_shutdown_flags": lambda domain: domain.shutdown(),
    "domain_reboot": lambda domain: domain.reboot(),
    "domain_reset": lambda domain: domain.reset(),
    "domain_destroy_flags": lambda domain: domain.destroy(),
    "domain_undefine_flags": lambda domain: domain.undefine(),
}
ACTIONS = ("destroy", "restart", "preserve")


class Host:
    """A connection, and the events of the domain that is asked about."""

    def __init__(self):
        self.connection = libvirt.open("test:///default")
        self._events = []
        self.connection.domainEventRegister(self._event, None)

    def _event(self, connection, domain, event, detail, opaque):
        if domain.name() == "guest":
            self._events.append([event, detail])

    def events(self):
        for _ in range(4):
            timer = libvirt.virEventAddTimeout(1, lambda timer, opaque: None, None)
            libvirt.virEventRunDefaultImpl()
            libvirt.virEventRemoveTimeout(timer)
        found = self._events.copy()
        self._events.clear()
        return found

    def ask(self, function):
        """The outcome of a call: its error's code, the events, and the state that it leads to."""
        self.events()
        answer = {"error": 0, "events": [], "state": None}
        try:
            function()
        except libvirt.libvirtError as error:
            answer["error"] = error.get_error_code()
        answer["events"] = self.events()
        if "guest" in [domain.name() for domain in self.connection.listAllDomains()]:
            answer["state"] = self.connection.lookupByName("guest").state()
        return answer

    def clear(self):
        """Leave nothing of the domain."""
        for domain in self.connection.listAllDomains():
            if domain.name() == "guest":
                persistent = domain.isPersistent()
                if domain.isActive():
                    domain.destroy()
                if persistent:
                    domain.undefine()

    def bring_to(self, state, extra=""):
        self.clear()
        domain = self.connection.defineXML(XML.format(uuid="", extra=extra))
        if state != "SHUTOFF":
            domain.create()
        if state == "PAUSED":
            domain.suspend()
        return domain


def calls_by_state(host):
    for state in ("SHUTOFF", "RUNNING", "PAUSED"):
        for name, operation in OPERATIONS.items():
            domain = host.bring_to(state)
            yield f"{name} {state}", host.ask(partial(operation, domain))


def actions(host):
    for action in ACTIONS:
        for element, name in (("on_poweroff", "domain_shutdown_flags"), ("on_reboot", "domain_reboot")):
            domain = host.bring_to("RUNNING", f"<{element}>{action}</{element}>")
            yield f"{name} {element}={action}", host.ask(partial(OPERATIONS[name], domain))


def definitions(host):
    host.clear()
    define = host.connection.defineXML
    yield "define", host.ask(lambda: define(XML.format(uuid="", extra="")))
    known = host.connection.lookupByName("guest").UUIDString()
    same = XML.format(uuid=f"<uuid>{known}</uuid>", extra="")
    yield "define again", host.ask(lambda: define(same))
    yield "define with another uuid", host.ask(lambda: define(XML.format(uuid="", extra="")))
    yield "define with another name", host.ask(lambda: define(same.replace("guest", "other")))
    yield "define what is no XML", host.ask(lambda: define("<domain"))
    yield "create what is defined", host.ask(lambda: host.connection.createXML(same))
    yield "create what runs", host.ask(lambda: host.connection.createXML(same))
    host.clear()
    yield "create", host.ask(lambda: host.connection.createXML(XML.format(uuid="", extra="")))
    domain = host.connection.lookupByName("guest")
    yield "destroy transient", host.ask(domain.destroy)
    yield "destroy gone", host.ask(domain.destroy)


def main():
    libvirt.registerErrorHandler(lambda opaque, error: None, None)
    libvirt.virEventRegisterDefaultImpl()
    host = Host()
    answers = {**dict(calls_by_state(host)), **dict(actions(host)), **dict(definitions(host))}
    lines = [f"{json.dumps(name)}: {json.dumps(answer)}" for name, answer in answers.items()]
    (Path(__file__).parent / "libvirt_test_driver.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
