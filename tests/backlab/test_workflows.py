"""A released repository's workflows do what they say: red for shipped exercises, green for repaired ones."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import pytest

from backlab import course
from backlab.grading.release import release
from tests import house
from tests.backlab import workflows

pytestmark = pytest.mark.long
LAB = course.lab("4.2")
NEEDED = {"parameters", "setup", "exercise", "check"}


@dataclass(frozen=True)
class Machine:
    """A runner's working folder: the learner's repository, and the course's where a URL can name it."""

    folder: Path
    submission: Path
    course: Path
    env: dict[str, str]

    def hand_in(self, repaired: bool) -> None:
        """The learner's notebook, without its experiments: they take time, and no check needs them."""
        notebook = json.loads(LAB.learner.read_text())
        solved = {cell["id"]: cell["source"] for cell in json.loads(LAB.solved.read_text())["cells"]}
        cells = [cell for cell in notebook["cells"] if NEEDED & set(cell["metadata"].get("tags", ()))]
        for cell in cells:
            if repaired and "exercise" in cell["metadata"]["tags"]:
                cell["source"] = solved[cell["id"]]
        path = self.submission / LAB.relative
        path.write_text(json.dumps({**notebook, "cells": cells}))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """What the two `actions/checkout` leave: `submission/` and `course/`, which is a repository."""
    folder = tmp_path_factory.mktemp("runner")
    release(folder / "submission", [LAB])
    for path in house.committed():
        copy = folder / "course" / path.relative_to(house.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    git = ["git", "-C", str(folder / "course"), "-c", "user.name=course", "-c", "user.email=course@localhost"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "the course"]):
        subprocess.run([*git, *command], check=True)
    env = {"CI": "true", "GITHUB_REPOSITORY_OWNER": "ada", "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
           "COURSE_URL": str(folder / "course"), "COURSE_KEY": secrets.token_hex(32),
           "CI_PROJECT_NAMESPACE": "ada"}  # fmt: skip
    return Machine(folder, folder / "submission", folder / "course", env)


def github(machine: Machine, job: str, folder: Path) -> int:
    """Run a job's steps in order, to the first that fails and is not forgiven; the job's exit code."""
    file = machine.submission / ".github/workflows/grade.yml"
    for step in workflows.github(file, job, {"COURSE_KEY": machine.env["COURSE_KEY"]}):
        done = workflows.run(step, folder, machine.env)
        print(done.stdout[-1000:], done.stderr[-1000:])
        if done.returncode and not step.forgiven:
            return done.returncode
    return 0


def failures(report: Path) -> set[str]:
    """The names of the cases of a JUnit file that failed; it must have some cases."""
    cases = list(ElementTree.parse(report).iter("testcase"))
    assert cases
    return {case.attrib["name"] for case in cases if case.find("failure") is not None}


def test_github_s_first_answer_is_nbval_s(machine: Machine) -> None:
    """The job is green whatever nbval says, and leaves what it uploads."""
    machine.hand_in(repaired=False)
    assert github(machine, "nbval", machine.submission) == 0
    assert len(failures(machine.submission / "nbval.xml")) == 3


def test_github_s_grader_is_red_for_the_shipped_exercises_and_green_for_repaired_ones(
    machine: Machine,
) -> None:
    """With JUnit to upload and a summary for the page of the run, which names each check."""
    machine.hand_in(repaired=False)
    assert github(machine, "grade", machine.folder) == 1
    assert len(failures(machine.folder / "grade.xml")) == 3
    machine.hand_in(repaired=True)
    assert github(machine, "grade", machine.folder) == 0
    assert not failures(machine.folder / "grade.xml")
    summary = (machine.folder / "summary.md").read_text()
    assert summary.count("4.2.a") == summary.count("4.2.e") == 2


def test_gitlab_grades_with_a_course_that_it_clones(machine: Machine) -> None:
    """The clone, its set-up and the grade in one script."""
    machine.hand_in(repaired=True)
    folder = machine.folder / "gitlab" / "submission"  # a runner's own: the clone lands beside it
    shutil.copytree(machine.submission, folder, ignore=shutil.ignore_patterns(".venv"))
    done = workflows.run(workflows.gitlab(folder / ".gitlab-ci.yml", "grade"), folder, machine.env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not failures(folder / "grade.xml")


def test_both_runners_ask_nbval_the_same(machine: Machine) -> None:
    """What runs for one of them need not run again for the other."""
    steps = workflows.github(machine.submission / ".github/workflows/grade.yml", "nbval", {})
    script = workflows.gitlab(machine.submission / ".gitlab-ci.yml", "nbval").script
    assert script == "\n".join(step.script for step in steps)
