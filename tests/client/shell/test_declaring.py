"""Arguments by their place or by their name, sizes with units, and which configuration a change is for."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner
from virtactor.client.shell.catalogue import MODULES
from virtactor.client.shell.declaring import Data, TableCommand, command, data
from virtactor.client.shell.program import program
from virtactor.client.shell.values import Impact, Scaled, affecting

CONTEXT = click.Context(program, info_name="virtactor")


@command("vcpupin")
@data("domain", needed=True)
@data("vcpu", int)
@click.option("--flag", is_flag=True)
@data("words", many=True)
@affecting()
def sample(domain: str, vcpu: int | None, flag: bool, words: tuple[str, ...], impact: Impact) -> None:
    click.echo(repr((domain, vcpu, flag, words, impact["live"], impact["config"])))


def said(*arguments: str) -> Any:
    result = CliRunner().invoke(sample, arguments)
    return result.stdout.strip() if result.exit_code == 0 else result.exit_code


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("web", ("web", None, False, (), False, False)),
        ("web 1", ("web", 1, False, (), False, False)),
        ("web 1 a b", ("web", 1, False, ("a", "b"), False, False)),
        ("--vcpu 1 web a", ("web", 1, False, ("a",), False, False)),
        ("--domain web 1 --flag", ("web", 1, True, (), False, False)),
        ("1 --domain web a --words b c", ("web", 1, False, ("b", "a", "c"), False, False)),
        ("web --live --config", ("web", None, False, (), True, True)),
        ("web 1 -- --a", ("web", 1, False, ("--a",), False, False)),
    ],
)
def test_data_is_given_by_place_or_by_name(line: str, expected: tuple) -> None:
    assert said(*line.split()) == repr(expected)


@pytest.mark.parametrize("line", ["", "web x", "web --current --live", "--vcpu 1"])
def test_what_is_missing_or_does_not_fit_is_wrong_usage(line: str) -> None:
    assert said(*line.split()) == 2


def test_usage_shows_data_in_its_order() -> None:
    assert "[OPTIONS] DOMAIN [VCPU] [WORDS...]" in sample.get_usage(CONTEXT)


@pytest.mark.parametrize(
    ("text", "unit", "size"),
    [
        ("512", "KiB", 512),
        ("1G", "KiB", 1 << 20),
        ("1GiB", "b", 1 << 30),
        ("1GB", "b", 10**9),
        ("500 MB", "KiB", 488282),
        ("1025b", "KiB", 2),
        ("7bytes", "b", 7),
        ("2k", "b", 2048),
    ],
)
def test_a_size_is_a_number_of_its_unit(text: str, unit: str, size: int) -> None:
    assert Scaled(unit).convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "x", "1Q", "-1", "1.5G", "1GG"])
def test_what_is_no_size_is_wrong_usage(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Scaled().convert(text, None, None)


@pytest.mark.parametrize("name", MODULES)
def test_data_that_may_be_many_or_absent_stands_behind_what_is_needed(name: str) -> None:
    found = program.get_command(CONTEXT, name)
    places = found.data if isinstance(found, TableCommand) else []
    assert [one.name for one in places[:-1] if one.multiple] == []
    required = [one.required for one in places if isinstance(one, Data)]
    assert required == sorted(required, reverse=True)
