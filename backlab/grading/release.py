"""A learner's repository: what runs and opens the labs, and the workflows that have them graded elsewhere.

packages without judges, sources, solutions, grading + notebooks + lock + Makefile + workflows -> directory
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from backlab.course import Place
from backlab.sandbox.isolation import PACKAGES
from services.errors import BacklabError

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = Path(__file__).parent / "templates"
FILES = (
    "pyproject.toml",
    "requirements.lock",
    "environment.yml",
    "Makefile",
    "LICENSE",
    "README.md",
    ".gitignore",
    ".dockerignore",
    "docs/class.md",
    "docs/class/jupyterhub_config.py",
    "docs/class/start_learner.py",
    "docs/class/package.json",
    "docs/class/package-lock.json",
    "docs/class/zero-to-jupyterhub.yaml",
)
HIDDEN = {"solved", "source", "sandbox", "grading", "cohort", "__pycache__"}
GRADERS = {"grade.py", "release.py", "prove.py"}
WORKFLOWS = {"github.yml": ".github/workflows/grade.yml", "gitlab.yml": ".gitlab-ci.yml"}


def release(directory: Path, places: Sequence[Place]) -> list[Path]:
    """Write it into a directory that is empty or not there; returns the files."""
    if directory.exists() and any(directory.iterdir()):
        raise BacklabError(f"{directory.name} is not empty", "name a new directory")
    written = [_copy(ROOT / name, directory / name) for name in FILES if (ROOT / name).exists()]
    for path in _packaged(places):
        written.append(_copy(path, directory / path.relative_to(ROOT)))
    # what `backlab update` carries a learner's work into, and what the course page reads
    written += [
        _copy(place.learner, directory / "labs" / "fresh" / place.learner.relative_to(ROOT / "labs"))
        for place in places
    ]
    written += [_copy(TEMPLATES / name, directory / to) for name, to in WORKFLOWS.items()]
    return written


def _packaged(places: Sequence[Place]) -> Iterator[Path]:
    """Files of the five packages that a learner may have; of the labs only the chosen ones."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            inside = path.relative_to(ROOT)
            if not path.is_file() or HIDDEN & set(inside.parts) or _of_a_judge(path):
                continue
            if package != "labs" or len(inside.parts) < 3 or _chosen(path, places):
                yield path


def _of_a_judge(path: Path) -> bool:
    return (
        path.stem in ("judge", "guest", "renamed")
        or path.stem.endswith(("_judge", "_guest"))
        or (path.parent.name == "commands" and path.name in GRADERS)
    )


def _chosen(path: Path, places: Sequence[Place]) -> bool:
    """Whether a file below labs/<module>/ belongs to one of the labs, or to all of its module."""
    for place in places:
        module, slug = place.learner.parent, place.learner.stem[3:]
        if path == place.learner or path == module / "__init__.py":
            return True
        if path == module / f"{slug}.py" or module / slug in path.parents:
            return True
    return False


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target
