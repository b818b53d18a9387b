"""A cohort's reports are kept as they come, in order, and a run that was stopped goes on where it was."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from backlab.cohort import local
from backlab.cohort.cohort import Course, entries, grade, notebooks_in
from backlab.cohort.keeping import Kept
from backlab.cohort.local import on_this_machine
from backlab.grading.report import Report, from_json, to_json
from services import ready
from services.errors import BacklabError
from tests.backlab import cohorts
from tests.backlab.cohorts import RIGHT, SLOW, WRONG
from tests.leaks.belongings import runs

SIX = {f"learner{n}": WRONG if n == 2 else SLOW for n in range(6)}
POINTS = [2, 2, 1, 2, 2, 2]


@pytest.fixture(autouse=True)
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lab 9.1 with a judge."""
    monkeypatch.setenv("BACKLAB_LABS", str(cohorts.judged_lab(tmp_path)))


def graded(folder: Path, kept: Kept, jobs: int = 1, **how: object) -> list[Report]:
    """All reports of a folder, in order."""
    todo = entries(notebooks_in([folder]), Course(b"k" * 32, True, **how), kept)  # type: ignore[arg-type]
    run = lambda works: on_this_machine(works, jobs, lambda words: None)  # noqa: E731 - one line says it
    return list(grade(todo, run, kept, lambda done, kept, of: None))


def points(text: str) -> dict[str, int]:
    """Of each learner, from the CSV."""
    return {row["learner"]: int(row["points"]) for row in csv.DictReader(text.splitlines())}


def test_a_report_that_is_kept_is_not_made_again(tmp_path: Path) -> None:
    """Neither lost nor graded twice; what has changed, or could not be judged, is graded anew."""
    folder = cohorts.hand_in(tmp_path / "in", ada=RIGHT, bob=WRONG)
    first = graded(folder, Kept(tmp_path))
    assert [(report.learner, report.points) for report in first] == [("ada", 2), ("bob", 1)]
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "reports").iterdir()}
    assert graded(folder, Kept(tmp_path)) == [from_json(to_json(report)) for report in first]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "reports").iterdir()} == written
    cohorts.hand_in(folder, bob=RIGHT)
    assert [report.points for report in graded(folder, Kept(tmp_path))] == [2, 2]
    assert len(list((tmp_path / "reports").iterdir())) == 3


def test_what_could_not_be_judged_is_tried_again(tmp_path: Path) -> None:
    """A machine without memory is no reason to have no points for good."""
    folder = cohorts.hand_in(tmp_path / "in", ada=RIGHT)
    graded(folder, Kept(tmp_path))
    file = next((tmp_path / "reports").iterdir())
    report = from_json(file.read_text())
    report.checks[0].verdict = "INCONCLUSIVE"
    file.write_text(to_json(report))
    assert graded(folder, Kept(tmp_path))[0].points == 2


def test_a_file_that_is_no_submission_keeps_nobody_from_points(tmp_path: Path) -> None:
    """It has a line of its own that says why."""
    folder = cohorts.hand_in(tmp_path / "in", ada=RIGHT)
    (folder / "a list.ipynb").write_text("[")
    (folder / "zoe.ipynb").write_text(json.dumps({"cells": [], "metadata": {"backlab": {"lab": "9.1"}}}))
    reports = graded(folder, Kept(tmp_path))
    assert [report.points for report in reports] == [0, 2, 0]
    assert "is not JSON" in reports[0].refused
    assert "is missing" in reports[2].refused
    assert [report.exit_code for report in reports] == [2, 0, 1]


def test_a_learner_may_be_a_folder(tmp_path: Path) -> None:
    """As nbgrader and GitHub Classroom hand them out."""
    cohorts.hand_in(tmp_path / "ada", homework=WRONG)
    assert graded(tmp_path / "ada", Kept(tmp_path), by_folder=True)[0].learner == "ada"


@pytest.mark.long
def test_a_killed_cohort_leaves_nothing_and_goes_on_where_it_was(tmp_path: Path) -> None:
    """SIGKILL in the midst of it: finished ones stay as they are, the order is that of the files."""
    folder = cohorts.hand_in(tmp_path / "in", **SIX)
    with cohorts.start(folder, tmp_path, "--jobs", "2", "--csv") as killed:
        assert ready.true(lambda: 1 <= len(cohorts.reports(tmp_path)) < 5, within_s=60)
        family = psutil.Process(killed.pid).children(recursive=True)
        killed.kill()
    before = cohorts.reports(tmp_path)
    assert family
    assert ready.true(lambda: not any(map(runs, family)), within_s=10), [f for f in family if runs(f)]
    assert list((tmp_path / "tmp").iterdir()) == []
    with cohorts.start(folder, tmp_path, "--jobs", "2", "--csv") as again:
        said, _ = again.communicate(timeout=120)
    after = cohorts.reports(tmp_path)
    assert len(after) == 6
    assert after | before == after
    assert list(points(said).items()) == list(zip(SIX, POINTS, strict=True))
    assert points((tmp_path / "kept" / "points.csv").read_text()) == points(said)


@pytest.mark.long
def test_ctrl_c_keeps_what_is_finished_and_leaves_nothing(tmp_path: Path) -> None:
    """Exit code 130, one line that says how to go on."""
    folder = cohorts.hand_in(tmp_path / "in", **SIX)
    with cohorts.start(folder, tmp_path, "--jobs", "2") as stopped:
        assert ready.true(lambda: bool(cohorts.reports(tmp_path)), within_s=60)
        family = psutil.Process(stopped.pid).children(recursive=True)
        stopped.send_signal(signal.SIGINT)
        _, said = stopped.communicate(timeout=30)
    assert stopped.returncode == 130
    assert "the same command goes on" in said
    assert ready.true(lambda: not any(map(runs, family)), within_s=10)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert all(from_json(path.read_text()) for path in (tmp_path / "kept" / "reports").glob("*.json"))


def test_another_process_takes_over_from_one_that_was_killed(tmp_path: Path) -> None:
    """As the kernel's killer does when memory is short; whoever is killed twice is told so."""
    folder = cohorts.hand_in(tmp_path / "in", ada=SLOW)
    for killings, expected in ((1, "PASS"), (2, "INCONCLUSIVE")):
        with cohorts.start(folder, tmp_path, "--json", "--fresh") as run:
            killed: set[int] = set()
            while len(killed) < killings:
                assert ready.true(lambda killed=killed, run=run: bool(desks(run.pid) - killed), within_s=30)
                for pid in desks(run.pid) - killed:
                    os.kill(pid, signal.SIGKILL)
                    killed.add(pid)
            said, _ = run.communicate(timeout=60)
        assert {check["verdict"] for check in json.loads(said)["checks"]} == {expected}, said


def desks(pid: int) -> set[int]:
    """The processes that grade for a `backlab grade`."""
    children = psutil.Process(pid).children()
    return {one.pid for one in children if runs(one) and "backlab.cohort.desk_process" in one.cmdline()}


def test_a_small_container_grades_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine around it has; without a limit it is the machine's cores, at most."""
    group = tmp_path / "memory.max"
    monkeypatch.setattr(local, "CONTROL_GROUP", group)
    group.write_text(f"{local.JOB_BYTES}\n")
    assert local.jobs_here() == 1
    group.write_text("max\n")
    assert 1 <= local.jobs_here() <= local.cores()


def test_a_folder_without_notebooks_is_told(tmp_path: Path) -> None:
    """Checkpoints of Jupyter are no submissions."""
    (tmp_path / "in" / ".ipynb_checkpoints").mkdir(parents=True)
    (tmp_path / "in" / ".ipynb_checkpoints" / "x.ipynb").write_text("{}")
    with pytest.raises(BacklabError, match="no notebook"):
        notebooks_in([tmp_path / "in"])


def test_what_an_update_works_from_and_puts_aside_is_not_handed_in(tmp_path: Path) -> None:
    """Both lie beside the learner's work; each is graded when it is named."""
    for name in ("m4/02_n_plus_one.ipynb", "fresh/m4/02_n_plus_one.ipynb", "m4/02_n_plus_one.kept-1.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert notebooks_in([tmp_path]) == [tmp_path / "m4/02_n_plus_one.ipynb"]
    kept = tmp_path / "m4/02_n_plus_one.kept-1.ipynb"
    assert notebooks_in([kept]) == [kept]
