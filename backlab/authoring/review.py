"""What a lab's source breaks of the house's rules, one sentence each; `backlab check-source` prints them.

source -> Lab -> each rule looks at its cells -> complaints, with the cell's number and first line
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from backlab.authoring.source import Cell, Lab, read
from backlab.course import Place

LONGEST_CELL = 25  # lines of a cell that is no exercise
LONGEST_HINT = 50  # words
EXPERIMENTS = Path(__file__).resolve().parents[2] / "chaos" / "experiments"
HINT = re.compile(r"<details>(.*?)</details>", re.S | re.I)
TAG = re.compile(r"<[^>]+>")
MEASURED = re.compile(r"(?<![\w.,])(\d[\d,.]*\d|\d)\s*(ms|milliseconds|MB|kB|requests/s)\b")
FIGURE = re.compile(r"\bplot\.(?!shade|alt|finding|inconclusive|predicted)\w+\(")

Rule = Callable[[Lab], Iterator[str]]


def complaints(place: Place) -> list[str]:
    """Every rule that the lab's source breaks; raises `BacklabError` where it cannot even be read."""
    lab = read(place)
    return [said for rule in RULES for said in rule(lab)]


def _where(lab: Lab, cell: Cell) -> str:
    first = cell.source.strip().splitlines()[0] if cell.source.strip() else "empty"
    return f"cell {lab.cells.index(cell) + 1} ({first[:50]})"


def long_cells(lab: Lab) -> Iterator[str]:
    """A reader takes in a cell at a glance."""
    for cell in lab.cells:
        lines = len(cell.source.splitlines())
        if cell.role not in ("text", "exercise") and lines > LONGEST_CELL:
            what = f"{_where(lab, cell)} has {lines} lines, at most {LONGEST_CELL}"
            yield f"{what}: move some into the lab's module"


def no_prediction(lab: Lab) -> Iterator[str]:
    """Guess first: before the first experiment."""
    roles = [cell.role for cell in lab.cells]
    if "predict" not in roles:
        yield "there is no prediction: add a cell tagged `predict` before the first experiment"
    elif "experiment" in roles and roles.index("experiment") < roles.index("predict"):
        yield "the first experiment comes before the prediction: let people guess first"


def figures_without_finding(lab: Lab) -> Iterator[str]:
    """The title says what one sees, in more than a word or two."""
    for cell in lab.cells:
        if cell.role != "plot" or not FIGURE.search(cell.source):
            continue
        title = re.search(r"title=\s*f?[\"'](.+?)[\"']\s*[,)\n]", cell.source)
        if title is None or len(title[1].split()) < 4:
            yield f"{_where(lab, cell)} draws a figure whose title states no finding: say what one sees"


def long_hints(lab: Lab) -> Iterator[str]:
    """A hint that takes longer than the repair is none."""
    for cell in lab.cells:
        for hint in HINT.findall(cell.source) if cell.role == "text" else ():
            words = TAG.sub(" ", hint).split()
            if len(words) > LONGEST_HINT:
                start = " ".join(words[:6])
                yield f"the hint {start!r} has {len(words)} words, at most {LONGEST_HINT}: shorten it"


def measured_numbers(lab: Lab) -> Iterator[str]:
    """What depends on the machine is printed by the run; prose may name what the code sets."""
    settings = "\n".join(cell.source for cell in lab.cells if cell.role != "text")
    for path in EXPERIMENTS.glob(f"{lab.place.id.replace('.', '_')}_*.yaml"):
        settings += path.read_text(encoding="utf-8")
    for cell in lab.cells:
        for number, unit in MEASURED.findall(cell.source) if cell.role == "text" else ():
            if not re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", settings):
                yield f"{_where(lab, cell)} states {number} {unit}, which no code sets: let the run print it"


RULES: tuple[Rule, ...] = (
    long_cells, no_prediction, figures_without_finding, long_hints, measured_numbers,
)  # fmt: skip
