"""Hostile files: what is no notebook of this lab is refused with one sentence, whatever else is in it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backlab import course
from backlab.authoring import notebook
from backlab.authoring.source import Lab, read
from backlab.grading import submission
from backlab.grading.hidden import Draw, course_key
from backlab.grading.report import Judged, Report, to_csv, to_junit, to_markdown
from services.errors import BacklabError


@pytest.fixture(scope="module")
def lab() -> Lab:
    """Lab 4.2."""
    return read(course.lab("4.2"))


def shipped(lab: Lab) -> dict[str, Any]:
    """The learner's notebook as JSON."""
    return dict(json.loads(json.dumps(notebook.assemble(lab))))


def of_exercise(raw: dict[str, Any]) -> dict[str, Any]:
    """The first exercise cell."""
    return next(cell for cell in raw["cells"] if cell["id"].endswith("exercise"))


def twice(raw: dict[str, Any]) -> None:
    """The same id on two cells."""
    raw["cells"].append(dict(of_exercise(raw)))


def without(raw: dict[str, Any]) -> None:
    """An exercise less."""
    raw["cells"].remove(of_exercise(raw))


def as_text(raw: dict[str, Any]) -> None:
    """An exercise that is Markdown now."""
    of_exercise(raw)["cell_type"] = "markdown"


def in_julia(raw: dict[str, Any]) -> None:
    """Another kernel."""
    raw["metadata"]["kernelspec"] = {"name": "julia-1.11", "language": "julia", "display_name": "Julia"}


def of_another_lab(raw: dict[str, Any]) -> None:
    """A cell of lab 4.1."""
    raw["cells"].append(
        {"cell_type": "code", "id": "4-1-07-exercise", "source": "", "metadata": {}, "outputs": []}
    )


def too_long(raw: dict[str, Any]) -> None:
    """A megabyte of code."""
    of_exercise(raw)["source"] = "x = 1\n" * 200_000


def no_source(raw: dict[str, Any]) -> None:
    """A number instead of code."""
    of_exercise(raw)["source"] = 7


REFUSED = [
    (twice, "two cells have the id"), (without, "is missing"), (as_text, "is no code cell"),
    (in_julia, "speaks julia"), (of_another_lab, "belongs to lab 4.1"), (too_long, "at most 50,000"),
    (no_source, "has no text"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), REFUSED, ids=lambda value: getattr(value, "__name__", ""))
def test_a_notebook_that_is_not_this_lab_s_is_refused(
    lab: Lab, change: Callable[[Any], None], said: str
) -> None:
    """One sentence, which names the cell."""
    raw = shipped(lab)
    change(raw)
    with pytest.raises(submission.Refused, match=said):
        submission.exercises(raw, lab)


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", '{"cells": 3}', "[" * 100_000, "\x00\x01", '{"cells": [1]}']
)
def test_a_file_that_is_no_notebook_is_refused(lab: Lab, tmp_path: Path, text: str) -> None:
    """And nothing else happens."""
    path = tmp_path / "x.ipynb"
    path.write_text(text)
    with pytest.raises(submission.Refused):
        submission.exercises(submission.load(path), lab)


def test_outputs_of_100_mb_and_scripts_in_attachments_are_not_looked_at(lab: Lab, tmp_path: Path) -> None:
    """Only the exercise cells' sources are taken from the file."""
    raw = shipped(lab)
    raw["cells"][0]["attachments"] = {"x.svg": {"image/svg+xml": "<script>alert(1)</script>"}}
    of_exercise(raw)["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * (100 << 20)}]
    path = tmp_path / "large.ipynb"
    path.write_text(json.dumps(raw))
    found = submission.exercises(submission.load(path), lab)
    assert sorted(found) == sorted(lab.solutions)
    assert sum(map(len, found.values())) < 10_000


def test_markers_and_magics_go_and_lines_stay(lab: Lab) -> None:
    """nbval would obey them, IPython too."""
    source = "# NBVAL_SKIP\n%%capture\n!rm -rf x\nx = !ls\n#PYTEST_VALIDATE_IGNORE_OUTPUT\ny = 7 % 2"
    assert submission.stripped(source) == "\n\n\n\n\ny = 7 % 2"


def test_a_learner_s_name_is_only_ever_text() -> None:
    """A path, a formula, markup: none of them does anything."""
    name = '../../etc/passwd|<img src=x>=cmd()\n"'
    report = Report("4.2", name, "weak", [Judged("4.2.a", "text", "FAIL", "=1+1 <b>|")])
    assert "<img" not in to_markdown([report])
    assert "'=1+1" in to_csv([report])
    assert "<b>" not in to_junit([report])
    assert Draw(b"k" * 32, name, "4.2").integer("x", 0, 9**9) != Draw(b"k" * 32, "ada", "4.2").integer(
        "x", 0, 9**9
    )


def test_hidden_values_depend_on_key_learner_and_lab() -> None:
    """The same for the same, and a short key is refused."""
    drawn = {
        Draw(key, who, lab).word("x")
        for key in (b"1" * 32, b"2" * 32)
        for who in "ab"
        for lab in ("4.1", "4.2")
    }
    assert len(drawn) == 8
    assert Draw(b"1" * 32, "a", "4.1").word("x") in drawn


def test_the_key_is_taken_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers inherit the grader's environment."""
    monkeypatch.setenv("BACKLAB_COURSE_KEY", "0123456789abcdef")
    assert course_key() == (b"0123456789abcdef", "BACKLAB_COURSE_KEY")
    assert "BACKLAB_COURSE_KEY" not in os.environ


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    """It could be guessed."""
    (tmp_path / "key").write_text("secret")
    with pytest.raises(BacklabError, match="at least 16"):
        course_key(tmp_path / "key")
