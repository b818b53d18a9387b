"""Reports that are kept as they come, so that a run that was killed goes on where it was.

folder/reports/<digest of everything that decides the report>.json     folder/points.csv, folder/cohort.html
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from backlab import course
from backlab.grading.report import Report, from_json, to_csv
from services.errors import BacklabError


def folder_for(places: Sequence[Path]) -> Path:
    """Where a cohort's reports are kept unless somebody says otherwise: out/grades/<the folder's name>."""
    name = places[0].resolve().name if len(places) == 1 else "cohort"
    return course.out("grades") / name


class Kept:
    """The reports in a folder; `fresh` overlooks those that are there already."""

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self.folder, self._fresh = folder, fresh
        self._reports = folder / "reports"
        try:
            self._reports.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BacklabError(
                f"reports cannot be kept in {folder.name}: {error.strerror}",
                "name another folder with --keep",
            ) from error

    def find(self, digest: str) -> Report | None:
        """The report that was made of the same, if it could be judged: what could not is tried again."""
        if self._fresh:
            return None
        try:
            report = from_json(self._file(digest).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError):  # there is none, or none that can be read
            return None
        return None if report.exit_code == 2 else report

    def keep(self, digest: str, report_json: str) -> None:
        """Write a report whole or not at all."""
        _replace(self._file(digest), report_json)

    def summarize(self, reports: Sequence[Report], page: str) -> None:
        """Write the table and the page of all of them."""
        _replace(self.folder / "points.csv", to_csv(list(reports)))
        _replace(self.folder / "cohort.html", page)

    def _file(self, digest: str) -> Path:
        return self._reports / f"{digest}.json"


def digest_of(*parts: bytes) -> str:
    """A name for a report, from all that decides it, and never from what a learner wrote."""
    lengths = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hashlib.sha256(lengths).hexdigest()[:32]


def _replace(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
