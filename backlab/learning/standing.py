"""How far a learner is: what the diary says of each lab, in the words of the course page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backlab import course
from backlab.course import Place
from backlab.learning import diary


@dataclass(frozen=True)
class Standing:
    """One lab: `passed` of `of` checks in the latest complete round (`complete`), or so far."""

    state: str  # "not started", "begun", "predicted", "ran" or "checked"
    passed: int = 0
    of: int = 0
    complete: bool = False

    @property
    def words(self) -> str:
        """The state as people say it: "3 of 5 points" where checks were run."""
        if self.state != "checked":
            return self.state
        return f"{self.passed} of {self.of} points" + ("" if self.complete else " so far")

    @property
    def done(self) -> bool:
        """Whether every check passed in one round."""
        return self.complete and self.passed == self.of


def of(place: Place, entry: Mapping[str, Any]) -> Standing:
    """What an entry of the diary says of the lab; verdicts of checks that it no longer has do not count."""
    checks = place.checks
    for part in ("complete", "round"):
        verdicts = {id: verdict for id, verdict in entry.get(part, {}).items() if id in checks}
        if verdicts:
            passed = sum(verdict == "PASS" for verdict in verdicts.values())
            return Standing(
                "checked", passed, len(checks), part == "complete" and len(verdicts) == len(checks)
            )
    if "ran" in entry:
        return Standing("ran")
    if any(kept.get("guess") is not None for kept in entry.get("guesses", {}).values()):
        return Standing("predicted")
    return Standing("begun" if "started" in entry else "not started")


def following(lab: str) -> Place | None:
    """The next lab in the course's order that is not done yet, from this one on and then from the start."""
    known, every = diary.read(), course.labs()
    at = [place.id for place in every].index(lab)
    for place in every[at + 1 :] + every[:at]:
        if not of(place, known.get(place.id, {})).done:
            return place
    return None


def farewell(lab: str) -> str:
    """A line that names the next lab once all checks of this round have passed; else nothing."""
    place, verdicts = course.lab(lab), diary.entry(lab).get("round", {})
    if not place.checks or any(verdicts.get(id) != "PASS" for id in place.checks):
        return ""
    done = f"all {len(place.checks)} checks of lab {lab} pass"
    after = following(lab)
    if after is None:
        return f"{done}, and so do those of every other lab\n"
    return f"{done}; the next lab is {after.id}, {after.title} ({after.relative})\n"
