"""Log records as lines: ``time level area message`` in text, or one JSON object each; levels per area."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from .config import LogConfig

ROOT = "virtactor"


def _area(record: logging.LogRecord) -> str:
    return record.name.removeprefix(f"{ROOT}.")


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record)} {record.levelname.lower():7} {_area(record)}: {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JSONFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "area": _area(record),
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def configure(config: LogConfig, stream: TextIO = sys.stderr) -> None:
    """Send the daemon's log, and its libraries' warnings, to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONFormatter() if config.format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(ROOT).setLevel(config.level.upper())
    # The library logs what it raises as well; we translate what it raises.
    logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)
    for area, level in config.levels.items():
        logging.getLogger(f"{ROOT}.{area}").setLevel(level.upper())
