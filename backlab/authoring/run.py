"""Run a lab without a browser, as shipped: what happens, what was found, where the pictures are.

learner's notebook -> kernel -> events -> Show (lines, living line, pictures in out/4.2/)
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backlab import course
from backlab.authoring.notebook import role_of
from backlab.course import Place
from backlab.screen import Screen, bar
from services.errors import BacklabError

if TYPE_CHECKING:
    from backlab.authoring.kernel import Event

# A first guess of seconds per cell by role; `:seconds:` in the source and the last run know better
TYPICAL_S = {"setup": 3.0, "experiment": 7.0, "fault": 7.0, "plot": 0.4, "exercise": 0.1, "check": 0.5}
ACTIVITY = {
    "parameters": "reading the parameters",
    "setup": "starting servers and seeding data",
    "predict": "noting your prediction",
    "experiment": "experiment",
    "plot": "drawing",
    "fault": "breaking something on purpose",
    "exercise": "reading the exercise",
    "check": "checking",
    "show": "looking",
}


@dataclass
class Result:
    """What a run left: the check lines, the pictures, the seconds."""

    lab: str
    seconds: float = 0.0
    checks: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)


class Watch:
    """Listens to the cells and keeps the living line: what runs, and how long is left."""

    def __init__(self, place: Place, notebook: Any, screen: Screen) -> None:
        self.screen = screen
        self.folder = course.out(place.id)
        self.expected_s = expected_seconds(notebook, self.folder)
        self._now, self._began_s = 0, time.monotonic()

    def __call__(self, event: Event) -> None:
        if event.kind == "begin":
            self._now, self._began_s = event.index, time.monotonic()
            role = role_of(event.cell)
            self._status(ACTIVITY.get(role, role), now=True)
        elif event.kind == "progress" and not event.facts.get("over"):
            facts = event.facts
            done, total = facts.get("done"), facts.get("total")
            count = "" if done is None else f" {done} of {total}" if total else f" {done}"
            self._status(str(facts.get("label", "")) + count)

    def left_s(self) -> float:
        """Seconds that the rest should take."""
        current = max(0.0, self.expected_s[self._now] - (time.monotonic() - self._began_s))
        return current + sum(self.expected_s[self._now + 1 :])

    def _status(self, what: str, *, now: bool = False) -> None:
        left, whole = self.left_s(), sum(self.expected_s) or 1.0
        self.screen.status(f"  {bar(1 - left / whole)}  about {left:.0f} s left   {what}", now=now)


class Show(Watch):
    """Shows what a learner would see: what runs where, findings, figures; keeps the checks for the end."""

    def __init__(self, place: Place, notebook: Any, screen: Screen) -> None:
        super().__init__(place, notebook, screen)
        self.result = Result(place.id)
        self._text = ""
        self._figures: dict[str, tuple[bytes, str]] = {}  # of the running cell, by display: picture, title

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        if event.kind == "begin":
            self._text, self._figures = "", {}
        elif event.kind == "text" and event.facts["name"] == "stdout":
            self._text += event.text
        elif event.kind == "figure":  # a live plot sends many with one display; the last one stays
            picture = base64.b64decode(event.facts["png"])
            self._figures[event.facts["display"]] = picture, str(event.facts.get("title") or "figure")
        elif event.kind == "end":
            self._tell(role_of(event.cell), event.cell.metadata.get("tags", []))

    def _tell(self, role: str, tags: list[str]) -> None:
        """The lines of a finished cell that are worth a line here."""
        lines = [line for line in self._text.splitlines() if line.strip()]
        if role == "check":
            self.result.checks += lines[:1]
        elif role == "setup":
            for line in lines:
                self.screen.say(f"  {line}", "dim")
        elif "finding" in tags:
            self.result.findings += lines
            for line in lines:
                self.screen.say(f"  {line}", "bold")
        for picture, title in self._figures.values():
            self._save(picture, title)

    def _save(self, picture: bytes, title: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{len(self.result.figures) + 1}.png"
        path.write_bytes(picture)
        shown = path.relative_to(course.root().parent).as_posix()
        self.result.figures.append(shown)
        self.screen.say(f"  {title}", "bold")
        self.screen.say(f"    {shown}", "blue")


def run(place: Place, screen: Screen) -> Result:
    """Execute the learner's notebook as shipped and show it; nothing in it is changed."""
    from backlab.authoring.kernel import execute

    notebook = load(place)
    for old in course.out(place.id).glob("*.png"):
        old.unlink()
    show = Show(place, notebook, screen)
    screen.say(f"lab {place.id}  {place.title}", "bold")
    expected = sum(show.expected_s)
    screen.say(f"  about {expected:.0f} s on this machine; Ctrl-C stops it and leaves nothing running", "dim")
    began = time.monotonic()
    seconds = execute(notebook, place.learner.parent, environment={"BACKLAB_LAB": place.id}, listen=show)
    show.result.seconds = time.monotonic() - began
    remember_seconds(notebook, seconds, show.folder)
    return show.result


def load(place: Place) -> Any:
    """The learner's notebook, or one sentence when it has not been built."""
    import nbformat

    if not place.learner.exists():
        raise BacklabError(f"{place.relative} is not there", f"build it with `backlab build {place.id}`")
    return nbformat.read(place.learner, as_version=4)


def expected_seconds(notebook: Any, folder: Path) -> list[float]:
    """Seconds that each cell should take: as in the last run, as its author says, or as its kind does."""
    try:
        last = json.loads((folder / "seconds.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        last = {}
    expected = []
    for cell in notebook.cells:
        stated = cell.metadata.get("backlab", {}).get("seconds")
        guess = float(stated if stated is not None else TYPICAL_S.get(role_of(cell), 0.05))
        expected.append(float(last.get(cell.get("id"), guess)) if cell.cell_type == "code" else 0.0)
    return expected


def remember_seconds(notebook: Any, seconds: list[float], folder: Path) -> None:
    """Keep what the cells took here, so that the next run knows how long is left."""
    folder.mkdir(parents=True, exist_ok=True)
    known = {cell.get("id"): round(s, 3) for cell, s in zip(notebook.cells, seconds, strict=True) if s}
    (folder / "seconds.json").write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
