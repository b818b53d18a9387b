"""What the house rules look at: our files, what they import, how long they are, and the text of notebooks."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "datasets",
    "services",
    "chaos",
    "backlab",
    "labs",
)  # a package imports itself and those before it
# written so that this file is no hit itself: homes of people and of machines, and where registries answer
PATHS = re.compile(r"(?<![\w./~-])/(?:hom[e]|Use[r]s|roo[t]|wor[k])/[\w.-]+")
REGISTRIES = re.compile(
    r"py[p]i\.org|python[h]osted\.org|registry\.npm[j]s|crates\.[i]o|maven\.apache\.or[g]/maven2|repo1\.mave[n]"
    r"|deb\.debia[n]\.org|docker\.i[o]/|gh[c]r\.io|qua[y]\.io|mc[r]\.microsoft|proxy\.gol[a]ng"
)
# a container's home is the same on every machine
CONTAINER_HOME = "/home/learner"


def committed() -> list[Path]:
    """Every file that `git add .` would commit; in a copy without git, every file but generated ones."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return [path for name in sorted(set(done.stdout.splitlines())) if (path := ROOT / name).is_file()]
    return [path for path in sorted(ROOT.rglob("*")) if path.is_file() and not generated(path)]


def generated(path: Path) -> bool:
    """Is this a file that no one wrote: environment, caches, outputs?"""
    parts = set(path.relative_to(ROOT).parts)
    return bool(parts & {".git", ".venv", "out", "__pycache__"}) or any(p.endswith("_cache") for p in parts)


def modules() -> list[Path]:
    """Our Python files, tests included."""
    return [path for path in committed() if path.suffix == ".py"]


def packaged() -> list[Path]:
    """The Python files of the five packages."""
    return [path for path in modules() if path.relative_to(ROOT).parts[0] in PACKAGES]


def imports(path: Path) -> set[str]:
    """Top-level names that a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def rooms(path: Path) -> set[str]:
    """The rooms of `backlab` that a file imports, inside functions too: backlab.plot.axes is of `plot`."""
    text = path.read_text()
    return set(re.findall(r"^\s*(?:from|import) backlab\.(\w+)", text, re.M)) | {
        name.strip().split(" ")[0]
        for names in re.findall(r"^\s*from backlab import ([\w, ]+)$", text, re.M)
        for name in names.split(",")
    }


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length in lines of each function, without its decorators and docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = node.body[0] if ast.get_docstring(node) else None
            told = (doc.end_lineno or 0) - doc.lineno + 1 if doc else 0
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - told


def notebooks() -> list[Path]:
    """Learners' and solved notebooks."""
    return [path for path in committed() if path.suffix == ".ipynb"]


def cells(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook."""
    found: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return found


def text_of(path: Path) -> str:
    """A committed file as text; empty for pictures and other binaries."""
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def named(path: Path) -> str:
    """A path as tests print it."""
    return str(path.relative_to(ROOT))
