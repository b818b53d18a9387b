"""From one source to two notebooks: execute the solved one, lend its outputs to the learner's.

source.md -> Lab -> solved notebook -> executed, cleaned -> labs/solved/...
                \\-> learner's notebook <- outputs ------/  -> labs/...
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backlab import whole
from backlab.authoring import hygiene, notebook
from backlab.authoring.source import Lab, read
from backlab.carry.update import KEPT, holds_work
from backlab.course import Place
from services.errors import BacklabError

if TYPE_CHECKING:
    from backlab.authoring.kernel import Listener


@dataclass(frozen=True)
class Built:
    """What a build wrote."""

    lab: str
    seconds: float
    learner_bytes: int
    solved_bytes: int
    kept: str = ""  # the copy of a notebook in which a learner had worked


def build(place: Place, listen: Listener | None = None) -> Built:
    """Execute the solved notebook and write both; nothing is written unless everything went well."""
    from backlab.authoring.kernel import execute

    lab = read(place)
    solved = notebook.assemble(lab, lab.solutions, form="solved")
    place.solved.parent.mkdir(parents=True, exist_ok=True)
    seconds = execute(solved, place.solved.parent, environment={"BACKLAB_LAB": place.id}, listen=listen)
    hygiene.clean(solved)
    _refuse_checks(lab, solved, place.id)
    learner = notebook.borrow(notebook.assemble(lab), solved)
    texts = {place.solved: notebook.to_text(solved), place.learner: notebook.to_text(learner)}
    for path, text in texts.items():
        hygiene.refuse_size(text, path.name)
    kept = whole.keep(place.learner, KEPT).name if holds_work(place, place.learner) else ""
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Built(place.id, sum(seconds), len(texts[place.learner]), len(texts[place.solved]), kept)


def drift(place: Place) -> list[str]:
    """Where the stored notebooks differ from the source, without executing; empty when they agree.

    Everything counts except the outputs of cells that measure. The outputs of check cells must be
    exactly the PASS line that the source promises.
    """
    lab = read(place)
    wanted = {
        place.solved: notebook.assemble(lab, lab.solutions, form="solved"),
        place.learner: notebook.assemble(lab),
    }
    found: list[str] = []
    for path, expected in wanted.items():
        if not path.exists():
            found.append(f"{path.name} has not been built")
            continue
        _put_promises(lab, expected)
        found += _differences(path.parent.name, path.name, expected, _load(path))
    return found


def _load(path: Any) -> Any:
    import nbformat

    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def _put_promises(lab: Lab, expected: Any) -> None:
    """Give the check cells the one output that a solved run has."""
    import nbformat

    for cell, source in zip(expected.cells, lab.cells, strict=True):
        if source.role == "check":
            line = f"PASS {source.check_id} {source.check_text}\n"
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=line)]


def _differences(folder: str, name: str, expected: Any, stored: Any) -> list[str]:
    """The first lines that differ, as a reader of a diff wants them."""
    want = notebook.without_measured(expected).splitlines()
    have = notebook.without_measured(stored).splitlines()
    changes = [
        line.strip()
        for line in difflib.unified_diff(have, want, lineterm="", n=0)
        if line[0] in "+-" and not line.startswith(("+++", "---"))
    ]
    return [f"{folder}/{name}: {line[:120]}" for line in changes[:5]]


def _refuse_checks(lab: Lab, solved: Any, id: str) -> None:
    """The solved run must print exactly the promised PASS line in each check cell."""
    for cell, source in zip(solved.cells, lab.cells, strict=True):
        if source.role != "check":
            continue
        said = "".join(output.get("text", "") for output in cell.outputs)
        if said != f"PASS {source.check_id} {source.check_text}\n" or len(cell.outputs) != 1:
            what = said.strip().splitlines()[0] if said.strip() else "nothing"
            raise BacklabError(
                f"with the reference repair, check {source.check_id} of lab {id} printed {what!r}",
                "repair the solution or the check; it must print its PASS line and nothing else",
            )
