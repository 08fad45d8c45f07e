"""Commands that show one thing: dominfo, domstate, dumpxml, version and the like."""

from __future__ import annotations

import re

from virtactor.client import Host

from .conftest import URI, Run, definition, json_of

INFO = """\
Id:             1
Name:           test
UUID:           6695eb01-f6a4-8304-79aa-97f2502e193f
OS Type:        linux
State:          running
CPU(s):         2
CPU time:       N
Max memory:     8388608 KiB
Used memory:    2097152 KiB
Persistent:     yes
Autostart:      disable
Managed save:   no
Security model: testSecurity
Security DOI:\x20\x20\x20
Security label: libvirt-test (enforcing)

"""


def test_dominfo_has_a_line_for_each_fact(run: Run) -> None:
    assert re.sub(r"\d+\.\ds", "N", run("dominfo", "test").stdout) == INFO


def test_dominfo_of_several_domains_is_a_block_for_each(run: Run, host: Host) -> None:
    host.domains.define(definition("other"))
    blocks = run("dominfo", "other", "test").stdout.split("\n\n")
    assert [block.splitlines()[1].split()[-1] for block in blocks if block] == ["other", "test"]
    assert blocks[0].splitlines()[0] == "Id:             -"


def test_dominfo_as_json(run: Run) -> None:
    (told,) = json_of(run("dominfo", "--json", "1"))["domains"]
    assert told.pop("cpu_time_ns") > 0
    assert told == {
        "name": "test",
        "uuid": "6695eb01-f6a4-8304-79aa-97f2502e193f",
        "id": 1,
        "state": "running",
        "max_memory_kib": 8388608,
        "memory_kib": 2097152,
        "vcpus": 2,
        "os_type": "linux",
        "persistent": True,
        "autostart": False,
        "updated": False,
        "managed_save": False,
        "security_model": "testSecurity",
        "security_doi": "",
        "security_label": "libvirt-test (enforcing)",
        "messages": [],
    }


def test_domstate_gives_its_reason_when_asked(run: Run) -> None:
    assert run("domstate", "test", "--reason").stdout == "running (unknown)\n\n"
    run("suspend", "test")
    assert run("domstate", "test", "--reason").stdout == "paused (user)\n\n"
    run("destroy", "test")
    assert run("domstate", "test", "--reason").stdout == "shut off (destroyed)\n\n"


def test_states_of_several_are_a_table(run: Run, host: Host) -> None:
    host.domains.define(definition("other"))
    assert run("domstate", "--all").stdout == (
        " Name    State\n-------------------\n test    running\n other   shut off\n\n"
    )


def test_domid_of_an_inactive_domain_is_a_dash(run: Run) -> None:
    run("destroy", "test")
    assert run("domid", "test").stdout == "-\n\n"


def test_identities_of_several_are_a_line_each_in_the_order_asked_for(run: Run, host: Host) -> None:
    host.domains.define(definition("other"))
    assert run("domid", "other", "test").stdout == "-\n1\n\n"
    assert run("-q", "domname", "test", str(host.domains["other"].uuid)).stdout == "test\nother\n"


def test_domcontrol_as_json(run: Run) -> None:
    (told,) = json_of(run("--json", "domcontrol", "test"))["domains"]
    assert (told["name"], told["control"], told["details"], told["for_seconds"]) == ("test", "ok", "none", 0)


def test_domcontrol_of_an_inactive_domain_fails(run: Run) -> None:
    run("destroy", "test")
    result = run("domcontrol", "test")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: Requested operation is not valid: domain is not running\n"


def test_dumpxml_is_the_clients_xml(run: Run, host: Host) -> None:
    guest = host.domains["test"]
    assert run("dumpxml", "test").stdout == guest.xml() + "\n"
    assert run("-q", "dumpxml", "test", "--inactive").stdout == guest.xml(inactive=True)
    assert run("dumpxml", "test", "--security-info").exit_code == 0
    assert json_of(run("--json", "dumpxml", "test"))["domains"][0]["xml"] == guest.xml()


def test_version_tells_of_both_ends(run: Run) -> None:
    lines = run("version", "--daemon").stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "Using library",
        "Using API",
        "Running hypervisor",
        "Running against daemon",
        "",
    ]
    assert lines[2] == "Running hypervisor: TEST 0.0.2"
    assert sorted(json_of(run("--json", "version"))) == ["client", "daemon", "driver", "hypervisor"]


def test_connect_tells_whether_somebody_is_there(run: Run) -> None:
    assert run("connect").stdout == "test:///default: connected\n"
    assert run("connect", "--readonly").stdout == "test:///default: connected for looking only\n"
    assert json_of(run("--json", "connect", "--name", URI)) == {
        "uri": URI,
        "driver": "TEST",
        "readonly": False,
    }


def test_uri_and_hostname_as_json(run: Run, host: Host) -> None:
    assert json_of(run("--json", "uri")) == {"uri": URI}
    assert json_of(run("--json", "hostname")) == {"hostname": host.hostname()}


def test_what_a_driver_lacks_is_told_by_name(run: Run) -> None:
    for command in ("qemu-agent-command test {}", "qemu-monitor-command test info"):
        result = run(*command.split())
        assert (result.exit_code, result.stdout) == (1, "")
        assert "is not supported by the connection driver" in result.stderr


def test_hmp_has_no_json_to_make_pretty(run: Run) -> None:
    assert run("qemu-monitor-command", "test", "--hmp", "--pretty", "info", "status").exit_code == 2
