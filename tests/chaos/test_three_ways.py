"""One experiment and one scenario, each from a cell, by `backlab`, by the plain tool, on both back ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from backlab import course
from backlab.authoring import listening
from backlab.stress.experiment import EXPERIMENTS
from backlab.stress.load import SCENARIOS

BIN = Path(sys.executable).parent
BACKENDS = ["native", pytest.param("container", marks=pytest.mark.container)]
WITHIN_S = 150
CROWD = ["--users", "3", "--seconds", "4"]


@pytest.fixture(params=BACKENDS, autouse=True)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each back end in turn, as a user chooses it."""
    monkeypatch.setenv("BACKLAB_BACKEND", request.param)
    return str(request.param)


def cell(source: str) -> str:
    """What a cell prints in a kernel of its own."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, km=AsyncKernelManager(**listening.names()), timeout=WITHIN_S).execute()
    outputs = notebook.cells[0].outputs
    return "".join(output.text for output in outputs if output.output_type == "stream")


def ran(argv: Sequence[str | Path], folder: Path) -> str:
    """What a command prints when it ends well."""
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=WITHIN_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.alone
def test_an_experiment_from_a_cell() -> None:
    """The hypothesis holds, and the fault has touched something."""
    said = cell(
        "from backlab import experiment\n"
        "seen = experiment('cache_dies')\n"
        "print(seen.verdict, seen.exit_code, seen.touched)"
    )
    assert "held 0 True" in said


@pytest.mark.alone
def test_the_experiment_by_backlab(tmp_path: Path) -> None:
    """With a picture and a report, whose place it names; exit code 0."""
    assert "out/chaos/cache_dies/" in ran([BIN / "backlab", "chaos", "cache_dies"], tmp_path)
    kinds = {path.suffix for path in (course.out("chaos") / "cache_dies").iterdir()}
    assert {".png", ".md"} <= kinds


@pytest.mark.alone
def test_the_experiment_by_plain_chaos(tmp_path: Path) -> None:
    """Its journal says that the hypothesis held and what the fault has touched."""
    ran([BIN / "chaos", "run", EXPERIMENTS / "cache_dies.yaml"], tmp_path)
    journal = json.loads((tmp_path / "journal.json").read_text())
    assert (journal["status"], journal["deviated"]) == ("completed", False)
    assert journal["faults"][0]["touched"]


def test_a_scenario_from_a_cell() -> None:
    """Every request a row, and the database knows of the orders."""
    said = cell(
        "from backlab import load\n"
        "seen = load('checkout', users=3, seconds=4)\n"
        "print(set(seen.rows.outcome), seen.evidence['orders placed'] > 0)"
    )
    assert "{'ok'} True" in said


def test_the_scenario_by_backlab(tmp_path: Path) -> None:
    """It prints what the database knows."""
    assert "orders charged twice: 0" in ran([BIN / "backlab", "load", "checkout", *CROWD], tmp_path)


def test_the_scenario_by_plain_locust(tmp_path: Path) -> None:
    """With a shop of its own, since no host is named."""
    argv = [BIN / "locust", "-f", SCENARIOS / "checkout.py", "--headless", "-u", "3", "-t", "4s"]
    assert "orders charged twice: 0" in ran(argv, tmp_path)
