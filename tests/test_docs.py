"""The documentation keeps its promises: links lead somewhere, and what is printed from tables is as the tables are."""

import re
from pathlib import Path

import pytest
from virtactor.actors import lifecycle, support
from virtactor.client.domain import events as kinds
from virtactor.wire.table.events import EVENTS

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")])
LINK = re.compile(r"\[[^]]*\]\(([^)#]+)[^)]*\)")
PATH = re.compile(r"`((?:actors|client|wire|tests|docs|examples|benchmarks)/[\w./-]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_of_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = [page.parent / link for link in LINK.findall(text) if "://" not in link]
    paths = [REPOSITORY / path for path in PATH.findall(text)]
    assert [str(path) for path in (*links, *paths) if not path.exists()] == []


def test_the_lifecycle_diagram_is_the_tables() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text()
    assert f"```mermaid\n{lifecycle.diagram()}\n```" in text


def test_the_page_of_served_apis_is_the_tables_and_the_drivers() -> None:
    assert (REPOSITORY / "docs" / "api-support.md").read_text() == support.page()


def snippets() -> list[tuple[str, str]]:
    """The pieces of code on the page about adding an API: their file, and their lines."""
    text = (REPOSITORY / "docs" / "adding-an-api.md").read_text()
    return re.findall(r"```python\n# (\S+)\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(("path", "code"), snippets(), ids=[path for path, _ in snippets()])
def test_the_code_shown_for_adding_an_api_is_in_the_tree(path: str, code: str) -> None:
    assert code in (REPOSITORY / path).read_text()


def test_adding_an_api_shows_every_piece() -> None:
    folders = [path.partition("/")[0] for path, _ in snippets()]
    assert sorted(set(folders)) == ["actors", "client", "tests", "wire"]


def test_the_page_of_events_has_each_event_and_names_tests_that_exist() -> None:
    text = (REPOSITORY / "docs" / "events.md").read_text()
    listed = re.findall(r"^\| (\d+) \| ([\w-]+) \|", text, re.MULTILINE)
    assert [int(id) for id, _ in listed] == [id for family, id in EVENTS if family == "domain"]
    names = {kind.row: kind.event.name for kind in kinds.KINDS}
    rows = [EVENTS["domain", int(id)].published for id, _ in listed[1:]]
    assert [name for _, name in listed] == ["lifecycle", *(names[row] for row in rows)]
    tests = "\n".join(path.read_text() for path in (REPOSITORY / "tests").rglob("test_*.py"))
    assert [name for name in re.findall(r"`(test_\w+)`", text) if f"def {name}(" not in tests] == []
