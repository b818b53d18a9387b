"""The source of a lab: read the MyST text, give each cell its role, refuse what cannot work.

text -> jupytext -> cells -> roles -> Lab(cells, exercises with repairs and wrong repairs, checks)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from backlab.course import CHECK_CALL, Place
from services.errors import BacklabError

# What a code cell is for. `backlab prove` and the grader run only SET_UP, exercise and check cells.
ROLES = {
    "parameters": "seed and sizes; a grader injects its own after it",
    "setup": "imports, servers, helpers that the exercises and checks need",
    "predict": "the learner's guesses",
    "experiment": "measures",
    "plot": "draws",
    "fault": "breaks something on purpose",
    "exercise": "the naive code that the learner repairs",
    "solution": "the reference repair of the exercise before it; not in the learner's notebook",
    "wrong": "a tempting wrong repair of that exercise; in no notebook",
    "check": "prints one PASS or FAIL line",
    "show": "anything else that prints, and the default of an untagged cell",
}
SET_UP = ("parameters", "setup")
MARKS = {"finding"}  # tags beside the role: `backlab run` shows what a `finding` cell prints
HINT = re.compile(r"<details>", re.I)
HINTS = 3


@dataclass
class Cell:
    """One cell of the source. `options` are its metadata besides the tags."""

    role: str  # one of ROLES, or "text"
    source: str
    marks: frozenset[str] = frozenset()
    options: dict[str, Any] = field(default_factory=dict)
    check_id: str = ""
    check_text: str = ""


@dataclass(frozen=True)
class Wrong:
    """A wrong repair: which exercise it replaces, and the checks that must fail with it."""

    exercise: int  # its index among the lab's cells
    title: str
    source: str
    fails: tuple[str, ...]


@dataclass
class Lab:
    """A lab as its source describes it; `cells` hold the naive exercises, without repairs."""

    place: Place
    cells: list[Cell]
    solutions: dict[int, str] = field(default_factory=dict)  # index of the exercise -> reference repair
    wrongs: list[Wrong] = field(default_factory=list)

    @property
    def checks(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.role == "check"]

    @property
    def red_when_naive(self) -> set[str]:
        """The checks that the shipped exercise must fail; a check cell may say `:naive: passes`."""
        return {cell.check_id for cell in self.checks if cell.options.get("naive") != "passes"}


def read(place: Place) -> Lab:
    """Read and validate the source of a lab; a mistake in it is told with the cell it is in."""
    import jupytext

    notebook = jupytext.reads(place.source.read_text(encoding="utf-8"), fmt="md:myst")
    lab = Lab(place, [])
    exercise = -1
    for number, raw in enumerate(notebook.cells, 1):
        cell = _cell(raw, f"{place.source.name}, cell {number} ({_first_line(raw.source)})")
        if cell.role in ("solution", "wrong"):
            where = f"{place.source.name}, cell {number}"
            if exercise < 0:
                raise BacklabError(
                    f"{where} is a {cell.role} without an exercise before it", "move it behind one"
                )
            _keep_repair(lab, exercise, cell, where)
            continue
        lab.cells.append(cell)
        if cell.role == "exercise":
            exercise = len(lab.cells) - 1
    _refuse_incomplete(lab)
    return lab


def _cell(raw: Any, where: str) -> Cell:
    """One cell with its role; unknown tags are refused, since a typo would change what gets graded."""
    if raw.cell_type != "code":
        return Cell("text", raw.source)
    tags = list(raw.metadata.get("tags", []))
    roles = [tag for tag in tags if tag in ROLES]
    for tag in tags:
        if tag not in ROLES and tag not in MARKS:
            near = get_close_matches(tag, [*ROLES, *MARKS], n=1)
            raise BacklabError(
                f"{where} has the unknown tag {tag!r}",
                f"did you mean {near[0]!r}?" if near else f"use one of {', '.join([*ROLES, *MARKS])}",
            )
    if len(roles) > 1:
        raise BacklabError(f"{where} has two roles, {roles[0]} and {roles[1]}", "keep one")
    options = {key: value for key, value in raw.metadata.items() if key != "tags"}
    cell = Cell(roles[0] if roles else "show", raw.source, frozenset(tags) & MARKS, options)
    if cell.role == "check":
        _find_check(cell, where)
    return cell


def _find_check(cell: Cell, where: str) -> None:
    """A check cell holds exactly one check, with its id and text written out."""
    found = CHECK_CALL.findall(cell.source)
    if len(found) != 1:
        raise BacklabError(
            f"{where} is a check cell with {len(found)} checks",
            'write exactly one `with check("4.2.a", "the promise") as verdict:` on one line',
        )
    cell.check_id, cell.check_text = found[0]


def _keep_repair(lab: Lab, exercise: int, cell: Cell, where: str) -> None:
    if cell.role == "solution":
        before = lab.solutions.get(exercise)
        lab.solutions[exercise] = f"{before}\n\n{cell.source}" if before else cell.source
        return
    fails = (
        tuple(re.split(r"[,\s]+", str(cell.options.get("fails", "")).strip()))
        if cell.options.get("fails")
        else ()
    )
    if not fails or not cell.options.get("title"):
        raise BacklabError(
            f"{where}, a wrong repair, lacks `fails:` or `title:`", "say which check it must fail"
        )
    lab.wrongs.append(Wrong(exercise, str(cell.options["title"]), cell.source, fails))


def _refuse_incomplete(lab: Lab) -> None:
    """What is missing from the lab as a whole."""
    name, ids = lab.place.source.name, [check.check_id for check in lab.checks]
    expected = [f"{lab.place.id}.{chr(ord('a') + i)}" for i in range(len(ids))]
    if ids != expected:
        raise BacklabError(
            f"{name} has the checks {', '.join(ids)}", f"name them {', '.join(expected)} in order"
        )
    if not any(cell.role in SET_UP for cell in lab.cells):
        raise BacklabError(f"{name} has no cell tagged `setup`", "tag the cells that the checks depend on")
    for index, cell in enumerate(lab.cells):
        if cell.role == "exercise":
            if index not in lab.solutions:
                first = _first_line(cell.source)
                raise BacklabError(
                    f"{name}: the exercise {first!r} has no repair", "add a cell tagged `solution`"
                )
            _refuse_hints(lab, index)
    for wrong in lab.wrongs:
        for check in set(wrong.fails) - set(ids):
            raise BacklabError(
                f"{name}: {wrong.title!r} names the check {check}, which is not there", "correct it"
            )


def _refuse_hints(lab: Lab, exercise: int) -> None:
    """Each exercise has three folded hints in the text since the last code cell."""
    hints = 0
    for cell in reversed(lab.cells[:exercise]):
        if cell.role != "text":
            break
        hints += len(HINT.findall(cell.source))
    if hints != HINTS:
        first = _first_line(lab.cells[exercise].source)
        raise BacklabError(
            f"{lab.place.source.name}: the exercise {first!r} has {hints} hints",
            f"put {HINTS} folded ones (<details>) into the text before it",
        )


def _first_line(source: str) -> str:
    line = source.strip().splitlines()[0] if source.strip() else "empty"
    return line if len(line) <= 50 else line[:47] + "..."
