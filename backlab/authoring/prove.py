"""Prove that a lab teaches and grades: the shipped code fails, the repair passes, wrong repairs are caught.

variants: naive | reference x times | each wrong repair, as many at a time as the machine allows
variant -> set-up + exercise + check cells in a forked kernel -> verdicts (report file) -> as expected?
graded:   reference | hard-coded answers | forged notebook -> backlab/grading/proofs.py
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from backlab.authoring import notebook
from backlab.authoring.kernel_fork import Parent, parent_for
from backlab.authoring.notebook import role_of
from backlab.authoring.source import Lab, read
from backlab.check import REPORT
from backlab.cohort.local import jobs_here
from backlab.course import Place
from backlab.grading.contract import has_judge
from backlab.stress import outside
from services.errors import BacklabError

WRONGS = 3


@dataclass
class Proof:
    """One variant of the lab: which checks should fail, and what came."""

    variant: str
    should_fail: list[str]
    verdicts: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    problem: str = ""
    known: bool = False  # the problem is the lab's, and nothing remains unclear
    stages: dict[str, float] = field(default_factory=dict)  # seconds, of those that are graded

    @property
    def failed(self) -> list[str]:
        """The checks that did not pass."""
        return [id for id, verdict in self.verdicts.items() if verdict != "PASS"]

    @property
    def holds(self) -> bool:
        """Whether exactly the expected checks failed, and none of them for want of a verdict."""
        return not self.problem and self.failed == self.should_fail

    @property
    def judged(self) -> bool:
        """Whether every check said PASS or FAIL."""
        return self.known or (not self.problem and set(self.verdicts.values()) <= {"PASS", "FAIL"})


def variants(lab: Lab, times: int = 1) -> Iterator[tuple[Proof, dict[int, str]]]:
    """Every variant with the sources that replace the exercises in it."""
    ids = [check.check_id for check in lab.checks]
    yield Proof("as shipped", [id for id in ids if id in lab.red_when_naive]), {}
    for turn in range(times):
        yield Proof("reference" + (f" {turn + 1}" if times > 1 else ""), []), dict(lab.solutions)
    for wrong in lab.wrongs:
        expected = [id for id in ids if id in wrong.fails]
        yield Proof(f"wrong: {wrong.title}", expected), {**lab.solutions, wrong.exercise: wrong.source}


def prove(
    place: Place, times: int = 1, tell: Callable[[str], None] = lambda text: None, jobs: int | None = None
) -> Iterator[Proof]:
    """Run every variant of the lab, `jobs` at a time, and yield what came of each, in order.

    Each variant has a kernel and servers of its own. The grader's part runs beside them.
    """
    lab = read(place)
    with parent_for(lab) as parent, _threads(jobs or jobs_here()) as threads:
        running = [
            threads.submit(_variant, lab, proof, repairs, parent, tell)
            for proof, repairs in variants(lab, times)
        ]
        later = []
        for proof in graded(place, tell) if has_judge(place) else ():
            later.append(proof)
            while running and running[0].done():
                yield running.pop(0).result()
        for future in running:
            yield future.result()
    yield from _enough(lab)
    yield from later


@contextmanager
def _threads(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """A pool that nobody waits for when we are interrupted: its kernels go with their parent."""
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="variant")
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _variant(
    lab: Lab, proof: Proof, repairs: dict[int, str], parent: Parent | None, tell: Callable[[str], None]
) -> Proof:
    """What comes of one variant."""
    tell(proof.variant)
    began = time.monotonic()
    try:
        _judge(lab, proof, repairs, parent)
    except BacklabError as error:
        proof.problem = str(error)
    proof.seconds = time.monotonic() - began
    proof.verdicts = {
        check.check_id: proof.verdicts.get(check.check_id, "no verdict") for check in lab.checks
    }
    return proof


def _enough(lab: Lab) -> Iterator[Proof]:
    """A lab that knows fewer than three wrong repairs has not been thought through."""
    if len(lab.wrongs) < WRONGS:
        said = f"the lab has {len(lab.wrongs)} wrong repairs, at least {WRONGS} needed"
        yield Proof(
            f"at least {WRONGS} wrong repairs", [], problem=f"{said}; write those that tempt", known=True
        )


def graded(place: Place, tell: Callable[[str], None]) -> Iterator[Proof]:
    """What the grader makes of the reference, of hard-coded answers and of a forged notebook."""
    from backlab.grading.proofs import graded_proofs

    for variant, should_fail, report in graded_proofs(place, tell):
        proof = Proof(variant, should_fail, seconds=report.seconds, stages=report.stages)
        proof.verdicts = {check.id: check.verdict for check in report.checks}
        proof.reasons = {check.id: check.reason for check in report.checks}
        yield proof


def _judge(lab: Lab, proof: Proof, repairs: dict[int, str], parent: Parent | None) -> None:
    """Execute set-up, exercises and checks; the report says what the checks judged.

    An exception in an exercise is the learner's to have (the checks will fail); one in a set-up or check
    cell is the lab's, and then nothing can be judged.
    """
    from backlab.authoring.kernel import execute

    cells = notebook.minimal(lab, repairs)
    with outside.folder("prove") as scratch:  # the warden deletes it, also when we are killed
        report = scratch / "report.jsonl"
        environment = {REPORT: str(report), "BACKLAB_LAB": lab.place.id}
        folder = lab.place.learner.parent
        folder.mkdir(parents=True, exist_ok=True)
        execute(cells, folder, environment=environment, keep_going=True, parent=parent)
        _refuse_broken_cells(cells)
        rows = [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
    for row in rows:
        if row["id"] in proof.verdicts:
            raise BacklabError(f"check {row['id']} reported twice", "let each check cell judge once")
        proof.verdicts[row["id"]], proof.reasons[row["id"]] = row["verdict"], row["reason"]
    _refuse_other_lines(lab, cells, proof)


def _refuse_broken_cells(cells: Any) -> None:
    for cell in cells.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error" and role_of(cell) != "exercise":
                said = f"{output.ename}: {output.evalue}".splitlines()[0]
                raise BacklabError(f"cell {cell.id} ended with {said}", "repair the lab, not the exercise")


def _refuse_other_lines(lab: Lab, cells: Any, proof: Proof) -> None:
    """The line that a check cell printed must say what its report says."""
    for cell in cells.cells:
        if role_of(cell) != "check":
            continue
        said = "".join(output.get("text", "") for output in cell.outputs)
        id = next((check.check_id for check in lab.checks if check.source == cell.source), "")
        if not said.startswith(f"{proof.verdicts.get(id)} {id} ") or said.count("\n") != 1:
            raise BacklabError(f"check {id} reported {proof.verdicts.get(id)}, but printed {said.strip()!r}",
                               "let the check cell print nothing but its verdict")  # fmt: skip


def exit_code(proofs: list[Proof]) -> int:
    """0 when all of it holds, 2 when something could not be judged, else 1."""
    if all(proof.holds for proof in proofs):
        return 0
    return 1 if all(proof.judged or proof.holds for proof in proofs) else 2
