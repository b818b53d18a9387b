"""From a lab's cells to notebooks: stable ids, tags for nbval, the same bytes at each build.

Lab -> assemble(repairs) -> notebook without outputs -> executed -> borrow(outputs) -> bytes
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from backlab.authoring.source import SET_UP, Cell, Lab

IGNORE, COMPARE = "nbval-ignore-output", "nbval-check-output"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}


def assemble(lab: Lab, repairs: Mapping[int, str] | None = None, *, form: str = "learner") -> Any:
    """The notebook without outputs; `repairs` replace exercises by index. `form` is "learner" or "solved"."""
    import nbformat

    notebook = nbformat.v4.new_notebook(metadata=METADATA | {"backlab": {"lab": lab.place.id, "form": form}})
    notebook.nbformat_minor = 5
    for index, cell in enumerate(lab.cells):
        source = (repairs or {}).get(index, cell.source)
        notebook.cells.append(_cell(lab, index, cell, source))
    return notebook


def minimal(lab: Lab, repairs: Mapping[int, str] | None = None) -> Any:
    """Only what a verdict depends on: set-up, exercises and checks, up to the last check.

    What takes servers down after it is left out: they go with their kernel, and nobody waits for them.
    """
    notebook = assemble(lab, repairs)
    needed = {*SET_UP, "exercise", "check"}
    last = max((n for n, cell in enumerate(lab.cells) if cell.role == "check"), default=-1)
    pairs = list(zip(notebook.cells, lab.cells, strict=True))[: last + 1]
    notebook.cells = [built for built, cell in pairs if cell.role in needed]
    return notebook


def role_of(cell: Any) -> str:
    """The role of a cell of a built notebook, from its id."""
    return str(cell.get("id", "")).rpartition("-")[2]


def digest(source: str) -> str:
    """A short name of an exercise as the course ships it: whoever has that has not begun yet."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:12]


def borrow(learner: Any, solved: Any) -> Any:
    """The learner's notebook with the outputs of the solved run, except those of the exercises."""
    shown = copy.deepcopy(learner)
    for cell, run in zip(shown.cells, solved.cells, strict=True):
        if cell.cell_type == "code" and role_of(cell) != "exercise":
            cell.outputs, cell.execution_count = copy.deepcopy(run.outputs), run.execution_count
    return shown


def to_text(notebook: Any) -> str:
    """The file's content: sorted keys and a final newline, so that the same notebook is the same bytes."""
    import nbformat

    nbformat.validate(notebook)
    return str(nbformat.writes(notebook, version=nbformat.NO_CONVERT)).rstrip("\n") + "\n"


def without_measured(notebook: Any) -> str:
    """The part of a notebook that its source decides: all but the outputs of cells that measure."""
    plain = json.loads(to_text(notebook))
    for cell in plain["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = None
            cell["outputs"] = cell["outputs"] if role_of(cell) == "check" else []
    return json.dumps(plain, indent=1, sort_keys=True)


def _cell(lab: Lab, index: int, cell: Cell, source: str) -> Any:
    import nbformat

    name = f"{lab.place.id.replace('.', '-')}-{index + 1:02d}-{cell.role}"
    if cell.role == "text":
        return nbformat.v4.new_markdown_cell(source, id=name)
    tags = ([] if cell.role == "show" else [cell.role]) + sorted(cell.marks)
    tags.append(COMPARE if cell.role == "check" else IGNORE)
    metadata: dict[str, Any] = {"tags": tags}
    said = dict(sorted(cell.options.items()))
    if cell.role == "exercise":
        said["shipped"] = digest(cell.source)
    if said:
        metadata["backlab"] = said
    return nbformat.v4.new_code_cell(source, id=name, metadata=metadata)
