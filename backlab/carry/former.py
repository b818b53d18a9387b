"""Work in the directory of a former course, brought into this one; the former directory is only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from backlab import course
from backlab.carry.update import Outcome, holds_work, notebooks, update
from backlab.course import Place
from services.errors import BacklabError


def bring(place: Place, former: Path) -> Iterator[Outcome]:
    """One outcome for each notebook of the lab in the former course; labs that it lacks are passed over."""
    labs = former / "labs" if (former / "labs").is_dir() else former
    if not labs.is_dir():
        raise BacklabError(f"{former} is no directory", "name the one that holds the former `labs`")
    if labs.resolve() == course.root():
        raise BacklabError(f"{former} is this very course", "leave --from away to update it in place")
    for old in notebooks(place, labs / place.learner.parent.name):
        target = place.learner.with_name(old.name)
        if holds_work(place, target):
            said = [f"it holds work of yours already, so {old.name} of {former.name} was not read"]
            name = f"{target.parent.name}/{target.name}"
            yield Outcome(place.id, name, "left alone", lost=True, remarks=said)
        else:
            yield update(place, old, target)
