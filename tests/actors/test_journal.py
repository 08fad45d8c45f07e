"""The journal gives back what was recorded, whatever a crash has left of its end."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from virtactor.actors.changes import Change, Link, Remove, Write
from virtactor.actors.journal import SIZE, START, Journal

PATHS = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8).map(
    lambda name: Path("/files") / name
)
CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(Write, PATHS, st.binary(max_size=200), st.integers(0, 0o777)),
    st.builds(Link, PATHS, st.text("abc/.ü", max_size=8)),
    st.builds(Remove, PATHS),
)
RECORDS = st.lists(st.lists(CHANGES, min_size=1, max_size=4), max_size=6)
QUICK = settings(max_examples=60, deadline=None)


def recorded(path: Path, records: list[list[Change]]) -> Journal:
    journal = Journal(path)
    for changes in records:
        assert journal.has_room(changes)
        journal.record(changes)
    return journal


@QUICK
@given(RECORDS, RECORDS)
def test_gives_back_what_was_recorded_since_it_was_cleared(
    before: list[list[Change]], after: list[list[Change]]
) -> None:
    with TemporaryDirectory() as directory:
        journal = recorded(Path(directory) / "journal", before)
        journal.clear()
        for changes in after:
            journal.record(changes)
        expected = [change for changes in after for change in changes]
        assert journal.paths == {change.path for change in expected}
        assert Journal(journal.path).read() == (expected, True)
        journal.close()


@QUICK
@given(RECORDS.filter(bool), st.data())
def test_a_damaged_byte_ends_it_at_the_record_before(records: list[list[Change]], data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        journal = recorded(Path(directory) / "journal", records)
        journal.close()
        content = bytearray(journal.path.read_bytes())
        at = data.draw(st.integers(START, len(bytes(content).rstrip(b"\0")) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
        journal.path.write_bytes(content)
        found = Journal(journal.path).read().changes
        prefixes = [[change for changes in records[:count] for change in changes] for count in range(len(records))]
        assert found in prefixes


def test_is_no_journal_what_is_none(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    assert Journal(path).read() == ([], True)
    for content in (b"", b"x" * 10, b"x" * SIZE):
        path.write_bytes(content)
        assert Journal(path).read() == ([], True)
    journal = recorded(path, [[Remove(Path("/a"))]])
    assert Journal(path).read().changes == [Remove(Path("/a"))]
    journal.close()


def test_has_no_room_for_more_than_it_can_hold(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert not journal.has_room([Write(Path("/a"), bytes(SIZE))])
    half = [Write(Path("/a"), bytes((SIZE - START) // 2))]
    assert journal.has_room(half)
    journal.record(half)
    assert not journal.has_room(half)
    journal.clear()
    assert journal.has_room(half)
    assert journal.path.stat().st_size == SIZE
    assert journal.path.stat().st_mode & 0o777 == 0o600
    journal.close()
