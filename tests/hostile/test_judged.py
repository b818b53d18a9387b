"""A lab's judge agrees with its checks: the repair passes, a wrong one fails just the check that it names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backlab import course
from backlab.authoring.prove import variants
from backlab.authoring.source import read
from backlab.grading.grade import Grader

LAB = "4.1"
VARIANTS = {proof.variant: (proof, cells) for proof, cells in variants(read(course.lab(LAB)))}
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    """One grader for all variants, without nbval: `backlab prove` runs that."""
    with Grader(course.lab(LAB), b"a key that nobody needs to know") as made:
        yield made


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_judge_fails_exactly_the_checks_that_a_variant_names(grader: Grader, variant: str) -> None:
    """From outside of the sandbox, under parameters that no notebook holds."""
    proof, cells = VARIANTS[variant]
    shipped = {i: cell.source for i, cell in enumerate(grader.lab.cells) if cell.role == "exercise"}
    report = grader.judge_cells({**shipped, **cells}, "ada")
    failed = [check.id for check in report.checks if check.verdict != "PASS"]
    assert failed == proof.should_fail, report.checks
    assert all(check.verdict in ("PASS", "FAIL") for check in report.checks), report.checks


def test_answers_of_one_learner_earn_another_nothing(grader: Grader) -> None:
    """Every check of this lab has something hidden in it."""
    grader.judge_cells(dict(grader.lab.solutions), "ada")
    report = grader.repeat(grader.heard, "grace")
    assert not report.points, report.checks
