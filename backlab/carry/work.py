"""What is the learner's in a notebook: repaired exercises, guesses, and cells that the course does not have.

Cell ids hold a position, which moves from version to version, and tools lose them. So an exercise is known
by the names that it defines, then by its place among the exercises.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backlab.authoring.notebook import digest, role_of
from backlab.carry.reading import Side, sides, source

NAMES = re.compile(r"^(?:async )?(?:def|class) (\w+)|^(\w+)\s*(?::[^=\n]+)?=(?!=)", re.M)
COURSE_ID = re.compile(r"^\d+-\d+-\d+-\w+$")
Cell = dict[str, Any]


@dataclass
class Work:
    """What was found: by the index of the exercise, by the name of the guess, and where own cells stood."""

    exercises: dict[int, str] = field(default_factory=dict)
    others: dict[int, list[str]] = field(default_factory=dict)  # further versions of an exercise
    guesses: dict[str, str] = field(default_factory=dict)  # as the learner wrote them
    own: list[tuple[list[str], Cell]] = field(default_factory=list)  # what the course has before it, cell
    remarks: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing of the learner's is in the notebook."""
        return not (self.exercises or self.guesses or self.own)


def find(side: Side, fresh: Sequence[Cell]) -> Work:
    """The learner's work in one version of the file; `fresh` are the cells of the course's notebook."""
    work, used = Work(), set[int]()
    shipped = [source(cell) for cell in fresh if has_role(cell, "exercise")]
    for index, cells in _by_exercise(side.cells, shipped).items():
        used.update(map(id, cells))
        versions = [text for cell in cells for text in _edited(cell, shipped[index])]
        if versions:
            work.exercises[index] = versions[-1]  # the last one is what a kernel would know
            work.others[index] = list(dict.fromkeys(text for text in versions[:-1] if text != versions[-1]))
    for cell in side.cells:
        if has_role(cell, "predict"):
            _take_guesses(cell, work)
    _take_own(side.cells, used, work)
    return work


def has_role(cell: Mapping[str, Any], role: str) -> bool:
    """Whether a code cell plays this part in a lab, by its tag or by its id."""
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    tagged = isinstance(tags, list) and role in tags
    return cell.get("cell_type") == "code" and (tagged or role_of(cell) == role)


def names(text: str) -> set[str]:
    """The names that a cell defines at its left edge; a cell that does not parse yet has them as well."""
    return {one or two for one, two in NAMES.findall(text)}


def _by_exercise(cells: Sequence[Cell], shipped: Sequence[str]) -> dict[int, list[Cell]]:
    """The learner's cells for each exercise of the course."""
    candidates = [cell for cell in cells if has_role(cell, "exercise")]
    loose = [c for c in cells if c.get("cell_type") == "code" and not COURSE_ID.match(str(c.get("id", "")))]
    found: dict[int, list[Cell]] = {}
    for index, text in enumerate(shipped):
        wanted = names(text)
        fits = [cell for cell in candidates if names(source(cell)) & wanted]
        fits = fits or [
            cell for cell in loose if names(source(cell)) & wanted and not has_role(cell, "check")
        ]
        if not fits and len(candidates) == len(shipped):
            fits = [candidates[index]]  # renamed: its place tells
        found[index] = fits
    return found


def _edited(cell: Cell, shipped: str) -> Iterator[str]:
    """The versions of an exercise that are not the course's own; two where git has merged inside the cell."""
    metadata = cell.get("metadata")
    said = metadata.get("backlab") if isinstance(metadata, dict) else None
    was = said.get("shipped") if isinstance(said, dict) else None
    text = source(cell)
    parted = sides(text)
    versions = [text] if parted is None else [parted[0].rstrip("\n"), parted[1].rstrip("\n")]
    if parted is not None and parted[2] == 0:
        versions.reverse()  # the last one counts
    for version in versions:
        if digest(version) not in (was, digest(shipped)) and version.strip():
            yield version


def _take_guesses(cell: Cell, work: Work) -> None:
    """The keywords of `predict(...)` that are no longer None."""
    text = source(cell)
    try:
        calls = _predicts(text)
    except SyntaxError:
        work.remarks.append("its guesses cannot be read, for the cell is no Python")
        return
    for call in calls:
        for word in call.keywords:
            if word.arg and not _unsaid(word.value):
                work.guesses[word.arg] = ast.get_source_segment(text, word.value) or "None"


def filled(text: str, guesses: Mapping[str, str]) -> str:
    """The course's cell with the learner's guesses in it."""
    lines = text.encode().split(b"\n")  # ast counts bytes
    words = [word for call in _predicts(text) for word in call.keywords if word.arg in guesses]
    for word in sorted(words, key=lambda word: (word.value.lineno, word.value.col_offset), reverse=True):
        value = word.value
        if _unsaid(value) and value.end_col_offset is not None:
            line, new = lines[value.lineno - 1], guesses[str(word.arg)].encode()
            lines[value.lineno - 1] = line[: value.col_offset] + new + line[value.end_col_offset :]
    return b"\n".join(lines).decode()


def _predicts(text: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "predict"]


def _unsaid(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value in (None, ...)


def _take_own(cells: Sequence[Cell], used: Collection[int], work: Work) -> None:
    """Cells that no course has given out, with the sources of the course's cells that they stand behind."""
    if not any(COURSE_ID.match(str(cell.get("id", ""))) for cell in cells):
        if cells:
            work.remarks.append("its cells have lost their ids, so notes of yours cannot be told from ours")
        return
    before: list[str] = []
    for cell in cells:
        if COURSE_ID.match(str(cell.get("id", ""))):
            before = [*before, source(cell)]
        elif source(cell).strip() and id(cell) not in used:
            work.own.append((before, cell))
