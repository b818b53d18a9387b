"""Read a learner's notebook whatever has happened to it: merged by git, cut off, or no notebook at all.

text -> git's markers? -> two sides, else one -> JSON, or as many whole cells as there are -> Side
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.errors import BacklabError

CONFLICT = re.compile(
    r"^<{7}(?: (?P<one>.*))?\n(?P<first>(?:.*\n)*?)(?:^\|{7}.*\n(?:.*\n)*?)?"
    r"^={7}\n(?P<second>(?:.*\n)*?)^>{7}(?: (?P<two>.*))?$\n?",
    re.M,
)
CELLS = re.compile(r'"cells"\s*:\s*\[')
REBASED = re.compile(r"^[0-9a-f]{7,}(?: \(|\.\.\.)")  # "1f2e3d4 (my repair)": what a rebase puts on top


@dataclass
class Side:
    """The cells of one version of the file; `whole` is false where only some could be read."""

    cells: list[dict[str, Any]]
    metadata: dict[str, Any] = field(default_factory=dict)
    whole: bool = True


@dataclass
class Reading:
    """One side, or two where git left its markers; `yours` is the learner's, if it can be told."""

    sides: list[Side]
    yours: int | None = 0
    why_not: str = ""  # what is wrong with the file, for the report

    @property
    def lab(self) -> str | None:
        """The lab that the file says it belongs to."""
        said = [_dict(side.metadata.get("backlab")).get("lab") for side in self.sides]
        return next((lab for lab in said if isinstance(lab, str)), None)


def read(path: Path) -> Reading:
    """The file as far as it can be read; `BacklabError` only where the system refuses to open it."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise BacklabError(
            f"{path.name} cannot be read: {error.strerror}", "look at its permissions"
        ) from error
    except UnicodeDecodeError:
        return Reading([], None, "it is no text")
    parted = sides(text)
    if parted is None:
        side = _parse(text)
        return Reading([side] if side.cells else [], 0, "" if side.whole else "it is no whole JSON")
    first, second, yours = parted
    both = [_parse(first), _parse(second)]
    return Reading([side for side in both if side.cells] and both, yours, "git left merge markers in it")


def trouble(path: Path) -> str:
    """Why JupyterLab could not open this notebook, or an empty text; also where there is no such file."""
    try:
        return read(path).why_not if path.exists() else ""
    except BacklabError as error:
        return error.what


def sides(text: str) -> tuple[str, str, int | None] | None:
    """Both sides of a text with git's markers, and which one is the learner's; None without markers."""
    conflicts = list(CONFLICT.finditer(text if text.endswith("\n") else text + "\n"))
    if not conflicts:
        return None
    text = text if text.endswith("\n") else text + "\n"
    first = CONFLICT.sub(lambda found: found["first"], text)
    second = CONFLICT.sub(lambda found: found["second"], text)
    return first, second, _yours(conflicts[0]["one"] or "", conflicts[0]["two"] or "")


def _yours(one: str, two: str) -> int | None:
    """Which side is the learner's, by git's labels: a pull, a stash and a rebase name them differently."""
    if two.startswith("Stashed changes") or one.startswith("Updated upstream") or REBASED.match(two):
        return 1
    if one.lower() in ("head", "ours", "local"):
        return 0
    return None


def _parse(text: str) -> Side:
    """A notebook's cells, or those before the place where it breaks off."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return Side(_salvaged(text), _said_lab(text), whole=False)
    cells = _dict(whole).get("cells")
    if not isinstance(cells, list):
        return Side([], whole=False)
    return Side([cell for cell in cells if isinstance(cell, dict)], _dict(whole.get("metadata")))


def _salvaged(text: str) -> list[dict[str, Any]]:
    """The whole cells at the beginning of a notebook that is cut off or damaged further down."""
    start = CELLS.search(text)
    at, decoder = start.end() if start else len(text), json.JSONDecoder()
    cells: list[dict[str, Any]] = []
    while True:
        at += len(text[at:]) - len(text[at:].lstrip(" \n\r\t,"))
        try:
            cell, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return cells
        if isinstance(cell, dict):
            cells.append(cell)


def _said_lab(text: str) -> dict[str, Any]:
    """The lab that the rest of a broken file still names."""
    found = re.search(r'"lab"\s*:\s*"(\d\.\d+)"', text)
    return {"backlab": {"lab": found[1]}} if found else {}


def source(cell: Mapping[str, Any]) -> str:
    """A cell's text, which nbformat allows as one string or as lines."""
    text = cell.get("source", "")
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
