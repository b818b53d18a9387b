"""A learner's notebook in the hands of a test: opened, edited as JupyterLab would save it, updated."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from backlab.commands.update import command
from backlab.course import Place

MINE = "def total(n):\n    steps['taken'] += 1\n    return n * (n + 1) // 2  # mine: 1 ≤ n"
ANOTHER = MINE.replace("mine", "another")


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


def everything(book: dict[str, Any]) -> str:
    return "\n".join("".join(one["source"]) for one in book["cells"])
