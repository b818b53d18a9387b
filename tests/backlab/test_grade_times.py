"""Where the seconds of a grading went is reported, in words and for machines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from backlab.grading import report
from tests.backlab import cohorts
from tests.backlab.cohorts import RIGHT

EVERY = {report.SET_UP, report.CHECKS, report.NBVAL_SET_UP, report.NBVAL_CHECKS, report.AROUND}


@pytest.fixture(autouse=True)
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lab 9.1 with a judge."""
    monkeypatch.setenv("BACKLAB_LABS", str(cohorts.judged_lab(tmp_path)))


def said(folder: Path, *options: str) -> str:
    """What `backlab grade` prints about one right submission."""
    path = cohorts.hand_in(folder / "in", ada=RIGHT) / "ada.ipynb"
    argv = [sys.executable, "-m", "backlab.cli", "grade", str(path), *options]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout


def test_each_stage_of_a_single_grading_is_told_with_its_seconds(tmp_path: Path) -> None:
    """The exercise's own work is marked, and the rest added up as overhead."""
    lines = said(tmp_path, "--times").splitlines()
    for stage in EVERY:
        mark = "  (own work)" if stage in report.OWN else ""
        assert [line for line in lines if line.endswith(f" s  {stage}{mark}")], (stage, lines)
    assert lines[-1].endswith(" s are overhead")


def test_machines_read_the_same_stages(tmp_path: Path) -> None:
    """None of them is negative, and what the checks took is never called overhead."""
    stages = json.loads(said(tmp_path, "--json"))["stages"]
    assert stages.keys() == EVERY
    assert all(seconds >= 0 for seconds in stages.values()), stages
