"""The document that a test driver begins with."""

from __future__ import annotations

import pytest
from virtactor.wire.documents.testnode import parse_test_node
from virtactor.wire.enums.domain import DomainState
from virtactor.wire.errors import UnsupportedConfig, XMLError

NAMESPACE = "xmlns:test='http://libvirt.org/schemas/domain/test/1.0'"


def domain(name: str, inside: str = "") -> str:
    os = "<os><type>hvm</type></os>"
    return f"<domain type='test' {NAMESPACE}><name>{name}</name><memory>1000</memory>{os}{inside}</domain>"


def node(inside: str) -> str:
    return f"<node>{domain('a', inside)}</node>"


def no_files(name: str) -> str:
    raise AssertionError(name)


def test_domains_are_read_in_order_with_their_states() -> None:
    text = f"""<node>
      {domain("a", "<test:runstate>3</test:runstate> <test:transient/>")}
      <!-- b stands in a file -->
      <domain file='b.xml'/>
      {domain("c", "<test:runstate>5</test:runstate>")}
    </node>"""
    files = {"b.xml": domain("b", "<test:runstate> 6 </test:runstate>")}

    domains = parse_test_node(text, files.__getitem__).domains

    assert [(each.definition.name, each.state, each.transient) for each in domains] == [
        ("a", DomainState.PAUSED, True),
        ("b", DomainState.CRASHED, False),
        ("c", DomainState.SHUTOFF, False),
    ]


def test_a_domain_runs_unless_told_otherwise() -> None:
    (only,) = parse_test_node(f"<node>{domain('a')}</node>", no_files).domains

    assert (only.state, only.transient) == (DomainState.RUNNING, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<node><cpu/><auth/></node>", "element /node/cpu (line 1), element /node/auth (line 1)"),
        ("<node name='x'/>", "attribute 'name' of /node"),
        (node("<test:runstate x='1'>1</test:runstate>"), "of /node/domain/test:runstate"),
    ],
)
def test_what_the_driver_does_not_have_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(UnsupportedConfig) as caught:
        parse_test_node(text, no_files)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<nodes/>", "expected <node>"),
        (node("<test:runstate>9</test:runstate>"), "runstate is '9', expected one of 1 (running)"),
        (node("<test:runstate>5</test:runstate><test:transient/>"), "transient domain cannot"),
        (node("<test:transient/>stray"), "there is text behind /node/domain/test:transient"),
        ("<node><domain file='a' type='test'/></node>", "a domain is either in file 'a' or here"),
    ],
)  # fmt: skip
def test_an_impossible_node_is_refused(text: str, message: str) -> None:
    with pytest.raises(XMLError) as caught:
        parse_test_node(text, no_files)
    assert message in caught.value.message
