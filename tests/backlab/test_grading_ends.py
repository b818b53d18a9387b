"""The judge's part ends as soon as nbval's: a guest that dies or runs away is told, its cell quoted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from backlab import course
from backlab.grading.grade import Grader
from backlab.grading.report import Report
from backlab.sandbox.limits import Limits
from backlab.sandbox.nursery import Nursery
from services.errors import BacklabError
from tests.backlab import cohorts
from tests.backlab.cohorts import RIGHT

LIMIT_S = 2.0
pytestmark = pytest.mark.alone  # it counts seconds


@pytest.fixture(autouse=True)
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lab 9.1 with a judge."""
    monkeypatch.setenv("BACKLAB_LABS", str(cohorts.judged_lab(tmp_path)))


def graded(cell: str) -> tuple[Report, float]:
    """The report, and how many seconds it took once the preloaded parent was there."""
    with Grader(course.lab("9.1"), b"k" * 32, Limits(seconds=LIMIT_S)) as grader:
        exercise = next(iter(grader.lab.solutions))
        grader.grade_cells({exercise: "raise ValueError"}, "bob")
        began = time.monotonic()
        report = grader.grade_cells({exercise: cell}, "ada")
        return report, time.monotonic() - began


@pytest.mark.parametrize(
    "cell",
    [
        "import os; os._exit(3)",
        "import os; os.kill(os.getpid(), 9)",
        f"def total(n):\n    import os\n    os._exit(3)\n# {RIGHT[:3]}",
    ],
)
def test_a_guest_that_dies_is_told_within_five_seconds(cell: str) -> None:
    """While the exercise cell is executed, and while the judge calls what it defines."""
    report, took_s = graded(cell)
    first = cell.splitlines()[0]
    assert {check.verdict for check in report.checks} == {"FAIL"}
    assert all(
        check.reason.endswith(f"ended its process; the cell begins '{first}'") for check in report.checks
    )
    assert took_s < 5


@pytest.mark.parametrize("cell", ["while True: pass", "def total(n):\n    while True: pass\n"])
def test_a_guest_that_runs_away_is_told_at_the_limit_and_five_seconds(cell: str) -> None:
    """Once: what has run away is not called again."""
    report, took_s = graded(cell)
    first = cell.splitlines()[0]
    said = f"ran longer than {LIMIT_S:g} s and was ended; the cell begins '{first}'"
    assert {check.verdict for check in report.checks} == {"FAIL"}
    assert all(check.reason.endswith(said) for check in report.checks)
    assert LIMIT_S <= took_s < LIMIT_S + 5


def test_a_parent_of_guests_that_is_gone_is_told_in_one_sentence() -> None:
    """While it imports, which nobody waits for until a guest is wanted, and later."""
    ready = Nursery([], "json")
    ready.wait()
    for parent in (ready, Nursery([], "json")):
        parent._process.kill()
        parent._process.wait()
        with pytest.raises(BacklabError, match=r"the sandbox's parent could not .*: it has ended; run"):
            parent.ask({"do": "listen"})
        parent.close()
