"""One submission as it travels to whoever grades it: exercise cells, limits, and this learner's own root.

Work --JSON--> a desk (this machine, or a Dask worker's) --grade--> report as JSON
The course's key never travels: the root is HMAC(key, learner, lab), good for this one submission alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from backlab import course
from backlab.authoring.source import read
from backlab.grading.contract import fingerprint
from backlab.grading.grade import Grader
from backlab.grading.hidden import Draw
from backlab.grading.report import Judged, Report, to_json
from backlab.sandbox import isolation
from backlab.sandbox.limits import Limits
from services.errors import BacklabError

Tell = Callable[[str], None]


@dataclass(frozen=True, repr=False)
class Work:
    """One submission of one lab; `exercises` are the learner's sources by the index of the exercise."""

    lab: str
    learner: str
    exercises: dict[int, str]
    root: str  # hexadecimal
    course: str  # `fingerprint` of the lab, which must be the same where it is graded
    seconds: float
    least: str  # isolation

    def __repr__(self) -> str:
        """Nothing of what it holds: a scheduler writes this into its logs."""
        return "<a submission>"

    def to_json(self) -> str:
        """On one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Work:
        """What `to_json` has written."""
        row: dict[str, Any] = json.loads(text)
        return cls(**{**row, "exercises": {int(index): cell for index, cell in row["exercises"].items()}})

    def unclear(self, why: str) -> str:
        """The report, as JSON, of a submission that nobody could judge: it is neither right nor wrong."""
        checks = [
            Judged(check.check_id, check.check_text, "INCONCLUSIVE", why)
            for check in read(course.lab(self.lab)).checks
        ]
        return to_json(Report(self.lab, self.learner, str(isolation.reached()), checks))


class Graders:
    """One grader, of the lab that is being graded; another lab's servers are stopped first."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._now: tuple[str, float] = ("", 0.0)
        self._grader: Grader | None = None

    def grade(self, work: Work) -> str:
        """The report of a submission as JSON; raises `BacklabError` where it cannot be graded here."""
        isolation.require(work.least)
        return to_json(self._for(work).grade_cells(
            work.exercises, work.learner, Draw.from_root(bytes.fromhex(work.root))))  # fmt: skip

    def _for(self, work: Work) -> Grader:
        wanted = (work.lab, work.seconds)
        if self._grader is None or self._now != wanted:
            self.close()
            place = course.lab(work.lab)
            if fingerprint(place) != work.course:
                raise BacklabError(
                    f"lab {work.lab} is another here than where the grading was started",
                    "install the same version of the course on every machine",
                )
            self._grader, self._now = Grader(place, b"", Limits(seconds=work.seconds), self._tell), wanted
        return self._grader

    def close(self) -> None:
        """Stop its servers."""
        grader, self._grader = self._grader, None
        if grader is not None:
            grader.close()
