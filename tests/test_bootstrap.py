"""Set-up when things go wrong; that it goes well, each chore and `.ci/run` on a fresh clone show."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# a port that nothing listens on: an index that cannot be reached, at once
NO_INDEX = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_FIND_LINKS": "", "PIP_RETRIES": "0"}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repo of its own with just what set-up reads."""
    (tmp_path / "backlab").mkdir()
    for name in ("backlab/bootstrap.py", "requirements.lock", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def set_up(repo: Path, *arguments: str, python: str = sys.executable, **env: str) -> tuple[int, str]:
    """Exit code and words of one set-up."""
    command = [python, "-I", "backlab/bootstrap.py", *arguments]
    done = subprocess.run(
        command, cwd=repo, env={**os.environ, **env}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_nothing_is_done_when_the_stamp_fits() -> None:
    """A second `make run` pays 0.03 s for set-up."""
    if not (ROOT / ".venv/.backlab-stamp").exists():
        pytest.skip("this environment was made by hand")
    assert set_up(ROOT, "--done", python=str(ROOT / ".venv/bin/python")) == (0, "")


def test_a_set_up_without_a_stamp_is_not_done(repo: Path) -> None:
    """The stamp is the last thing that a set-up writes."""
    assert set_up(repo, "--done") == (1, "")


def test_an_environment_of_someone_else_is_left_alone(repo: Path) -> None:
    """It may hold more than we would put back."""
    (repo / ".venv").mkdir()
    (repo / ".venv/mine").touch()
    code, words = set_up(repo)
    assert code == 2
    assert "`.venv` was not made by `make setup`; move it away" in words
    assert (repo / ".venv/mine").exists()


def test_without_a_network_it_says_so_and_the_next_one_begins_anew(repo: Path) -> None:
    """One sentence with the next step, exit code 2, and the half-made environment is known as such."""
    for words_first in ("set-up: Python", "clearing away a set-up that is unfinished"):
        code, words = set_up(repo, **NO_INDEX)
        assert code == 2
        assert words.startswith(words_first)
        assert "the package index could not be reached; check the network" in words.splitlines()[-1]
        assert set_up(repo, "--done")[0] == 1


def test_a_full_disk_is_told_before_anything_is_written(repo: Path) -> None:
    """Asked of the file system; here the need is raised instead of filling a disk."""
    script = repo / "backlab/bootstrap.py"
    script.write_text(script.read_text().replace("SPACE_GB = 1.2", "SPACE_GB = 1e9"))
    code, words = set_up(repo)
    assert code == 2
    assert "GB on the disk of the repo; free some" in words
    assert not (repo / ".venv").exists()


def test_a_python_that_does_not_fit_is_told_with_the_next_step(repo: Path) -> None:
    """No Python on the path fits either, since the path is empty and the bounds are raised."""
    script = repo / "backlab/bootstrap.py"
    script.write_text(script.read_text().replace("OLDEST, TOO_NEW = (3, 11)", "OLDEST, TOO_NEW = (3, 99)"))
    code, words = set_up(repo, PATH="")
    assert code == 2
    assert "and found only 3." in words
    assert "make setup PYTHON=" in words


def test_a_lock_or_command_that_changes_asks_for_a_new_set_up(repo: Path) -> None:
    """Rules for the linter do not."""
    sys.path.insert(0, str(repo / "backlab"))
    try:
        import bootstrap  # type: ignore[import-not-found]  # the copy in `repo`, found by the line above
    finally:
        sys.path.pop(0)
        sys.modules.pop("bootstrap", None)
    wants = [bootstrap.wanted()]
    for name, old, new in (
        ("pyproject.toml", "line-length = 110", "line-length = 100"),
        ("pyproject.toml", 'backlab = "', 'lab = "'),
        ("requirements.lock", "numpy==", "numpy==9."),
    ):
        path = repo / name
        path.write_text(path.read_text().replace(old, new))
        wants.append(bootstrap.wanted())
    assert wants[0] == wants[1]
    assert len(set(wants)) == 3
