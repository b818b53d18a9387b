"""A kernel that dies and a cell that never ends are reported soon, with the learner's cell quoted."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from backlab import course
from backlab.authoring.source import Lab, read
from backlab.bench import bench
from backlab.grading.contract import contract
from backlab.grading.nbval_run import nbval_verdicts
from backlab.sandbox import isolation
from backlab.sandbox.limits import Limits
from backlab.sandbox.nursery import Nursery

LIMITS = Limits(seconds=3)
pytestmark = [
    pytest.mark.long,
    pytest.mark.alone,  # it counts seconds
    pytest.mark.skipif(
        isolation.reached().name != "strong", reason="needs bubblewrap; see docs/instructors.md"
    ),
]


@pytest.fixture(scope="module")
def lab() -> Lab:
    """Lab 4.2."""
    return read(course.lab("4.2"))


@pytest.fixture(scope="module")
def nursery(lab: Lab) -> Iterator[Nursery]:
    """The preloaded parent, once the lab's data is prepared, as a judge's own servers do before nbval comes.

    A sandbox cannot keep what it prepares, and needs more than a cell's three seconds for it.
    """
    with bench("postgres", data="shop-S", seed=42):
        pass
    judged = contract(lab)
    made = Nursery(judged.imports, judged.guest, judged.answers)
    yield made
    made.close()


def spoilt(lab: Lab, line: str) -> dict[int, str]:
    """The reference, whose first exercise cell begins with a line of mischief."""
    first = min(lab.solutions)
    return {i: f"{line}\n{source}" if i == first else source for i, source in lab.solutions.items()}


def test_a_dead_kernel_is_told_within_five_seconds(lab: Lab, nursery: Nursery) -> None:
    """nbval would wait for it."""
    began = time.monotonic()
    cells = spoilt(lab, "import os; os.kill(os.getpid(), 9)")
    seen, _ = nbval_verdicts(lab, cells, {}, nursery, LIMITS)
    assert {verdict for verdict, _ in seen.values()} == {"FAIL"}
    assert seen["4.2.a"][1] == "the kernel died in the cell that begins 'import os; os.kill(os.getpid(), 9)'"
    assert time.monotonic() - began < 15  # set-up, which starts a server, comes before the five seconds


@pytest.mark.parametrize("block", ["pass", "import signal; signal.signal(2, signal.SIG_IGN)"])
def test_a_runaway_cell_is_told_at_the_limit_and_five_seconds(lab: Lab, nursery: Nursery, block: str) -> None:
    """Also where it ignores interrupts; other exercises keep their points where it does not."""
    began = time.monotonic()
    cells = spoilt(lab, f"{block}; exec('while True: pass')")
    seen, _ = nbval_verdicts(lab, cells, {}, nursery, LIMITS)
    verdict, reason = seen["4.2.a"]
    assert verdict == "FAIL"
    assert block in reason
    assert seen["4.2.e"][0] == ("PASS" if block == "pass" else "FAIL")
    assert time.monotonic() - began < 15 + LIMITS.seconds + 5
