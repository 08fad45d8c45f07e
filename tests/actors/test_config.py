"""The configuration: documented, checked, and its errors clear."""

from __future__ import annotations

import logging
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtactor.actors.config import AREAS, LEVELS, Config, default_file
from virtactor.wire.errors import InvalidArgument

REPOSITORY = Path(__file__).parents[2]
SECTIONS = {section.name: get_type_hints(Config)[section.name] for section in fields(Config)}
KEYS = [(name, key) for name, kind in SECTIONS.items() for key in fields(kind)]


def loaded(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "virtactord.toml"
    path.write_text(text, encoding="utf-8")
    return Config.load(path)


def test_the_default_file_says_what_holds_without_it(tmp_path: Path) -> None:
    assert loaded(tmp_path, default_file()) == Config()
    uncommented = re.sub(r"^#(\w+ = )", r"\1", default_file(), flags=re.M)
    assert loaded(tmp_path, uncommented) == Config()
    given = tomllib.loads(uncommented)
    assert {name: set(section) for name, section in given.items()} == {
        name: {key.name for key in fields(kind)} for name, kind in SECTIONS.items()
    }


def test_the_documentation_holds_the_default_file() -> None:
    """Made by ``virtactord --print-config > docs/virtactord.toml``."""
    assert (REPOSITORY / "docs" / "virtactord.toml").read_text() == default_file()


@pytest.mark.parametrize(("section", "key"), KEYS, ids=lambda value: getattr(value, "name", value))
def test_every_key_is_documented_and_its_default_fits(section: str, key: Any) -> None:
    assert key.metadata["help"].endswith(".")
    assert key.metadata["check"](key.metadata["default"])
    assert f"# {key.metadata['help']}\n#{key.name} = " in default_file()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[lgo]", "unknown section: 'lgo' (known: log, listen, tcp, tls, limits, keepalive, qemu)"),
        ("log = 1", "'log' is a section, written [log]"),
        ("[log]\nlevl = 'debug'", "unknown key in [log]: 'levl' (known: level, levels, format)"),
        ("[log]\nlevel = 'loud'", "log.level = 'loud' does not fit: debug or info or warning or error"),
        ("[log]\nlevel = 3", "log.level = 3 is not a str"),
        ("[log]\nformat = 'xml'", "log.format = 'xml' does not fit: text or json"),
        ("[log]\nlevels = 'debug'", "log.levels = 'debug' is not a table"),
        ("[log]\nlevels = { qemu = 'loud' }", "log.levels = {'qemu': 'loud'} does not fit: a table of areas"),
        ("[log]\nlevels = { quemu = 'debug' }", "log.levels = {'quemu': 'debug'} does not fit: a table of areas"),
        ("[log]\nlevels = { qemu = ['debug'] }", "log.levels = {'qemu': ['debug']} does not fit: a table of areas"),
        ("[listen]\nmode = 0o1777", "listen.mode = 1023 does not fit: 0 to 0o777"),
        ("[listen]\nmode = '0660'", "listen.mode = '0660' is not a int"),
        ("[listen]\nreadonly = 1", "listen.readonly = 1 is not a bool"),
        ("[limits]\nclients = 0", "limits.clients = 0 does not fit: more than 0"),
        ("[limits]\nclients = true", "limits.clients = True is not a int"),
        ("[limits]\nclients = 1.5", "limits.clients = 1.5 is not a int"),
        ("[limits]\ndeadline = nan", "limits.deadline = nan does not fit: more than 0"),
        ("[limits]\ndeadline = inf", "limits.deadline = inf does not fit: more than 0"),
        ("[keepalive]\ninterval = -1", "keepalive.interval = -1.0 does not fit: 0 or more"),
        ("[log", "Expected ']'"),
        ("[log]\n[log]", "Cannot declare ('log',) twice"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_what_would_fit(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument) as raised:
        loaded(tmp_path, text)
    assert str(raised.value).startswith(f"invalid argument: {tmp_path}/virtactord.toml: ")
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_text_is_an_invalid_argument(tmp_path: Path) -> None:
    path = tmp_path / "virtactord.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidArgument, match="utf-8"):
        Config.load(path)


def test_given_keys_replace_the_defaults_and_only_those(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "[log]\nlevel = 'debug'\nlevels = { qemu = 'error', store = 'info' }\n"
        "[listen]\nmode = 0o600\nreadonly = false\n[limits]\ndeadline = 5\n",
    )
    assert (config.log.level, config.log.levels) == ("debug", {"qemu": "error", "store": "info"})
    assert (config.listen.mode, config.listen.readonly) == (0o600, False)
    assert config.limits.deadline == 5.0
    assert type(config.limits.deadline) is float
    assert config.limits.clients == Config().limits.clients


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
)


@given(
    st.dictionaries(
        st.sampled_from([*SECTIONS, "other"]),
        VALUES | st.dictionaries(st.sampled_from([key.name for _, key in KEYS]), VALUES, max_size=3),
        max_size=3,
    )
)
def test_any_parsed_file_is_a_configuration_or_an_invalid_argument(given_: dict[str, Any]) -> None:
    try:
        config = Config.of(given_)
    except InvalidArgument:
        return
    for name, section in given_.items():
        for key, value in section.items():
            assert getattr(getattr(config, name), key) == value


def test_the_areas_that_can_have_levels_are_those_that_log() -> None:
    loggers = {
        name.partition(".")[0]
        for path in (REPOSITORY / "actors").rglob("*.py")
        for name in re.findall(r'getLogger\("virtactor\.([\w.]+)"\)', path.read_text())
    }
    assert loggers == set(AREAS)
    assert all(isinstance(logging.getLevelName(level.upper()), int) for level in LEVELS)
