"""Cohorts for tests: submissions of the tiny lab, and a real `backlab grade` that can be killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from backlab import course
from backlab.authoring import notebook
from backlab.authoring.source import read

HERE = Path(__file__).parent
KEY = "the key of a course of tests"
RIGHT = "def total(n):\n    steps['taken'] += 1\n    return n * (n + 1) // 2\n"
WRONG = "def total(n):\n    steps['taken'] += 1\n    return n * n // 2\n"
SLOW = f"import time; time.sleep(0.7)\n{RIGHT}"


def judged_lab(folder: Path) -> Path:
    """The folder labs/ with lab 9.1 and its judge."""
    shutil.copytree(HERE / "labs", folder / "labs")
    shutil.copytree(HERE / "judged", folder / "labs" / "m9_testing")
    return folder / "labs"


def hand_in(folder: Path, **cells: str) -> Path:
    """A folder of submissions of lab 9.1: who wrote which exercise cell."""
    lab = read(course.lab("9.1"))
    exercise = next(iter(lab.solutions))
    folder.mkdir(exist_ok=True)
    for who, cell in cells.items():
        text = notebook.to_text(notebook.assemble(lab, {exercise: cell}))
        (folder / f"{who}.ipynb").write_text(text, encoding="utf-8")
    return folder


def start(folder: Path, where: Path, *options: str) -> subprocess.Popen[str]:
    """`backlab grade` on a folder, its reports and its temporary files below `where`."""
    (where / "tmp").mkdir(exist_ok=True)
    environment = {**os.environ, "BACKLAB_COURSE_KEY": KEY, "TMPDIR": str(where / "tmp"), "NO_COLOR": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "backlab.cli", "grade", str(folder), "--keep", str(where / "kept"), *options],
        env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def reports(where: Path) -> dict[str, int]:
    """The reports that are kept, and when each was written, in nanoseconds."""
    return {path.name: path.stat().st_mtime_ns for path in (where / "kept" / "reports").glob("*.json")}
