"""Processors in documents: `host-model` and what a guest gets of a named model, spelled out while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from virtactor.client import Domain, Host, VirtError
from virtactor.wire.documents.domain import Cpu, parse_domain

from .guests import plain

HOST_MODEL = "<cpu mode='host-model'/>"


def cpu(text: str) -> Cpu:
    found = parse_domain(text).cpu
    assert found is not None
    return found


def policies(described: Cpu) -> dict[str, str | None]:
    return {feature.name: feature.policy for feature in described.features}


def started(host: Host, said: str, name: str = "g") -> Domain:
    domain = host.domains.define(plain(name, more=said))
    domain.start(paused=True)
    return domain


def words(domain: Domain) -> list[Any]:
    """What the processor answers to CPUID."""
    (one,) = domain.monitor_command({"execute": "query-cpus-fast"})["return"]
    asked = {"path": one["qom-path"], "property": "feature-words"}
    told = domain.monitor_command({"execute": "qom-get", "arguments": asked})["return"]
    return sorted(tuple(sorted(word.items())) for word in told)


def test_the_hosts_model_is_named_while_the_guest_runs(host: Host) -> None:
    domain = started(host, HOST_MODEL)
    live = cpu(domain.xml())
    assert (live.mode, live.match, live.check, live.fallback) == ("custom", "exact", "full", "forbid")
    assert live.model
    assert set(policies(live).values()) == {"require", "disable"}
    kept = cpu(domain.xml(inactive=True))
    assert (kept.mode, kept.model, kept.features) == ("host-model", None, ())
    # What it stands for can be asked before.
    domain.destroy()
    said = cpu(domain.xml(update_cpu=True))
    assert (said.mode, said.model, policies(said)) == ("custom", live.model, policies(live))
    assert cpu(domain.xml()).mode == "host-model"


def test_the_named_model_is_all_that_qemu_can_give(host: Host) -> None:
    named, most = started(host, HOST_MODEL, "named"), started(host, "<cpu mode='maximum'/>", "most")
    assert words(named) == words(most)


def test_what_a_document_says_of_features_stands(host: Host) -> None:
    said = "<feature policy='disable' name='avx'/><feature policy='optional' name='avx512f'/>"
    live = policies(cpu(started(host, f"<cpu mode='host-model'>{said}</cpu>").xml()))
    assert (live["avx"], live["avx512f"]) == ("disable", "disable")


def test_a_named_model_tells_what_the_guest_gets_of_it(host: Host) -> None:
    domain = started(host, "<cpu><model>Skylake-Client</model><feature policy='optional' name='vmx'/></cpu>")
    live = cpu(domain.xml())
    assert (live.model, live.check) == ("Skylake-Client", "full")
    assert policies(live)["hypervisor"] == "require"
    # Nobody's QEMU emulates all of an Intel processor.
    missing = {name for name, policy in policies(live).items() if policy == "disable"}
    assert missing


def test_a_minimum_is_all_that_there_is_or_refused(host: Host) -> None:
    live = cpu(started(host, "<cpu match='minimum'><model>Nehalem</model></cpu>").xml())
    assert live.match == "exact"
    assert live.model != "Nehalem"
    with pytest.raises(VirtError, match="does not provide required features"):
        started(host, "<cpu match='minimum'><model>Icelake-Server</model></cpu>", "h")


def test_a_saved_guest_comes_back_with_the_processor_that_it_had(host: Host, tmp_path: Path) -> None:
    domain = started(host, HOST_MODEL)
    before = cpu(domain.xml()), words(domain)
    domain.save(str(tmp_path / "saved"))
    host.domains.restore(str(tmp_path / "saved"), paused=True)
    assert (cpu(domain.xml()), words(domain)) == before
