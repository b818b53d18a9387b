"""Hostile submissions of lab 4.1 are contained, and answers of other labs cannot be borrowed either."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from backlab import course
from backlab.grading.grade import Grader
from backlab.sandbox import isolation
from backlab.sandbox.limits import Limits
from tests.hostile.attempt import Caching
from tests.hostile.caching import ATTEMPTS
from tests.hostile.test_contained import sandboxes

LIMIT_S = 6.0
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        isolation.reached().name != "strong", reason="needs bubblewrap; see docs/instructors.md"
    ),
]
BORROWED = {  # lab -> exercise cells that take what the lab's own modules have; the others as shipped
    "4.2": [
        ("4.2.a", 0, "order_page = lab.STRATEGIES['mixed']\n"),
        ("4.2.a", 0, "from services.shop.pages import eagerly as order_page\n"),
        ("4.2.a", 0, "from services.shop.pages import LOADERS\norder_page = LOADERS['repaired']\n"),
        ("4.2.c", 0, "order_page = lab.by_hand\n"),
    ],
    "5.5": [
        ("5.5.a", 0, "from services.shop.lag.age import ages_s as time_lag\n"),
        ("5.5.b", 1, "def alert(series):\n    return lab.RULES['age > 4 s'](series)\n"),
        ("5.5.c", 2, "from labs.m5_events.consumer_lag.capacity import fewest as consumers_needed\n"
                     "seconds_to_drain = lab.drained_s\n"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    """One grader for all of them: the next submission must not feel the last one."""
    with Grader(
        course.lab("4.1"), b"the key of the hostile course", Limits(seconds=LIMIT_S, together_bytes=600 << 20)
    ) as made:
        yield made


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.tries)
def test_a_hostile_cache_earns_nothing_and_leaves_nothing(grader: Grader, attempt: Caching) -> None:
    """No false PASS, a report in time, no process of its own left."""
    before = sandboxes(grader)
    began = time.monotonic()
    places = [i for i, cell in enumerate(grader.lab.cells) if cell.role == "exercise"]
    report = grader.grade_cells(dict(zip(places, attempt.cells, strict=True)), "mallory")
    print(
        *(f"{check.verdict} {check.id} {check.reason}" for check in report.checks), sep="\n"
    )  # -rP shows it
    assert {check.id for check in report.checks if check.verdict == "PASS"} <= attempt.earns
    assert time.monotonic() - began < 90
    assert sandboxes(grader) <= before


def test_an_honest_cache_after_all_of_them_gets_its_points(
    grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis, PostgreSQL and the parent are as good as new; it may take its time beside other tests."""
    monkeypatch.setattr(grader, "limits", replace(grader.limits, seconds=Limits().seconds))
    report = grader.grade_cells(dict(grader.lab.solutions), "ada")
    assert [check.verdict for check in report.checks] == ["PASS"] * 5, report.checks


@pytest.mark.parametrize("number", BORROWED)
def test_the_modules_of_a_lab_lend_no_answers(number: str) -> None:
    """What the lab's own code solves is not there when a submission is judged, and the reason says so."""
    with Grader(course.lab(number), b"the key of the hostile course", Limits(seconds=LIMIT_S)) as grader:
        places = [i for i, cell in enumerate(grader.lab.cells) if cell.role == "exercise"]
        shipped = {i: grader.lab.cells[i].source for i in places}
        for id, exercise, source in BORROWED[number]:
            report = grader.judge_cells({**shipped, places[exercise]: source}, "mallory")
            found = next(check for check in report.checks if check.id == id)
            assert found.verdict == "FAIL", (source, found)
            assert "takes from the course's own modules" in found.reason, (source, found)
