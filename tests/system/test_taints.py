"""What is done to a running guest past the daemon's own calls is noted: told, logged, kept until the guest ends."""

from __future__ import annotations

import os
from pathlib import Path

import guest
from virtactor.client import Domain, DomainState, Host
from virtactor.wire.enums.domain_tuning import DomainMessageType

from .guests import AGENT, linux, plain
from .virtactord import PATIENCE, Virtactord, wait_until

MONITOR = "tainted: custom monitor control commands issued"
AGENTS = "tainted: custom guest agent control commands issued"
ELEVATED = "tainted: running with undesirable elevated privileges"
ALWAYS = [ELEVATED] if os.geteuid() == 0 else []


def ask_monitor(domain: Domain) -> None:
    domain.monitor_command({"execute": "query-status"})


def test_a_monitor_command_taints_the_guest_until_it_ends(daemon: Virtactord) -> None:
    with daemon.connect() as host:
        domain = host.domains.define(plain("g"))
        domain.start(paused=True)
        assert domain.messages() == ALWAYS
        ask_monitor(domain)
        assert domain.messages() == [MONITOR, *ALWAYS]
        assert domain.messages(DomainMessageType.DEPRECATION) == []
        assert daemon.says("domain g is tainted: custom-monitor")
        daemon.kill()
        daemon.start()
        domain.wait(DomainState.PAUSED, PATIENCE)
        assert domain.messages() == [MONITOR, *ALWAYS]
        domain.destroy()
        assert domain.messages() == []
        domain.start(paused=True)
        assert domain.messages() == ALWAYS
        if ALWAYS:
            assert daemon.says("domain g is tainted: high-privileges")
        domain.destroy()


def test_a_saved_guest_is_another_process_and_not_tainted_any_more(host: Host, tmp_path: Path) -> None:
    domain = host.domains.define(plain("g"))
    domain.start()
    ask_monitor(domain)
    domain.save(str(tmp_path / "saved"))
    host.domains.restore(str(tmp_path / "saved"))
    assert domain.messages() == ALWAYS


def test_a_command_for_its_agent_taints_the_guest(host: Host, agent_image: guest.Guest) -> None:
    domain = host.domains.create(linux(agent_image, "g", AGENT))
    wait_until(lambda: "state='connected'" in domain.xml())
    assert domain.agent.hostname() == "g"
    assert domain.messages() == ALWAYS
    domain.agent.command({"execute": "guest-ping"})
    assert domain.messages() == [*ALWAYS, AGENTS]


def test_the_time_that_an_agent_is_given_survives_the_daemon(daemon: Virtactord, agent_image: guest.Guest) -> None:
    with daemon.connect() as host:
        domain = host.domains.create(linux(agent_image, "g", AGENT))
        domain.agent.set_response_timeout(77)
        status = daemon.run / f"{domain.uuid}.status"
        wait_until(lambda: "<agent timeout='77'/>" in status.read_text())
        daemon.kill()
        daemon.start()
        domain.wait(DomainState.RUNNING, PATIENCE)
        ask_monitor(domain)
        wait_until(lambda: "custom-monitor" in status.read_text())
        assert "<agent timeout='77'/>" in status.read_text()
        domain.destroy()
