"""Many submissions: which files there are, whose they are, and one grader for each lab among them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from backlab import course
from backlab.grading import submission
from backlab.grading.grade import Grader
from backlab.grading.limits import Limits
from backlab.grading.report import Report, from_json, to_json
from services.errors import BacklabError

NO_SUBMISSIONS = {".ipynb_checkpoints", "fresh"}


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
    return found


def _handed_in(inside: Path) -> bool:
    return not NO_SUBMISSIONS & set(inside.parts) and ".kept-" not in inside.name


def grade_files(
    files: Sequence[Path], key: bytes, lab: str | None, learner: str | None, limits: Limits,
    tell: Callable[[str], None] = lambda words: None, folder: Path | None = None,
) -> Iterator[Report]:  # fmt: skip
    """Grade one file after the other; servers are started once for each lab.

    Reports are kept in `folder`, and a file whose report is there already is not graded again.
    """
    graders: dict[str, Grader] = {}
    with ExitStack() as stack:
        for number, path in enumerate(files, 1):
            file = kept(folder, path)
            if file is not None and file.exists():
                yield from_json(file.read_text(encoding="utf-8"))
                continue
            who = learner or path.stem
            prefix = f"{number} of {len(files)}: " if len(files) > 1 else ""
            place = course.lab(lab) if lab else _place(path)
            if place.id not in graders:
                say = lambda words, prefix=prefix: tell(prefix + words)  # noqa: E731 - one line says it
                graders[place.id] = stack.enter_context(Grader(place, key, limits, say))
            report = graders[place.id].grade(path, who)
            keep(file, report)
            yield report


def kept(folder: Path | None, path: Path) -> Path | None:
    """Where the report of a file is kept; named by its content and place, never by what a learner wrote."""
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(str(path.resolve()).encode() + b"\0" + path.read_bytes())
    return folder / f"{digest.hexdigest()[:32]}.json"


def keep(file: Path | None, report: Report) -> None:
    """Write a report whole or not at all, so that a killed run can go on where it was."""
    if file is not None:
        draft = file.with_suffix(".draft")
        draft.write_text(to_json(report), encoding="utf-8")
        draft.replace(file)


def _place(path: Path) -> course.Place:
    """The lab that a file belongs to; a file that is no notebook may still have a telling name."""
    try:
        raw = submission.load(path)
    except submission.Refused as refused:
        try:
            return course.lab(path.name)
        except BacklabError:
            raise BacklabError(f"{path.name}: {refused}", "name its lab with --lab 4.2") from None
    return submission.place_of(raw, path.name)
