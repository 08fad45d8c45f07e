"""Log records as lines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from virtactor.actors import logs
from virtactor.actors.config import LogConfig


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("virtactor", "virtactor.qemu", "qemu.qmp")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def logged(config: LogConfig) -> str:
    stream = io.StringIO()
    logs.configure(config, stream)
    logging.getLogger("virtactor.qemu").debug("details of %s", "a start")
    logging.getLogger("virtactor.qemu.accelerator").info("KVM runs guests")
    logging.getLogger("somebody.else").info("chatter")
    logging.getLogger("somebody.else").warning("a warning")
    try:
        raise ValueError("odd\nindeed")
    except ValueError:
        logging.getLogger("virtactor.runtime").exception("failed")
    return stream.getvalue()


def test_text_is_time_level_area_and_message() -> None:
    lines = logged(LogConfig()).splitlines()
    assert [line.split(" ", 1)[1] for line in lines[:3]] == [
        "info    qemu.accelerator: KVM runs guests",
        "warning somebody.else: a warning",
        "error   runtime: failed",
    ]
    assert lines[3] == "Traceback (most recent call last):"


def test_json_is_one_object_a_line_whatever_is_in_it() -> None:
    records = [json.loads(line) for line in logged(LogConfig(format="json", level="debug")).splitlines()]
    assert [(record["level"], record["area"], record["message"]) for record in records] == [
        ("debug", "qemu", "details of a start"),
        ("info", "qemu.accelerator", "KVM runs guests"),
        ("warning", "somebody.else", "a warning"),
        ("error", "runtime", "failed"),
    ]
    assert "ValueError: odd\nindeed" in records[-1]["traceback"]


def test_an_areas_level_is_that_of_what_is_in_it() -> None:
    text = logged(LogConfig(level="error", levels={"qemu": "debug"}))
    assert "details of a start" in text
    assert "KVM runs guests" in text
    text = logged(LogConfig(levels={"qemu": "error"}))
    assert "KVM runs guests" not in text
