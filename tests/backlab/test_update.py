"""`backlab update` brings the course's newest notebook and loses nothing of the learner's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from backlab.authoring.build import build
from backlab.course import Place
from tests.backlab.notebooks import (
    ANOTHER,
    MINE,
    cell,
    edit,
    guess,
    kept,
    load,
    renew,
    repair,
    run,
    text,
)


def test_a_notebook_that_reads_as_the_courses_is_not_touched(lab: Place):
    """Not even its time of change."""
    before = lab.learner.stat()
    assert run().output == "lab 9.1: m9_testing/01_tiny.ipynb up to date\n"
    after = lab.learner.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


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


def test_building_a_lab_keeps_the_work_in_its_notebook(lab: Place):
    """Somebody who learns may type `make labs`."""
    before = edit(lab.learner, repair)
    made = build(lab)
    assert [path.read_bytes() for path in kept(lab)] == [before]
    assert made.kept == kept(lab)[0].name
    assert build(lab).kept == ""
