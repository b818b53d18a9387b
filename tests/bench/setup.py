"""How long set-up takes in a fresh folder: `make setup` against venv and pip with the same lock."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figure import Figure, seconds

ROOT = Path(__file__).parents[2]
WHEEL = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
READ = ("backlab/bootstrap.py", "requirements.lock", "pyproject.toml", "README.md", *WHEEL["force-include"])


def ours(folder: Path) -> None:
    """What `make setup` runs."""
    for name in READ:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    subprocess.run(
        [sys.executable, "-I", "backlab/bootstrap.py"], cwd=folder, check=True, capture_output=True
    )


def theirs(folder: Path) -> None:
    """What one would type instead."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / ".venv")], check=True)
    # without --no-deps, pip before 24 stumbles over an extra of jsonschema that the lock spells out
    pip = [str(folder / ".venv/bin/pip"), "install", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*pip, "--requirement", str(ROOT / "requirements.lock")], check=True, capture_output=True)


def figures() -> Iterator[Figure]:
    """Once each, since both take their time; both find their downloads in their caches, if there."""
    taken = {}
    for name, way in (("ours", ours), ("theirs", theirs)):
        with tempfile.TemporaryDirectory(prefix="backlab-bench-") as folder:
            taken[name] = seconds(lambda way=way, folder=folder: way(Path(folder)))  # type: ignore[misc]
    yield Figure("set-up", "s", taken["ours"], 30, "venv and pip", taken["theirs"], 1.5)
