"""How long a verdict on lab 4.2 takes, against plain nbval, and what grading adds to the lab's own work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from backlab import course
from backlab.authoring.prove import prove
from backlab.grading.grade import Grader
from tests.bench.figure import Figure, seconds


def ours(place: course.Place) -> float:
    """The seconds of the reference repair in `backlab prove`, kernel and servers included."""
    return next(proof.seconds for proof in prove(place) if proof.variant == "reference")


def theirs(place: course.Place) -> None:
    """nbval as it comes: every cell."""
    argv = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", str(place.solved)]
    subprocess.run(argv, check=True, capture_output=True)


def beyond(place: course.Place) -> float:
    """Seconds of one submission of a cohort that neither its cells nor the judge's checks took."""
    with Grader(place, b"k" * 32) as grader:
        for learner in ("ada", "bob"):  # the first one starts servers and imports
            stages = grader.grade_cells(dict(grader.lab.solutions), learner).stages
    return stages["sandboxes"] + stages["nbval"]


def figures() -> Iterator[Figure]:
    """Once each; the difference is large."""
    place = course.lab("4.2")
    anchor = seconds(lambda: theirs(place))
    yield Figure("grading beyond the lab's work", "s", beyond(place), 1.0)
    yield Figure("verdict on lab 4.2", "s", ours(place), 20, "plain nbval", anchor, 2)
