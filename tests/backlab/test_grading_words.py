"""What a grader says when something other than the learner's work goes wrong; no server, no sandbox."""

from __future__ import annotations

import pytest

from backlab import course
from backlab.authoring import notebook
from backlab.authoring.source import read
from backlab.grading.nbval_run import Seen
from backlab.grading.report import Judged, Report, from_json, to_json


def first_of(code: list[object], role: str) -> int:
    return next(n for n, cell in enumerate(code) if notebook.role_of(cell) == role)


@pytest.mark.parametrize(("running", "said"), [("setup", "INCONCLUSIVE"), ("exercise", "FAIL")])
def test_a_cell_that_takes_too_long_is_the_learners_fault_only_where_theirs_have_begun(running, said):
    """A server that a busy machine starts too slowly takes no points away; an endless exercise does."""
    lab = read(course.lab("5.5"))
    cells = notebook.minimal(lab, {}).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    seen = Seen(code)
    seen.note({"begin": first_of(code, running)})
    seen.ended = "a cell ran longer than 20 s and was ended"

    verdict, reason = seen.verdict(first_of(code, "check"), "5.5.a")

    assert verdict == said
    assert "longer than 20 s" in reason


def test_a_report_holds_what_json_does_not_know_as_text():
    judged = Judged("5.5.d", "nothing is lost", "FAIL", "it is", measured=[b"first"], bound={1})
    report = from_json(to_json(Report("5.5", "ada", "strong", [judged], "", {})))

    assert report.checks[0].measured == ["b'first'"]
    assert report.points == 0
