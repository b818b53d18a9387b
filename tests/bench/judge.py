"""How long a verdict on lab 4.2 takes: set-up, exercises and checks alone, against plain nbval."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from backlab import course
from backlab.authoring.prove import prove
from tests.bench.figure import Figure, seconds


def ours(place: course.Place) -> float:
    """The seconds of the reference repair in `backlab prove`, kernel and servers included."""
    return next(proof.seconds for proof in prove(place) if proof.variant == "reference")


def theirs(place: course.Place) -> None:
    """nbval as it comes: every cell."""
    argv = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", str(place.solved)]
    subprocess.run(argv, check=True, capture_output=True)


def figures() -> Iterator[Figure]:
    """Once each; the difference is large."""
    place = course.lab("4.2")
    anchor = seconds(lambda: theirs(place))
    yield Figure("verdict on lab 4.2", "s", ours(place), 20, "plain nbval", anchor, 2)
