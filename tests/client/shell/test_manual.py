"""docs/shell.md is true."""

from __future__ import annotations

from pathlib import Path

import pytest
from virtactor.client.shell import catalogue, manual

PAGE = Path(__file__).parents[3] / "docs" / "shell.md"


def test_the_generated_part_of_the_page_is_as_the_commands_are() -> None:
    text = PAGE.read_text()
    assert text == manual.page(text), "python -m virtactor.client.shell.manual writes it anew"


def test_every_command_is_on_the_page() -> None:
    reference = manual.reference()
    assert [name for name in catalogue.MODULES if f"| `{name}` |" not in reference] == []


def test_a_page_without_marks_is_none_of_ours() -> None:
    with pytest.raises(ValueError, match="no place"):
        manual.page("# Something else\n")
