"""What a measured number says beside its target, and how that is shown."""

import json
import math
from pathlib import Path

import pytest

from benchmarks.results import Row, Target, amount, lines, percentile, save, table

HALF = Target(0.5)
THRICE = Target(3, at_least=True)
NONE = Target(0, ratio=False)
HALF_A_SECOND = Target(0.5, ratio=False)


@pytest.mark.parametrize(
    ("row", "share", "verdict"),
    [
        (Row("at most half", "s", 1.0, 4.0, "libvirtd", HALF), 0.5, "met"),
        (Row("exactly half", "s", 2.0, 4.0, "libvirtd", HALF), 1.0, "met"),
        (Row("more than half", "s", 3.0, 4.0, "libvirtd", HALF), 1.5, "missed"),
        (Row("at least thrice", "/s", 12.0, 2.0, "libvirtd", THRICE), 0.5, "met"),
        (Row("only twice", "/s", 4.0, 2.0, "libvirtd", THRICE), 1.5, "missed"),
        (Row("nothing at all", "/s", 0.0, 2.0, "libvirtd", THRICE), math.inf, "missed"),
        (Row("quick enough", "s", 0.125, 1.0, "libvirtd", HALF_A_SECOND), 0.25, "met"),
        (Row("quick enough, alone", "s", 0.125, target=HALF_A_SECOND), 0.25, "met"),
        (Row("nothing, as it should be", "", 0.0, target=NONE), 0.0, "met"),
        (Row("not nothing", "", 1.0, target=NONE), math.inf, "missed"),
        (Row("nothing to hold it against", "s", 1.0, target=HALF), None, ""),
        (Row("no target", "s", 1.0, 4.0, "libvirtd"), None, ""),
        (Row("the other does not answer", "s", 1.0, math.inf, "libvirtd", HALF), 0.0, "met"),
        (Row("we do not answer", "s", math.inf, 1.0, "before", HALF), math.inf, "missed"),
    ],
    ids=lambda value: value.what if isinstance(value, Row) else "",
)
def test_a_row_tells_how_much_of_its_target_is_used(row: Row, share: float | None, verdict: str) -> None:
    assert (row.share, row.verdict) == (share, verdict)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.000123, "s", "123 µs"),
        (0.0456, "s", "45.6 ms"),
        (1.5, "s", "1.50 s"),
        (12, "s", "12.0 s"),
        (1572864.0, "B", "1.50 MiB"),
        (-2048.0, "B", "-2.00 KiB"),
        (23456.0, "/s", "23,456/s"),
        (3.0, "", "3"),
        (0.0, "s", "0 µs"),
        (math.inf, "s", "no answer"),
    ],
)
def test_an_amount_is_shown_with_three_digits_in_a_fitting_unit(value: float, unit: str, shown: str) -> None:
    assert amount(value, unit) == shown


def test_p99_of_a_hundred_samples_is_the_second_largest() -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], 99) == 99.0


def test_p99_of_few_samples_is_the_largest() -> None:
    assert percentile([3.0, 1.0, 2.0], 99) == 3.0


def test_the_table_shows_what_there_is_in_aligned_columns() -> None:
    rows = [
        Row("get-hostname, p50", "s", 0.000051, 0.000204, "libvirtd", HALF),
        Row("destroy", "s", 0.25, target=HALF_A_SECOND),
    ]
    assert lines(rows) == [
        ("get-hostname, p50", "51.0 µs", "libvirtd", "204 µs", "0.25", "<= 0.50", "50%", "met"),
        ("destroy", "250 ms", "", "", "", "<= 500 ms", "50%", "met"),
    ]
    header, *shown = table(rows).splitlines()
    assert {line.index("%") for line in shown} == {header.index("of target") + len("of target") - 1}


def test_the_json_holds_what_was_measured_and_null_for_no_answer(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    save(file, {"one": [Row("info", "s", 0.5, math.inf, "libvirtd", HALF)]}, {"two": "LoadFailed: no"}, ["a note"])
    document = json.loads(file.read_text())
    assert (document["failed"], document["notes"]) == ({"two": "LoadFailed: no"}, ["a note"])
    assert document["measured"] == {
        "one": [
            {
                "what": "info",
                "unit": "s",
                "value": 0.5,
                "reference": None,
                "against": "libvirtd",
                "target": {"limit": 0.5, "at_least": False, "ratio": True},
                "ratio": 0.0,
                "share": 0.0,
                "verdict": "met",
            }
        ]
    }
