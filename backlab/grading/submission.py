"""What a learner handed in: the sources of the exercise cells by id, and nothing else of the file.

file -> size -> JSON -> notebook of this lab -> exercise cells by id -> markers and magics stripped
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backlab import course
from backlab.authoring import notebook
from backlab.authoring.source import Lab
from backlab.course import Place
from services.errors import BacklabError

FILE_BYTES = 200 << 20  # a notebook with larger outputs is not even read
CELL_CHARACTERS = 50_000
MARKER = re.compile(r"^\s*#[#\s]*(NBVAL|PYTEST_VALIDATE)\w*.*$", re.I)
MAGIC = re.compile(r"^\s*[%!?]|^\s*[\w.,\s]*=\s*[!%]")
ID = re.compile(r"^(\d+)-(\d+)-(\d+)-(\w+)$")


class Refused(Exception):
    """A submission that cannot earn anything, with the sentence that its author reads."""


def load(path: Path) -> dict[str, Any]:
    """The file as JSON; raises `Refused` for what is no notebook, `BacklabError` for what cannot be read."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise BacklabError(f"{path.name} is not a file", "name the learner's notebook")
        if size > FILE_BYTES:
            raise Refused(f"the file has {size / 1e6:,.0f} MB, at most {FILE_BYTES >> 20} are read")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BacklabError(f"{path.name} cannot be read: {error.strerror}", "name a notebook") from error
    except UnicodeDecodeError:
        raise Refused("the file is not JSON, and a notebook is: it is no text at all") from None
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Refused(f"the file is not JSON, and a notebook is: {said}") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("cells"), list):
        raise Refused("the file is JSON, but no notebook: it has no list of cells")
    return raw


def place_of(raw: Mapping[str, Any], name: str) -> Place:
    """The lab that a notebook belongs to, by its metadata, its cells' ids or the file's name."""
    said = _dict(_dict(raw.get("metadata")).get("backlab")).get("lab")
    ids = Counter(match[1] + "." + match[2] for cell in raw["cells"] if (match := ID.match(_id(cell))))
    for wanted in [said, *(lab for lab, _ in ids.most_common(1)), name]:
        if isinstance(wanted, str):
            try:
                return course.lab(wanted)
            except BacklabError:
                continue
    raise BacklabError(f"{name} does not say which lab it belongs to", "name it with --lab 4.2")


def exercises(raw: Mapping[str, Any], lab: Lab) -> dict[int, str]:
    """The learner's sources by the index of the exercise; raises `Refused` with one sentence."""
    _refuse_kernel(raw)
    wanted = {
        str(cell.id): index
        for index, cell in enumerate(notebook.assemble(lab).cells)
        if notebook.role_of(cell) == "exercise"
    }
    found: dict[int, str] = {}
    for cell in raw["cells"]:
        id = _id(cell)
        _refuse_foreign(id, lab)
        if id not in wanted:
            continue
        if wanted[id] in found:
            raise Refused(f"two cells have the id {id}; keep the one that is meant")
        found[wanted[id]] = _source(cell, id)
    missing = [id for id, index in wanted.items() if index not in found]
    if missing:
        raise Refused(
            f"the exercise cell {missing[0]} is missing; take the lab's notebook anew and put your code there"
        )
    return found


def _refuse_kernel(raw: Mapping[str, Any]) -> None:
    spec = _dict(_dict(raw.get("metadata")).get("kernelspec"))
    info = _dict(_dict(raw.get("metadata")).get("language_info"))
    language = spec.get("language") or info.get("name") or "python"
    if not str(language).lower().startswith("python"):
        raise Refused(f"the notebook's kernel speaks {str(language)[:30]}, the lab needs Python")


def _refuse_foreign(id: str, lab: Lab) -> None:
    match = ID.match(id)
    if match and f"{match[1]}.{match[2]}" != lab.place.id:
        raise Refused(f"the cell {id} belongs to lab {match[1]}.{match[2]}, this is lab {lab.place.id}")


def _source(cell: Mapping[str, Any], id: str) -> str:
    """The cell's code without nbval's markers and IPython's magics."""
    if cell.get("cell_type") != "code":
        raise Refused(f"the exercise cell {id} is no code cell; change its type back to code")
    source = cell.get("source", "")
    source = "".join(map(str, source)) if isinstance(source, list) else source
    if not isinstance(source, str):
        raise Refused(f"the exercise cell {id} has no text as its source")
    if len(source) > CELL_CHARACTERS:
        raise Refused(
            f"the exercise cell {id} has {len(source):,} characters, at most {CELL_CHARACTERS:,} allowed"
        )
    return stripped(source)


def stripped(source: str) -> str:
    """Marker comments and magics become empty lines, so that line numbers stay."""
    lines = source.split("\n")
    return "\n".join("" if MARKER.match(line) or MAGIC.match(line) else line for line in lines)


def _id(cell: Any) -> str:
    return str(_dict(cell).get("id", ""))[:100]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
