"""What `test:///PATH` begins with."""

from __future__ import annotations

from pathlib import Path

import pytest
from virtactor.wire.enums.domain import DomainState
from virtactor.wire.errors import AlreadyExists, SystemFailure, UnsupportedConfig, VirtError, XMLError

from ....raw_client import domain_xml
from ...served import Served

NAMESPACE = "xmlns:test='http://libvirt.org/schemas/domain/test/1.0'"


def domain(name: str, more: str = "") -> str:
    return domain_xml(name, extra=more).replace("<domain ", f"<domain {NAMESPACE} ", 1)


def node(directory: Path, *domains: str) -> str:
    path = directory / "node.xml"
    path.write_text(f"<node>{''.join(domains)}</node>")
    return f"test://{path}"


def test_domains_begin_in_their_states(served: Served, tmp_path: Path) -> None:
    uri = node(
        tmp_path,
        domain("plain"),
        *(domain(f"state{number}", f"<test:runstate>{number}</test:runstate>") for number in (1, 3, 5, 6)),
    )
    with served.opened(uri) as client:
        states = {name: client.state(name)[0] for name in client.names()}
        assert states == {
            "plain": DomainState.RUNNING,
            "state1": DomainState.RUNNING,
            "state3": DomainState.PAUSED,
            "state5": DomainState.SHUTOFF,
            "state6": DomainState.CRASHED,
        }
        ids = [client.lookup(name).id for name in ("plain", "state1", "state3", "state6")]
        assert ids == [1, 2, 3, 4]
        assert client.lookup("state5").id == -1
        crashed = client.lookup("state6")
        client.call("domain_destroy_flags", crashed, 0)
        client.call("domain_create_with_flags", crashed, 0)
        assert client.state("state6")[0] == DomainState.RUNNING


def test_a_transient_domain_is_defined_nowhere(served: Served, tmp_path: Path) -> None:
    with served.opened(node(tmp_path, domain("kept"), domain("passing", "<test:transient/>"))) as client:
        assert client.call("domain_is_persistent", client.lookup("kept")) == 1
        passing = client.lookup("passing")
        assert client.call("domain_is_persistent", passing) == 0
        client.call("domain_destroy_flags", passing, 0)
        assert client.names() == {"kept"}


def test_domains_may_be_in_files_of_their_own_beside_the_document(served: Served, tmp_path: Path) -> None:
    (tmp_path / "own.xml").write_text(domain("own"))
    with served.opened(node(tmp_path, "<domain file='own.xml'/>", domain("inline"))) as client:
        assert client.names() == {"own", "inline"}


def test_an_empty_document_has_no_domains(served: Served, tmp_path: Path) -> None:
    with served.opened(node(tmp_path)) as client:
        assert client.names() == set()
        client.create("mine")
        assert client.names() == {"mine"}


@pytest.mark.parametrize(
    ("domains", "kind", "complaint"),
    [
        (["<domain file='absent.xml'/>"], SystemFailure, "absent.xml: No such file or directory"),
        ([domain("a"), domain("a")], AlreadyExists, "domain 'a' already exists"),
        ([domain("a").replace("type='test'", "type='what'")], XMLError, "type is 'what'"),
        ([domain("a", "<test:runstate>9</test:runstate>")], XMLError, "runstate is '9'"),
        (["<cpu/>"], UnsupportedConfig, "/node/cpu"),
        (["<domain"], XMLError, "line 1"),
    ],
)
def test_a_wrong_document_is_refused_and_leaves_nothing_behind(
    domains: list[str], kind: type[VirtError], complaint: str, served: Served, tmp_path: Path
) -> None:
    uri = node(tmp_path, *domains)
    before = served.run(lambda: len(served.daemon.runtime.actors))
    with served.connect() as client:
        with pytest.raises(kind, match=complaint):
            client.open(uri)
        client.open()
        assert client.names() == {"test"}
        client.call("connect_close")
        assert client.at_end()
    assert served.run(lambda: len(served.daemon.runtime.actors)) == before


def test_a_document_in_another_encoding_is_refused(served: Served, tmp_path: Path) -> None:
    (tmp_path / "node.xml").write_bytes(b"<node>\xff</node>")
    with served.connect() as client, pytest.raises(XMLError, match=r"node\.xml is not UTF-8"):
        client.open(f"test://{tmp_path}/node.xml")
