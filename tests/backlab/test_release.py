"""A learner's repository runs the labs and holds nothing that a learner must not have."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from backlab import course
from backlab.authoring.source import read
from backlab.grading.release import release
from services.errors import BacklabError

KEPT_BACK = ("/solved/", "/source/", "judge.py", "/sandbox/", "/grading/", "/cohort/")


def test_a_release_holds_notebooks_and_workflows_but_no_solution_judge_or_key(tmp_path: Path) -> None:
    """Names first, then the text of every solution and wrong repair."""
    files = release(tmp_path / "course", [course.lab("4.2")])
    names = {path.relative_to(tmp_path / "course").as_posix() for path in files}
    assert {
        "labs/m4_performance/02_n_plus_one.ipynb",
        ".github/workflows/grade.yml",
        ".gitlab-ci.yml",
        "docs/class/jupyterhub_config.py",
    } <= names
    assert not [name for name in names if any(word in name for word in KEPT_BACK)]
    lab = read(course.lab("4.2"))
    secrets = [*lab.solutions.values(), *(wrong.source for wrong in lab.wrongs)]
    texts = "".join(
        path.read_text(errors="replace") for path in files if path.suffix in (".py", ".ipynb", ".md")
    )
    assert not [source for source in secrets if source in texts or json.dumps(source)[1:-1] in texts]


def test_its_command_line_knows_its_labs_and_no_grader(tmp_path: Path) -> None:
    """`backlab labs` and `backlab run` work there; `grade` and `prove` are not offered."""
    release(tmp_path / "course", [course.lab("4.2")])
    say = "import sys; sys.path.insert(0, '.'); from backlab import cli; cli.main(sys.argv[1:])"
    run = [sys.executable, "-c", say]
    listed = subprocess.run([*run, "labs"], cwd=tmp_path / "course", capture_output=True, text=True)
    assert "How many questions does one page ask?" in listed.stdout
    offered = subprocess.run([*run, "--help"], cwd=tmp_path / "course", capture_output=True, text=True).stdout
    assert "open" in offered
    assert not {"grade", "prove", "release"} & {
        line.split()[0] for line in offered.splitlines() if line.split()
    }


def test_a_directory_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    """It may be somebody's work."""
    (tmp_path / "mine").write_text("x")
    with pytest.raises(BacklabError, match="not empty"):
        release(tmp_path, [course.lab("4.2")])
