"""Grade one submission: refuse, judge, let nbval run, and put both verdicts together.

file -> exercises -> judge (sandbox) -> nbval (another sandbox), if the judge passed anything -> Report
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backlab.authoring.source import Lab, read
from backlab.course import Place
from backlab.grading import submission
from backlab.grading.contract import Contract, contract
from backlab.grading.hidden import Draw
from backlab.grading.judge import judge
from backlab.grading.nbval_run import nbval_verdicts
from backlab.grading.pool import Pool
from backlab.grading.report import Judged, Report
from backlab.grading.room import Repeating, Room
from backlab.sandbox import isolation
from backlab.sandbox.limits import Limits
from backlab.sandbox.nursery import Nursery

Tell = Callable[[str], None]


def refused_report(lab: Lab, why: str, learner: str) -> Report:
    """The report of a submission that earns nothing."""
    checks = [Judged(check.check_id, check.check_text, "FAIL", why) for check in lab.checks]
    return Report(lab.place.id, learner, str(isolation.reached()), checks, refused=why)


class Grader:
    """Grades submissions of one lab, one after the other; servers and preloaded parent are started once."""

    def __init__(
        self, place: Place, key: bytes, limits: Limits | None = None, tell: Tell = lambda text: None
    ) -> None:
        self.lab: Lab = read(place)
        self.contract: Contract = contract(self.lab)
        self.key, self.limits, self.tell = key, limits or Limits(), tell
        self.pool = Pool()
        self._nursery: Nursery | None = None
        self.heard: list[tuple[str, Any]] = []  # what the last guest answered

    def grade(self, path: Path, learner: str) -> Report:
        """Grade a file; raises `BacklabError` only where it cannot be read."""
        try:
            exercises = submission.exercises(submission.load(path), self.lab)
        except submission.Refused as refused:
            return refused_report(self.lab, str(refused), learner)
        return self.grade_cells(exercises, learner)

    def grade_cells(self, exercises: dict[int, str], learner: str, draw: Draw | None = None) -> Report:
        """Grade exercise cells, given by their index in the lab, under `draw` or what the key says."""
        draw = draw or self._draw(learner)
        report = self.judge_cells(exercises, learner, draw)
        if report.points:  # nbval can only take away
            assert self._nursery is not None
            hidden = self.contract.hidden(draw)
            with self._stage(report, "nbval"):
                seen, cells_s = nbval_verdicts(self.lab, exercises, hidden, self._nursery, self.limits)
            _apart(report, "nbval", "cells", cells_s)
            report.checks = [_both(check, *seen[check.id]) for check in report.checks]
        return report

    def judge_cells(self, exercises: dict[int, str], learner: str, draw: Draw | None = None) -> Report:
        """What the judge alone says; a point needs nbval's word, too."""
        report = Report(self.lab.place.id, learner, str(isolation.reached()))
        draw = draw or self._draw(learner)
        # it imports while the judge's servers start
        nursery = self._nursery = self._nursery or Nursery(
            self.contract.imports, self.contract.guest, self.contract.answers
        )
        with self._stage(report, "judging"):
            sources = [exercises[index] for index in sorted(exercises)]
            with Room(self.contract, draw, self.pool, nursery, sources, self.limits) as room:
                report.checks = judge(self.lab, self.contract, room)
            self.heard = room.heard
        _apart(report, "judging", "sandboxes", room.making_s)
        return report

    def _draw(self, learner: str) -> Draw:
        return Draw(self.key, learner, self.lab.place.id)

    def repeat(self, heard: list[tuple[str, Any]], learner: str) -> Report:
        """Judge the answers of another learner's guest, as if they were hard-coded."""
        report = Report(self.lab.place.id, learner, str(isolation.reached()))
        assert self._nursery is not None
        with (
            self._stage(report, "judging"),
            Repeating(self.contract, self._draw(learner), self.pool, self._nursery, [], self.limits) as room,
        ):
            report.checks = judge(self.lab, self.contract, room.repeat(heard))
        return report

    @contextmanager
    def _stage(self, report: Report, name: str) -> Iterator[None]:
        self.tell(name)
        began = time.monotonic()
        yield
        report.stages[name] = time.monotonic() - began

    def close(self) -> None:
        """Stop everything."""
        self.pool.close()
        if self._nursery is not None:
            self._nursery.close()

    def __enter__(self) -> Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _apart(report: Report, stage: str, part: str, seconds: float) -> None:
    """Give a part of a stage a line of its own; a sandbox may have told nonsense about its seconds."""
    if 0 <= seconds <= report.stages[stage]:
        report.stages[stage] -= seconds
        report.stages[part] = seconds


def _both(check: Judged, verdict: str, reason: str) -> Judged:
    """PASS only where judge and nbval agree."""
    if check.verdict == "PASS" and verdict != "PASS":
        check.verdict, check.reason = verdict, f"nbval: {reason}"
    return check
