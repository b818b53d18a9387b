"""Plain `pytest --nbval-lax`, as a CI operator calls it: green when solved, red at the learner's checks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from backlab import course
from backlab.authoring.source import read
from tests import house
from tests.conftest import needs_natively

SOLVED = house.ROOT / "labs/solved"
LABS = sorted(path.relative_to(SOLVED) for path in SOLVED.rglob("*.ipynb"))
FLAGSHIP = Path("m4_performance/02_n_plus_one.ipynb")
# each lab natively, one in containers, too: there `make prove` runs all of them
RUNS = [
    *(pytest.param(lab, "native", id=f"{lab}-native") for lab in LABS),
    pytest.param(FLAGSHIP, "container", id=f"{FLAGSHIP}-container", marks=pytest.mark.container),
]
WITHIN_S = 300
pytestmark = pytest.mark.long


def nbval(notebook: Path, backend: str, report: Path) -> dict[int, bool]:
    """Which code cells passed, by their number among the code cells."""
    if backend == "native":
        for kind in course.lab(str(notebook)).servers:
            needs_natively(kind)
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", f"--junit-xml={report}", str(notebook)]
    env = {**os.environ, "BACKLAB_BACKEND": backend}
    done = subprocess.run(command, cwd=house.ROOT, env=env, capture_output=True, text=True, timeout=WITHIN_S)
    assert done.returncode in (0, 1), done.stdout
    cases = ElementTree.parse(report).iter("testcase")
    return {
        int(case.attrib["name"].rsplit(" ", 1)[1]): case.find("failure") is None
        and case.find("error") is None
        for case in cases
    }


def code_cells(notebook: Path) -> list[set[str]]:
    """The tags of each code cell."""
    cells = json.loads(notebook.read_text())["cells"]
    return [set(cell["metadata"].get("tags", ())) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize(("lab", "backend"), RUNS)
def test_the_solved_notebook_passes_every_cell(lab: Path, backend: str, tmp_path: Path) -> None:
    """What a learner who has repaired everything sees."""
    passed = nbval(SOLVED / lab, backend, tmp_path / "report.xml")
    assert len(passed) == len(code_cells(SOLVED / lab))
    assert [cell for cell, well in passed.items() if not well] == []


def red_checks(lab: Path) -> set[int]:
    """The code cells whose checks the shipped exercises must fail, as the lab's source says."""
    ids = read(course.lab(str(lab))).red_when_naive
    cells = json.loads((house.ROOT / "labs" / lab).read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return {number for number, source in enumerate(code) if any(f'check("{id}"' in source for id in ids)}


@pytest.mark.parametrize(("lab", "backend"), RUNS)
def test_the_learners_notebook_fails_at_exactly_its_checks(lab: Path, backend: str, tmp_path: Path) -> None:
    """The shipped lab runs from top to bottom; the checks of the exercises are red, and nothing else."""
    passed = nbval(house.ROOT / "labs" / lab, backend, tmp_path / "report.xml")
    assert {number for number, well in passed.items() if not well} == red_checks(lab)
