"""Make the new notebook of a lab, with the learner's work in it; the old file is kept under a name with date.

the course's notebook (source and solved run, or labs/fresh) + Work of each side -> text -> in its place
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backlab import course, whole
from backlab.authoring import notebook
from backlab.authoring.source import read as read_lab
from backlab.carry import reading
from backlab.carry.reading import Reading, source
from backlab.carry.work import COURSE_ID, Cell, Work, filled, find, has_role
from backlab.course import Place
from services.errors import BacklabError

KEPT = ".kept-"  # in the name of a file that was kept; such files are never updated


@dataclass
class Outcome:
    """What became of one notebook; `lost` says that something could not be carried and is in `kept` only."""

    lab: str
    name: str
    state: str  # "up to date", "put back", "updated", "left alone" or "begun anew"
    kept: str = ""
    lost: bool = False
    remarks: list[str] = field(default_factory=list)


def update(place: Place, old: Path, target: Path) -> Outcome:
    """Carry the work in `old` into the course's notebook and write that as `target`, often the same file."""
    fresh = fresh_notebook(place)
    name = _shown(target)
    if not old.exists():
        whole.write(target, _text(fresh))
        return Outcome(place.id, name, "put back")
    read = reading.read(old)
    outcome = Outcome(place.id, name, "updated", lost=not read.sides or not all(s.whole for s in read.sides))
    work = _one(read, fresh["cells"], outcome)
    if not read.sides:
        outcome.state = "begun anew"
        outcome.remarks.append(f"{old.name} could not be read ({read.why_not})")
    elif read.why_not:
        outcome.remarks.append(f"{read.why_not}; what could be told apart was carried")
    _put(work, fresh, outcome)
    _notice_edits(read, fresh["cells"], outcome)
    return _write(outcome, read, fresh, old, target)


def fresh_notebook(place: Place) -> dict[str, Any]:
    """The notebook as the course gives it out today: from source and solved run, or as released."""
    if not place.source.exists():
        if not place.fresh.exists():
            raise BacklabError(
                f"lab {place.id} has no source here and no fresh notebook", "get the course anew"
            )
        released: dict[str, Any] = json.loads(place.fresh.read_text(encoding="utf-8"))
        return released
    made = notebook.assemble(read_lab(place))
    if place.solved.exists():
        import nbformat

        solved = nbformat.read(place.solved, as_version=nbformat.NO_CONVERT)
        if len(solved.cells) == len(made.cells):  # else its author has not built it yet
            made = notebook.borrow(made, solved)
    plain: dict[str, Any] = json.loads(notebook.to_text(made))
    return plain


def holds_work(place: Place, path: Path) -> bool:
    """Whether something of a learner's may be in this file: also where it cannot be read."""
    if not path.exists():
        return False
    read, fresh = reading.read(path), fresh_notebook(place)["cells"]
    return not read.sides or any(not find(side, fresh).empty for side in read.sides)


def notebooks(place: Place, folder: Path) -> list[Path]:
    """The files in a folder that hold this lab, under whatever name; the lab's own name comes first."""
    files = [path for path in sorted(folder.glob("*.ipynb")) if KEPT not in path.name]
    return sorted(
        (path for path in files if lab_of(path) == place.id), key=lambda p: p.name != place.learner.name
    )


def lab_of(path: Path) -> str | None:
    """The lab of a notebook, by what it says of itself or else by its name."""
    for said in (reading.read(path).lab, path.name):
        try:
            return course.lab(said or "").id
        except BacklabError:
            continue
    return None


def _one(read: Reading, fresh: list[Cell], outcome: Outcome) -> Work:
    """The work of all sides as one: where both repaired an exercise, the learner's side is taken."""
    works = [find(side, fresh) for side in read.sides]
    if read.yours == 1:
        works.reverse()
    if not works:
        return Work()
    merged, *rest = works
    for other in rest:
        for index, text in other.exercises.items():
            mine = merged.exercises.setdefault(index, text)
            if mine != text and read.yours is None:
                merged.others.setdefault(index, []).append(text)
                outcome.remarks.append(
                    f"exercise {index + 1} has two versions, and git does not say which is yours"
                )
        merged.guesses = {**other.guesses, **merged.guesses}
        known = {str(cell.get("id")) for _, cell in merged.own}
        merged.own += [(before, cell) for before, cell in other.own if str(cell.get("id")) not in known]
        merged.remarks += [remark for remark in other.remarks if remark not in merged.remarks]
    outcome.remarks += merged.remarks
    return merged


def _put(work: Work, fresh: dict[str, Any], outcome: Outcome) -> None:
    """Set exercises, guesses and own cells into the course's cells."""
    made: list[Cell] = []
    index = -1
    for cell in fresh["cells"]:
        made.append(cell)
        if has_role(cell, "predict"):
            cell["source"] = _lines(filled(source(cell), work.guesses))
        if has_role(cell, "exercise"):
            index += 1
            cell["source"] = _lines(work.exercises.get(index, source(cell)))
            made += [_beside(index, text) for text in work.others.get(index, ())]
    for before, cell in reversed(work.own):  # each right behind the last of ours that it stood behind
        made.insert(_behind(before, made), _own(cell))
    fresh["cells"] = made
    said = []
    if work.exercises:
        said.append(f"exercise {', '.join(str(i + 1) for i in sorted(work.exercises))}")
    if work.guesses:
        said.append(f"guesses {', '.join(work.guesses)}")
    if work.own:
        said.append(f"{len(work.own)} cell{'s' * (len(work.own) > 1)} of your own")
    outcome.remarks[:0] = [f"carried: {'; '.join(said)}"] if said else []


def _behind(before: list[str], cells: list[Cell]) -> int:
    """The place behind the last of these sources that is among the cells."""
    sources = [source(cell) for cell in cells]
    at = next((sources.index(text) for text in reversed(before) if text in sources), -1)
    return at + 1


def _own(cell: Cell) -> Cell:
    """A learner's own cell, without outputs that another run has left."""
    plain = {key: value for key, value in cell.items() if key not in ("outputs", "execution_count")}
    code: Cell = {"outputs": [], "execution_count": None} if cell.get("cell_type") == "code" else {}
    return {"metadata": {}, "id": secrets.token_hex(4), **plain, **code}


def _beside(index: int, text: str) -> Cell:
    """Another version of an exercise as text, so that nothing of it runs and nothing is lost."""
    words = f"Another version of exercise {index + 1}, kept by `backlab update`:\n\n```python\n{text}\n```"
    return {"cell_type": "markdown", "id": secrets.token_hex(4), "metadata": {}, "source": _lines(words)}


def _notice_edits(read: Reading, fresh: list[Cell], outcome: Outcome) -> None:
    """Say how many of the course's cells read differently; whether edited or outdated, nobody can tell."""
    sources = {source(cell).strip() for cell in fresh}
    other = {
        source(cell).strip()
        for side in read.sides
        for cell in side.cells
        if COURSE_ID.match(str(cell.get("id", ""))) and not has_role(cell, "exercise")
        and not has_role(cell, "predict")
    }  # fmt: skip
    if number := len(other - sources):
        cells = f"{number} other cells are" if number > 1 else "one other cell is"
        outcome.remarks.append(f"{cells} the course's again")


def _write(outcome: Outcome, read: Reading, fresh: dict[str, Any], old: Path, target: Path) -> Outcome:
    """Write unless the file reads the same already; whatever lies there is kept before."""
    if (
        old == target
        and len(read.sides) == 1
        and read.sides[0].whole
        and _same(read.sides[0].cells, fresh["cells"])
    ):
        return Outcome(outcome.lab, outcome.name, "up to date")
    text = _text(fresh)
    try:
        if target.exists() and target.read_bytes() != _text(fresh_notebook(course.lab(outcome.lab))).encode():
            outcome.kept = whole.keep(target, KEPT).name
        whole.write(target, text)
    except OSError as error:
        raise BacklabError(
            f"{outcome.name} cannot be written: {error.strerror}",
            "nothing was changed; make room or ask its owner",
        ) from error
    return outcome


def _same(yours: list[Cell], ours: list[Cell]) -> bool:
    """Whether two notebooks have the same cells; outputs do not count."""
    return [(c.get("id"), c.get("cell_type"), source(c)) for c in yours] == [
        (c.get("id"), c.get("cell_type"), source(c)) for c in ours
    ]


def _text(cells: dict[str, Any]) -> str:
    import nbformat

    return notebook.to_text(nbformat.from_dict(cells))


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _shown(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
