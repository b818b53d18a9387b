"""A cohort's reports are kept as they come, and a run that was killed goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backlab import course, notebook
from backlab.grading.cohort import grade_files, keep, kept, notebooks_in
from backlab.grading.limits import Limits
from backlab.grading.page import page
from backlab.grading.report import Judged, Report, from_json, to_json
from backlab.source import read
from services.errors import BacklabError


def refused_notebook(path: Path) -> Path:
    """A notebook of lab 4.2 without its exercises, which needs no server to be graded."""
    made = json.loads(json.dumps(notebook.assemble(read(course.lab("4.2")))))
    made["cells"] = [cell for cell in made["cells"] if not cell["id"].endswith("exercise")]
    path.write_text(json.dumps(made))
    return path


def test_a_report_that_is_kept_is_not_made_again(tmp_path: Path) -> None:
    """Neither lost nor graded twice; a changed file is graded anew."""
    files = [refused_notebook(tmp_path / f"{name}.ipynb") for name in ("ada", "bob")]
    folder = tmp_path / "kept"
    first = list(grade_files(files, b"k" * 32, None, None, Limits(), folder=folder))
    assert [report.learner for report in first] == ["ada", "bob"]
    file = kept(folder, files[0])
    assert file is not None
    keep(file, Report("4.2", "ada, kept", "weak"))
    again = list(grade_files(files, b"k" * 32, None, None, Limits(), folder=folder))
    assert [report.learner for report in again] == ["ada, kept", "bob"]
    files[0].write_text(files[0].read_text() + "\n")
    assert next(grade_files(files, b"k" * 32, None, None, Limits(), folder=folder)).learner == "ada"


def test_a_report_survives_being_written(tmp_path: Path) -> None:
    """As JSON and back."""
    report = next(grade_files([refused_notebook(tmp_path / "ada.ipynb")], b"k" * 32, None, None, Limits()))
    assert from_json(to_json(report)) == report
    assert report.exit_code == 1
    assert "is missing" in report.refused


def test_a_folder_without_notebooks_is_told(tmp_path: Path) -> None:
    """Checkpoints of Jupyter are no submissions."""
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "x.ipynb").write_text("{}")
    with pytest.raises(BacklabError, match="no notebook"):
        notebooks_in([tmp_path])


def test_what_an_update_works_from_and_puts_aside_is_not_handed_in(tmp_path: Path) -> None:
    """Both lie beside the learner's work; each is graded when it is named."""
    for name in ("m4/02_n_plus_one.ipynb", "fresh/m4/02_n_plus_one.ipynb", "m4/02_n_plus_one.kept-1.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert notebooks_in([tmp_path]) == [tmp_path / "m4/02_n_plus_one.ipynb"]
    kept = tmp_path / "m4/02_n_plus_one.kept-1.ipynb"
    assert notebooks_in([kept]) == [kept]


def test_the_page_says_where_a_cohort_gets_stuck_and_runs_no_learner_s_script() -> None:
    """The check that fewest pass, with the reasons that were given most."""
    made = [
        Report("4.2", f"<script>{n}", "weak", [
            Judged("4.2.a", "few questions", "PASS" if n == 0 else "FAIL", f"{n}00 statements"),
            Judged("4.2.b", "no row twice", "PASS"),
        ])
        for n in range(3)
    ]  # fmt: skip
    text = page(made)
    assert "gets stuck: 4.2.a" in text
    assert "<td>2<td>### statements" in text
    assert "<script>" not in text
