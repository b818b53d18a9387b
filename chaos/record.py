"""What an experiment saw, as lines of JSON that can be read while it still runs.

{"began": 1790000000.5}                                       the screens are on; their second 0, of the epoch
{"row": {...}}                                                one call of a screen
{"fault": {"id": 1, "name": ..., "from_s": ...}}              a fault begins
{"lifted": {"id": 1, ..., "to_s": ..., "receipts": [...]}}    it has ended
{"over": 12.3}                                                the last line: everything was taken down
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any


class Writer:
    """Appends lines to `path`, each whole; without a path nothing is written."""

    def __init__(self, path: Path | None) -> None:
        self._file: IO[str] | None = open(path, "w", encoding="utf-8", buffering=1) if path else None  # noqa: SIM115 - closed by `over`
        self._lock = threading.Lock()

    def say(self, kind: str, value: Any) -> None:
        """One line."""
        with self._lock:
            if self._file is not None:
                self._file.write(json.dumps({kind: value}) + "\n")

    def over(self, at_s: float) -> None:
        """The last line; safe to repeat."""
        self.say("over", at_s)
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


@dataclass
class Record:
    """The rows and faults that a record holds so far; `over_s` is None while the experiment runs.

    `began` is None until the stage is set; where it stays so, the experiment could not begin.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    faults: dict[int, dict[str, Any]] = field(default_factory=dict)
    began: float | None = None
    over_s: float | None = None

    def take(self, line: str) -> None:
        """Read one line."""
        [(kind, value)] = json.loads(line).items()
        if kind == "row":
            self.rows.append(value)
        elif kind == "began":
            self.began = value
        elif kind == "over":
            self.over_s = value
        else:
            self.faults.setdefault(value["id"], {"to_s": None, "receipts": []}).update(value)


class Reader:
    """Follows a record that is being written."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0
        self.record = Record()

    def read(self) -> Record:
        """Everything that has come so far; a line that is not whole yet waits for the next call."""
        if self._path.exists():
            with open(self._path, "rb") as file:
                file.seek(self._at)
                whole, _, _ = file.read().rpartition(b"\n")
            if whole:
                self._at += len(whole) + 1
                for line in whole.decode().splitlines():
                    self.record.take(line)
        return self.record


def read(path: Path) -> Record:
    """A finished record."""
    return Reader(path).read()
