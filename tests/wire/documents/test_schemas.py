"""The published schemas: they are what the classes give, and have the documents that the reader reads and no others."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from virtactor.wire.documents.domain import complete, format_domain, parse_domain
from virtactor.wire.documents.reader import problems_of
from virtactor.wire.documents.schemas import DOMAIN, SCHEMAS, Schema, check
from virtactor.wire.documents.schemas.__main__ import text_of
from virtactor.wire.documents.writer import write_document
from virtactor.wire.enums.error import ErrorDomain, ErrorNumber
from virtactor.wire.errors import UnsupportedConfig, XMLError

from .instances import any_of
from .test_mistakes import CONTRADICTIONS, GUEST, SLIPS
from .test_round_trip import QUICK

CORPUS = Path(__file__).parents[2] / "system" / "corpus" / "documents.jsonl"
ALL = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=lambda schema: schema.name)
# What only the reader can say: values that are well-formed and fit together badly.
BEYOND_SCHEMAS = ("expected numbers like", "expected a size", "is there already")
EXAMPLES = int(os.environ.get("VIRTACTOR_SCHEMAS", "40"))
JUNK = [
    "",
    "x",
    "-1",
    "0",
    "yes",
    "on",
    "0x10",
    "8",
    "1 ",
    "é",
    "99999999999999999999999",
    "1_0",
    "+5",
    "a:b",
    "..",
    "b/c",
]


@cache
def compiled(schema: Schema) -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(schema.path))


@cache
def corpus() -> list[str]:
    return [json.loads(line)["document"] for line in CORPUS.read_text().splitlines()[1:]]


@ALL
def test_a_published_schema_is_what_the_classes_give(schema: Schema) -> None:
    assert schema.path.read_text() == text_of(schema), "run python -m virtactor.wire.documents.schemas"


def test_there_is_no_schema_of_nothing() -> None:
    published = {path.stem for path in DOMAIN.path.parent.glob("*.rng")}
    assert published == set(SCHEMAS)


# -- what a schema has -------------------------------------------------------------------------------------------------


@ALL
@settings(QUICK, max_examples=20)
@given(data=st.data())
def test_what_a_class_can_say_is_in_its_schema(schema: Schema, data: st.DataObject) -> None:
    text = write_document(data.draw(any_of(schema.cls)), schema.root, secure=True)
    check(text, schema)


def test_virt_installs_documents_and_what_becomes_of_them_are_in_the_schema() -> None:
    assert len(corpus()) == 246
    for text in corpus():
        check(text, DOMAIN)
        check(format_domain(complete(parse_domain(text)), secure=True), DOMAIN)


@ALL
@settings(QUICK, max_examples=EXAMPLES)
@given(data=st.data())
def test_a_schema_and_the_reader_refuse_the_same(schema: Schema, data: st.DataObject) -> None:
    root = etree.fromstring(write_document(data.draw(any_of(schema.cls)), schema.root, secure=True))
    for _ in range(data.draw(st.integers(1, 3))):
        change(root, data)
    document = etree.fromstring(etree.tostring(root))

    problems = problems_of(document, schema.cls)

    if compiled(schema).validate(document):
        beyond = [problem for problem in problems if not _is_beyond_schemas(problem)]
        assert beyond == []
    else:
        assert problems, compiled(schema).error_log


def _is_beyond_schemas(problem: Exception) -> bool:
    # What libvirt has and we do not is in the schema, and refused by its name.
    return isinstance(problem, UnsupportedConfig) or any(words in str(problem) for words in BEYOND_SCHEMAS)


def change(root: etree._Element, data: st.DataObject) -> None:
    """Do one thing to a document that may make it wrong."""
    element = data.draw(st.sampled_from(list(root.iter(etree.Element))))
    parent = element.getparent()
    what = data.draw(
        st.sampled_from(["attribute", "new attribute", "element", "text", "drop", "twice", "move", "bare"])
    )
    if what == "attribute" and element.attrib:
        name = data.draw(st.sampled_from(sorted(element.keys())))
        element.set(name, data.draw(st.sampled_from(JUNK)))
    elif what == "new attribute":
        element.set(
            data.draw(st.sampled_from(["type", "colour", "unit", "{urn:x}y"])), data.draw(st.sampled_from(JUNK))
        )
    elif what == "element":
        tags = ["source", "flight", "address", "driver", "{urn:x}y", "alias"]
        element.insert(0, etree.Element(data.draw(st.sampled_from(tags))))
    elif what == "text":
        element.text = data.draw(st.sampled_from([text for text in JUNK if text]))
    elif what == "drop" and parent is not None:
        parent.remove(element)
    elif what == "twice" and parent is not None:
        parent.append(etree.fromstring(etree.tostring(element, with_tail=False)))
    elif what == "move" and parent is not None:
        data.draw(st.sampled_from([each for each in root.iter(etree.Element) if element not in _line_of(each)])).append(
            element
        )
    elif what == "bare" and element.attrib:
        del element.attrib[data.draw(st.sampled_from(sorted(element.keys())))]


def _line_of(element: etree._Element) -> list[etree._Element]:
    return [element, *element.iterancestors()]


# -- what is told ------------------------------------------------------------------------------------------------------


def refusal(text: str, schema: Schema = DOMAIN) -> XMLError:
    with pytest.raises(XMLError) as caught:
        check(text, schema)
    return caught.value


@pytest.mark.parametrize(
    ("said", "instead", "line", "told"),
    [
        *SLIPS,
        ("<driver", "<drvier", 16, "element /domain/devices/disk/drvier is unknown, did you mean 'driver'?"),
        ("tickpolicy", "tikpolicy", 12, "attribute 'tikpolicy' of /domain/clock/timer is unknown, did you mean"),
        ("<clock o", "<flight/><clock o", 11, "element /domain/flight is unknown, expected one of 'name', 'uuid',"),
        ("<name>guest</name>", "", 1, "/domain lacks something, expected element 'name'"),
    ],
)
def test_a_refusal_tells_line_element_and_what_was_expected(said: str, instead: str, line: int, told: str) -> None:
    assert said in GUEST
    error = refusal(GUEST.replace(said, instead, 1))

    assert error.message.startswith(
        f"XML document failed to validate against schema: Unable to validate doc against {DOMAIN.path}\nline {line}: "
    )
    assert told in error.message
    assert (error.code, error.domain, error.line) == (ErrorNumber.XML_INVALID_SCHEMA, ErrorDomain.XML, line)


@pytest.mark.parametrize(("said", "instead"), [case[:2] for case in CONTRADICTIONS])
def test_what_fits_badly_together_is_valid(said: str, instead: str) -> None:
    check(GUEST.replace(said, instead, 1), DOMAIN)


def test_several_problems_are_told_in_the_order_of_lines() -> None:
    wrong = GUEST.replace(">2<", ">two<").replace("<driver", "<drvier").replace("'MiB'", "'MeB'")

    told = refusal(wrong).message.splitlines()[1:]

    assert [line.partition(":")[0] for line in told] == ["line 4", "line 5", "line 16"]


def test_of_many_problems_the_first_are_told() -> None:
    told = refusal(GUEST.replace("<os>", "<a/><b/><c/><d/><e/><f/><g/><os>")).message.splitlines()[1:]

    assert len(told) == 6
    assert told[-1] == "and 2 more"


@pytest.mark.parametrize(
    ("text", "code", "domain"),
    [
        ("<domain>", ErrorNumber.XML_DETAIL, ErrorDomain.DOMAIN),
        ("<network/>", ErrorNumber.XML_ERROR, ErrorDomain.XML),
        ("<!DOCTYPE domain><domain/>", ErrorNumber.XML_ERROR, ErrorDomain.DOMAIN),
    ],
)
def test_what_is_no_document_of_the_kind_is_refused_as_ever(text: str, code: int, domain: int) -> None:
    error = refusal(text)
    assert (error.code, error.domain) == (code, domain)
    assert "line 1" in error.message


def test_what_libvirt_has_and_we_do_not_is_valid() -> None:
    check(GUEST.replace("offset='utc'", "offset='variable' adjustment='reset'"), DOMAIN)
