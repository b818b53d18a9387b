"""How a lab says what to judge: two files beside its module, one for each side of the sandbox.

labs/m4_performance/n_plus_one/judge.py   or  labs/m4_performance/n_plus_one_judge.py   outside: trusted
labs/m4_performance/n_plus_one/guest.py   or  labs/m4_performance/n_plus_one_guest.py   inside: not trusted
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from backlab import course
from backlab.authoring.source import Lab
from backlab.course import Place
from backlab.grading.hidden import Draw
from backlab.sandbox import isolation, lent
from services.errors import BacklabError

JUDGE = ("hidden", "scene", "CHECKS")


@dataclass(frozen=True)
class Contract:
    """One lab's judge: hidden parameters, what is set up, a function for each check, the guest's module."""

    hidden: Callable[[Draw], dict[str, Any]]
    scene: Callable[[Any], Any]
    checks: Mapping[str, Callable[[Any, Any, Any], None]]
    guest: str
    imports: list[str]
    answers: dict[str, list[str]]  # names by module, of all labs, that no submission may use; see lent.py
    same_for_all: frozenset[str]  # checks whose right answer is the same for every learner, such as a file


def contract(lab: Lab) -> Contract:
    """The contract of a lab; raises `BacklabError` with what is missing from it."""
    judge_file, guest_file = _files(lab.place)
    judge = _load(judge_file)
    missing = [name for name in JUDGE if not hasattr(judge, name)]
    if missing:
        raise BacklabError(
            f"{judge_file.name} of lab {lab.place.id} lacks {', '.join(missing)}", "see CONTRIBUTING.md"
        )
    ids = {check.check_id for check in lab.checks}
    if set(judge.CHECKS) != ids:
        odd = ", ".join(sorted(ids ^ set(judge.CHECKS)))
        raise BacklabError(
            f"the judge and the source of lab {lab.place.id} differ about {odd}", "give each check one"
        )
    same = frozenset(getattr(judge, "SAME_FOR_ALL", ()))
    answers = lent.kept_back(isolation.judges())
    return Contract(judge.hidden, judge.scene, judge.CHECKS, _module(guest_file), imports(lab), answers, same)


def has_judge(place: Place) -> bool:
    """Whether the lab can be graded."""
    return any(judge.exists() for judge, _ in _candidates(place))


def fingerprint(place: Place) -> str:
    """A digest of all that decides a verdict on this lab: its source, its module, its judge and guest."""
    folder, slug = place.learner.parent, place.learner.stem[3:]
    files = sorted({*folder.glob(f"{slug}/**/*.py"), *folder.glob(f"{slug}*.py"), place.source})
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def imports(lab: Lab) -> list[str]:
    """The set-up cells that only import; the guest executes them before the exercises."""
    found = [cell.source for cell in lab.cells if cell.role == "setup"]
    return [
        source for source in found if all(isinstance(n, ast.Import | ast.ImportFrom) for n in _body(source))
    ]


def _body(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except SyntaxError:  # a magic
        return [ast.Pass()]


def _candidates(place: Place) -> list[tuple[Path, Path]]:
    folder, slug = place.learner.parent, place.learner.stem[3:]
    return [
        (folder / slug / "judge.py", folder / slug / "guest.py"),
        (folder / f"{slug}_judge.py", folder / f"{slug}_guest.py"),
    ]


def _files(place: Place) -> tuple[Path, Path]:
    for judge, guest in _candidates(place):
        if judge.exists() and guest.exists():
            return judge, guest
    raise BacklabError(
        f"lab {place.id} has no judge and guest", "write them; CONTRIBUTING.md says how a lab is judged"
    )


def _module(path: Path) -> str:
    """The file's name as a module; a lab outside of the house is imported from its folder."""
    inside = path.relative_to(course.root())
    return ".".join(("labs", *inside.with_suffix("").parts))


def _load(path: Path) -> ModuleType:
    """A judge's file as a module, from where it lies, without any trace in the guest's way."""
    name = f"backlab_judge_{'_'.join(path.with_suffix('').parts[-3:])}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
