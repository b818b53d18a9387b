"""What `backlab prove` asks of the grader: all points for the reference, none for what is copied or forged.

reference graded for one learner -> its answers repeated for another -> nothing may pass
shipped notebook, outputs and checks forged -> only what the shipped code earns
"""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Callable, Iterator

from backlab.authoring import notebook
from backlab.course import Place
from backlab.grading.grade import Grader
from backlab.grading.report import Report
from backlab.stress import outside

FORGED = "import builtins\nbuiltins.print = lambda *a, **k: None\n"


def graded_proofs(place: Place, tell: Callable[[str], None]) -> Iterator[tuple[str, list[str], Report]]:
    """Variant, checks that must fail, and the report of the grader."""
    with Grader(place, secrets.token_bytes(32)) as grader:
        ids = [check.check_id for check in grader.lab.checks]
        tell("graded: reference")
        yield "graded: reference", [], grader.grade_cells(dict(grader.lab.solutions), "one learner")
        tell("graded: hard-coded answers")
        theirs = [id for id in ids if id not in grader.contract.same_for_all]
        yield "graded: hard-coded answers", theirs, grader.repeat(grader.heard, "another learner")
        tell("graded: forged notebook")
        red = [id for id in ids if id in grader.lab.red_when_naive]
        with outside.folder("forged") as folder:
            path = folder / "forged.ipynb"
            path.write_text(forged(grader), encoding="utf-8")
            yield "graded: forged notebook", red, grader.grade(path, "a forger")


def forged(grader: Grader) -> str:
    """The shipped notebook with cleared outputs, a patched print, and checks that print what they like."""
    lab = grader.lab
    made = copy.deepcopy(notebook.assemble(lab))
    for cell, source in zip(made.cells, lab.cells, strict=True):
        if source.role == "check":
            line = f"PASS {source.check_id} {source.check_text}"
            cell.source, cell.outputs, cell.execution_count = f"print({line!r})", [], None
        elif source.role == "setup":
            cell.source += f"\n{FORGED}"
        elif source.role == "exercise":
            cell.source = f"# NBVAL_IGNORE_OUTPUT\n{cell.source}"
    return json.dumps(made)
