"""What a lab's own modules would give away is taken out of them before a submission can see it.

ANSWERS in judge.py: {"services.shop.pages": ["eagerly"]} --> parent imports the module without it
                                                          --> sandbox has the file without it
Nothing of it was ever in the guest's memory, so there is no frame, no closure and no `gc` to find it in.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import Any

Answers = Mapping[str, Sequence[str]]  # names by module; "*" for functions, classes and CONSTANTS
ALL = "*"
AGAIN = ("labs", "services.shop")  # packages that nbval's kernel imports anew, with everything in them
HEAD = "from backlab.grading.lent import Borrowed, BorrowedFromTheLab"


class BorrowedFromTheLab(Exception):
    """A submission uses what the exercise asks it to write."""


class Borrowed:
    """Stands where a value was; every use of it raises."""

    def __init__(self, name: str) -> None:
        self.__dict__["name"] = name

    def _no(self, *_: Any, **__: Any) -> Any:
        raise BorrowedFromTheLab(self.__dict__["name"])

    __getitem__ = __call__ = __iter__ = __len__ = __contains__ = __bool__ = __str__ = __getattr__ = _no


def stripped(source: str, names: Sequence[str]) -> str:
    """A module's source without the bodies and values of these names."""
    tree = ast.parse(source)
    tree.body = [_without(node, names) for node in tree.body]
    future = [n for n, node in enumerate(tree.body) if getattr(node, "module", "") == "__future__"]
    place = future[0] + 1 if future else 0
    tree.body[place:place] = ast.parse(HEAD).body
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _without(node: ast.stmt, names: Sequence[str]) -> ast.stmt:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        if node.name in names or ALL in names:
            said = ast.parse(f"def {node.name}(*_, **__): raise BorrowedFromTheLab({node.name!r})")
            return said.body[0]
        return node
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    if isinstance(target, ast.Name) and (target.id in names or (ALL in names and target.id.isupper())):
        return ast.parse(f"{target.id} = Borrowed({target.id!r})").body[0]
    return node


class Stripping(SourceFileLoader):
    """Loads a module without its answers, and from no bytecode."""

    names: Sequence[str] = ()

    def get_code(self, fullname: str) -> CodeType:
        """Compile what is left."""
        return compile(self.get_source(fullname), self.path, "exec")

    def get_source(self, fullname: str) -> str:
        """The text of what is left."""
        return stripped(Path(self.path).read_text(encoding="utf-8"), self.names)


class Finder(PathFinder):
    """Finds modules that have answers in them."""

    answers: Answers = {}  # noqa: RUF012 - replaced, never changed

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """A spec for those; others are not our business."""
        if fullname not in cls.answers:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.origin is not None:
            loader = Stripping(fullname, spec.origin)
            loader.names = cls.answers[fullname]
            spec.loader, spec.cached = loader, None
        return spec


def keep_back(answers: Answers) -> None:
    """From now on modules are imported without their answers, in this process and all that it forks."""
    Finder.answers = answers
    sys.meta_path.insert(0, Finder)


def give_back() -> None:
    """Import whole modules again: the checks that nbval runs need them, and its verdict alone is no point."""
    if Finder in sys.meta_path:
        sys.meta_path.remove(Finder)
    for name in [*sys.modules]:
        if name in AGAIN or name.startswith(tuple(f"{package}." for package in AGAIN)):
            del sys.modules[name]


def mounts(answers: Answers, files: Path) -> list[str]:
    """bubblewrap's words that put stripped files, written to `files`, over the whole ones."""
    words: list[str] = []
    for number, (module, names) in enumerate(answers.items()):
        spec = find_spec(module)
        assert spec is not None, module
        assert spec.origin is not None, module
        original, made = Path(spec.origin), files / f"lent{number}.py"
        made.write_text(stripped(original.read_text(encoding="utf-8"), names), encoding="utf-8")
        made.chmod(0o644)
        words += ["--ro-bind", str(made), str(original)]
        if (original.parent / "__pycache__").is_dir():
            words += ["--tmpfs", str(original.parent / "__pycache__")]
    return words
