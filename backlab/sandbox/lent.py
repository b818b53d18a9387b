"""What the labs' own modules would give away is taken out of them before a submission can see it.

ANSWERS in each judge.py: {"services.shop.pages": ["eagerly"]} --> parent imports the module without it
                                                               --> sandbox has the file without it
All labs' answers are kept from every submission. None was ever in the guest's memory, so there is no frame,
no closure and no `gc` to find it in.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from services.errors import BacklabError

Answers = Mapping[str, Sequence[str]]  # names by module; "*" for functions, classes and CONSTANTS
ALL = "*"
AGAIN = ("labs", "services.shop")  # packages that nbval's kernel imports anew, with everything in them
HEAD = "from backlab.sandbox.lent import Borrowed, BorrowedFromTheLab"


def kept_back(judges: Iterable[Path]) -> dict[str, list[str]]:
    """The answers that these judges name, together; their files are read and not executed, which is slow."""
    found: dict[str, list[str]] = {}
    for judge in judges:
        for module, names in _answers(judge).items():
            found[module] = sorted({*found.get(module, ()), *names})
    return found


def _answers(judge: Path) -> Answers:
    text = judge.read_text(encoding="utf-8")
    for node in ast.parse(text).body if "ANSWERS" in text else []:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ANSWERS":
            try:
                return dict(ast.literal_eval(node.value))
            except ValueError:
                raise BacklabError(f"ANSWERS in {judge} is no literal", "write all names out") from None
    return {}


def files(module: str) -> list[Path]:
    """Where a module lies, in each course that has it; its parents are not imported."""
    first, *inside = module.split(".")
    places = [Path(folder, *inside) for folder in import_module(first).__path__]
    found = [each for at in places for each in (at.with_suffix(".py"), at / "__init__.py") if each.is_file()]
    if not found:
        raise BacklabError(f"a judge keeps answers of {module} back, which is nowhere", "look at its ANSWERS")
    return found


class BorrowedFromTheLab(Exception):
    """A submission uses what the exercise asks it to write."""


class Borrowed:
    """Stands where a value was; every use of it raises."""

    def __init__(self, name: str) -> None:
        self.__dict__["name"] = name

    def _no(self, *_: Any, **__: Any) -> Any:
        raise BorrowedFromTheLab(self.__dict__["name"])

    __getitem__ = __call__ = __iter__ = __len__ = __contains__ = __bool__ = __str__ = __getattr__ = _no


@functools.cache
def stripped_file(file: Path, names: tuple[str, ...]) -> str:
    """The text of a file without these names, made once: every sandbox of a grader has the same."""
    return stripped(file.read_text(encoding="utf-8"), names)


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

    text = ""  # made before any sandbox is entered, where Landlock closes the file

    def get_code(self, fullname: str) -> CodeType:
        """Compile what is left."""
        return compile(self.text, self.path, "exec")

    def get_source(self, fullname: str) -> str:
        """The text of what is left."""
        return self.text


class Finder(PathFinder):
    """Finds modules that have answers in them."""

    texts: Mapping[str, str] = {}
    answers: Answers = {}  # noqa: RUF012 - replaced, never changed

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """A spec for those; others are not our business."""
        if fullname not in cls.answers:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.origin is not None:
            loader = Stripping(fullname, spec.origin)
            loader.text = cls.texts[spec.origin]
            spec.loader, spec.cached = loader, None
        return spec


def keep_back(answers: Answers) -> None:
    """From now on modules are imported without their answers, in this process and all that it forks."""
    Finder.answers = answers
    Finder.texts = {
        str(file): stripped_file(file, tuple(names))
        for module, names in answers.items() for file in files(module)
    }  # fmt: skip
    sys.meta_path.insert(0, Finder)


def give_back() -> None:
    """Import whole modules again: the checks that nbval runs need them, and its verdict alone is no point."""
    if Finder in sys.meta_path:
        sys.meta_path.remove(Finder)
    for name in [*sys.modules]:
        if name in AGAIN or name.startswith(tuple(f"{package}." for package in AGAIN)):
            del sys.modules[name]


def mounts(answers: Answers, folder: Path) -> list[str]:
    """bubblewrap's words that put stripped files, written to `folder`, over the whole ones."""
    words: list[str] = []
    whole = [(original, tuple(names)) for module, names in answers.items() for original in files(module)]
    for number, (original, names) in enumerate(whole):
        made = folder / f"lent{number}.py"
        made.write_text(stripped_file(original, names), encoding="utf-8")
        made.chmod(0o644)
        words += ["--ro-bind", str(made), str(original)]
    for compiled in sorted({original.parent / "__pycache__" for original, _ in whole}):
        words += ["--tmpfs", str(compiled)] if compiled.is_dir() else []
    return words
