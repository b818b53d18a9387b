"""Many submissions: which files there are, whose they are, which are graded already, and who grades the rest.

files -> Entry(work | report) -> kept? -> executor (this machine, or a Dask cluster) -> reports, in order
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from backlab import course
from backlab.authoring.source import read
from backlab.cohort.keeping import Kept, digest_of
from backlab.cohort.work import Work
from backlab.grading import submission
from backlab.grading.contract import contract, fingerprint
from backlab.grading.grade import refused_report
from backlab.grading.hidden import root_of
from backlab.grading.report import Report, from_json
from backlab.sandbox import isolation
from services.errors import BacklabError

NO_SUBMISSIONS = {".ipynb_checkpoints", "fresh"}  # Jupyter's, and what an update works from
Run = Callable[[Mapping[int, Work]], Iterator[tuple[int, str]]]  # numbers with works -> with reports


class Teller(Protocol):
    """Who hears how a cohort goes on: reports that are done, of these kept from an earlier run, of all."""

    def __call__(self, done: int, kept: int, of: int) -> None: ...


@dataclass
class Course:
    """How submissions are graded: by which key, within which limits, on which isolation at least."""

    key: bytes
    named: bool  # a key that was made up for one run decides nothing for the next
    seconds: float = 20.0
    least: str = "weak"
    lab: str | None = None
    learner: str | None = None
    by_folder: bool = False

    def who(self, path: Path) -> str:
        """Whose file it is."""
        return self.learner or (path.resolve().parent.name if self.by_folder else path.stem)


@dataclass
class Entry:
    """One file: work to be done, or its report already."""

    path: Path
    work: Work | None = None
    report: Report | None = None
    digest: str = ""


def notebooks_in(places: Sequence[Path]) -> list[Path]:
    """The files named, and those below the folders named, in order; `BacklabError` when there is none.

    Below a folder, Jupyter's checkpoints are none, nor is what `backlab update` works from and puts aside.
    """
    found: list[Path] = []
    for place in places:
        inside = sorted(place.rglob("*.ipynb")) if place.is_dir() else [place]
        found += [path for path in inside if path == place or _handed_in(path.relative_to(place))]
    if not found:
        raise BacklabError("there is no notebook in it", "name a notebook or a folder of them")
    return list(dict.fromkeys(found))


def _handed_in(inside: Path) -> bool:
    return not NO_SUBMISSIONS & set(inside.parts) and ".kept-" not in inside.name


def entries(files: Sequence[Path], how: Course, kept: Kept | None) -> list[Entry]:
    """What there is to do for each file; one that nobody can place gets a report that says why.

    A single file that cannot be placed raises `BacklabError` instead; so does a lab that has no judge.
    """
    made = []
    for path in files:
        try:
            entry = _entry(path, how)
        except BacklabError as error:
            if len(files) == 1:
                raise
            entry = Entry(path, report=_misplaced(how.who(path), str(error)))
        if entry.work is not None and kept is not None:
            entry.digest = digest_of(
                str(path.resolve()).encode(),
                entry.work.to_json().encode() if how.named else _rootless(entry.work),
            )
            entry.report = kept.find(entry.digest)
        made.append(entry)
    for lab in {entry.work.lab for entry in made if entry.work}:
        contract(read(course.lab(lab)))  # one sentence now, not after an hour
    return made


def grade(todo: Sequence[Entry], run: Run, kept: Kept | None, tell: Teller) -> Iterator[Report]:
    """Grade what has no report yet, and yield all reports in the order of the files."""
    works = {n: entry.work for n, entry in enumerate(todo) if entry.report is None and entry.work is not None}
    before = done = len(todo) - len(works)
    tell(done, before, len(todo))
    yielded = 0
    for number, text in run(works) if works else ():
        if kept is not None:
            kept.keep(todo[number].digest, text)
        todo[number].report = from_json(text)
        done += 1
        tell(done, before, len(todo))
        while yielded < len(todo) and (report := todo[yielded].report) is not None:
            yielded += 1
            yield report
    yield from (entry.report for entry in todo[yielded:] if entry.report is not None)


def _entry(path: Path, how: Course) -> Entry:
    """A file's work, or the report of one that is refused."""
    who = how.who(path)
    try:
        raw = submission.load(path)
    except submission.Refused as refused:
        return Entry(path, report=refused_report(read(_named(path, how, str(refused))), str(refused), who))
    place = course.lab(how.lab) if how.lab else submission.place_of(raw, path.name)
    lab = read(place)
    try:
        exercises = submission.exercises(raw, lab)
    except submission.Refused as refused:
        return Entry(path, report=refused_report(lab, str(refused), who))
    root = root_of(how.key, who, place.id).hex()
    return Entry(path, Work(place.id, who, exercises, root, fingerprint(place), how.seconds, how.least))


def _named(path: Path, how: Course, why: str) -> course.Place:
    """The lab of a file that is no notebook; it may still have a telling name."""
    try:
        return course.lab(how.lab or path.name)
    except BacklabError:
        raise BacklabError(f"{path.name}: {why}", "name its lab with --lab 4.2") from None


def _misplaced(who: str, why: str) -> Report:
    """The report of a file that belongs to no lab: nothing in it could be judged."""
    return Report("?", who, str(isolation.reached()), refused=why)


def _rootless(work: Work) -> bytes:
    return Work(**{**vars(work), "root": ""}).to_json().encode()
