"""Every hostile submission is contained: nothing passes unearned, a report comes in time, nothing is left."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from backlab import course
from backlab.grading.grade import Grader
from backlab.sandbox import isolation
from backlab.sandbox.limits import Limits
from tests.hostile import grader as on_the_grader
from tests.hostile import machine, servers
from tests.hostile.attempt import Attempt

LIMIT_S = 4.0
ATTEMPTS = [*on_the_grader.ATTEMPTS, *servers.ATTEMPTS, *machine.ATTEMPTS]
KEY = b"the key of the hostile course"
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        isolation.reached().name != "strong", reason="needs bubblewrap; see docs/instructors.md"
    ),
]


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    """One grader for all of them, as in a cohort: the next submission must not feel the last one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKLAB_COURSE_KEY", KEY.decode())
        with Grader(course.lab("4.2"), KEY, Limits(seconds=LIMIT_S, together_bytes=600 << 20)) as made:
            yield made


def exercises(grader: Grader, attempt: Attempt) -> dict[int, str]:
    """The attempt in its exercises, the shipped code in the others."""
    shipped = {i: cell.source for i, cell in enumerate(grader.lab.cells) if cell.role == "exercise"}
    theirs = (attempt.page, attempt.detector, attempt.repair)
    return {i: new or old for (i, old), new in zip(shipped.items(), theirs, strict=True)}


def sandboxes(grader: Grader) -> set[int]:
    """Process ids of bubblewrap's and of guests among what this process has started."""
    parent = grader._nursery._process.pid if grader._nursery else 0
    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == parent:
                continue
            named = process.name() == "bwrap" or "backlab.sandbox.nursery_process" in process.cmdline()
            if named or isolation.FIRST_ID <= process.uids().real < isolation.FIRST_ID + isolation.IDS:
                found.add(process.pid)
    return found


def test_there_are_at_least_forty_attempts_and_each_says_what_it_tries() -> None:
    """A family that loses its members would go unnoticed."""
    assert len({attempt.tries for attempt in ATTEMPTS}) == len(ATTEMPTS) >= 40


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.tries)
def test_a_hostile_submission_earns_nothing_and_leaves_nothing(grader: Grader, attempt: Attempt) -> None:
    """No false PASS, a report in time, no process of its own left."""
    before = sandboxes(grader)
    began = time.monotonic()
    report = grader.grade_cells(exercises(grader, attempt), "mallory")
    took_s = time.monotonic() - began
    print(
        *(f"{check.verdict} {check.id} {check.reason}" for check in report.checks), sep="\n"
    )  # -rP shows it
    passed = {check.id for check in report.checks if check.verdict == "PASS"}
    assert passed <= attempt.earns, report.checks
    assert len(report.checks) == 5
    assert not any("HIDDEN" in check.reason or "\x1b" in check.reason for check in report.checks)
    assert took_s < 60, took_s
    assert sandboxes(grader) <= before
    assert not Path("/tmp/backlab-was-here").exists()


def test_an_honest_submission_after_all_of_them_gets_its_points(
    grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The servers, the parent and the wire are as good as new; it may take its time beside other tests."""
    monkeypatch.setattr(grader, "limits", replace(grader.limits, seconds=Limits().seconds))
    report = grader.grade_cells(dict(grader.lab.solutions), "ada")
    assert [check.verdict for check in report.checks] == ["PASS"] * 5, report.checks
