"""Find a native server's programs: named by hand, in a wheel, or on this machine.

    BACKLAB_POSTGRES=/path/to/bin   ▶  the wheel's own (same version everywhere)  ▶  the machine's
The programs must be readable by the user that servers run as; where they are not, they are copied once.
"""

from __future__ import annotations

import glob
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path

from services import cache
from services.errors import BacklabError
from services.user import server_user

VERSION_S = 10
FOR_COMPILERS = shutil.ignore_patterns("include", "*.a")


@dataclass(frozen=True)
class Programs:
    """Where to look for a server's programs; `keep` is how many directories above `bin` belong to them."""

    server: str  # the program without which nothing works, "postgres"
    variable: str  # "BACKLAB_POSTGRES"
    apt: str  # the names of its packages, for whoever gets it by hand
    brew: str
    version_flag: str = "--version"
    package: str = ""  # import name of the wheel; empty where there is none
    inside: str = ""  # directory of the programs in the package
    machine: Sequence[str] = ()  # patterns of the machine's own places, best last

    @property
    def install(self) -> str:
        """How to get it by hand; without recommendations, since those of some are larger than the server."""
        return f"install it (`apt install --no-install-recommends {self.apt}`, `brew install {self.brew}`)"


@once
def find(programs: Programs, by_hand: str | None) -> Path:
    """The directory that holds `programs.server`, readable by the user who runs servers.

    `by_hand` is the value of the variable. Raises `BacklabError` when there is none.
    """
    return _readable(_by_hand(programs, by_hand) if by_hand else _found(programs), programs)


def directory(programs: Programs) -> Path:
    """`find` with the variable as it stands now."""
    return find(programs, os.environ.get(programs.variable))


def told(programs: Programs) -> str:
    """Which programs `directory` gives, in a sentence."""
    place = directory(programs)
    if os.environ.get(programs.variable):
        return f"{programs.server} is taken from {programs.variable}"
    wheel = in_wheel(programs)
    copied = "copied to the cache, because the user who runs servers cannot read the environment"
    if wheel is None:
        return f"{programs.server} is this machine's own, in {place}"
    return f"{programs.server} is the wheel's" + ("" if wheel == place else f", {copied}")


@once
def version(programs: Programs) -> str:
    """What `programs.server` says of its version, or an empty text."""
    argv = [str(directory(programs) / programs.server), programs.version_flag]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=VERSION_S)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+\.\d+(?:\.\d+)?", done.stdout + done.stderr)
    return found[0] if found else ""


def _by_hand(programs: Programs, given: str) -> Path:
    place = Path(given).absolute()
    place = place.parent if place.is_file() else place
    if not os.access(place / programs.server, os.X_OK):
        raise BacklabError(
            f"{programs.variable} is {given}, and there is no program `{programs.server}` in it",
            f"name the directory that holds `{programs.server}`, or unset {programs.variable}",
        )
    return place


def in_wheel(programs: Programs) -> Path | None:
    """The wheel's directory of programs, or None where the wheel is missing."""
    spec = importlib.util.find_spec(programs.package) if programs.package else None
    if spec is None or not spec.submodule_search_locations:
        return None
    place = Path(next(iter(spec.submodule_search_locations))) / programs.inside
    return place if os.access(place / programs.server, os.X_OK) else None


def _found(programs: Programs) -> Path:
    wheel = in_wheel(programs)
    if wheel is not None:
        return wheel
    found = [place for pattern in programs.machine for place in sorted(glob.glob(pattern))]
    on_path = shutil.which(programs.server)
    for place in [*reversed(found), *([os.path.dirname(on_path)] if on_path else [])]:
        if os.access(Path(place) / programs.server, os.X_OK):
            return Path(place)
    wheel_too = f"the wheel {programs.package.replace('_', '-')} is not installed here, and "
    raise BacklabError(
        f"no program `{programs.server}` for this machine: {wheel_too if programs.package else ''}"
        "the machine has none of its own",
        f"{programs.install}, or set {programs.variable} to the directory that holds it",
    )


def _readable(place: Path, programs: Programs) -> Path:
    """`place`, or a copy of what belongs to it where the user who runs servers cannot get at it."""
    program = place / programs.server
    if server_user().can_read(program):
        return place
    root = _installation(place.resolve(), programs)
    seen = program.stat()
    stamp = hashlib.sha256(f"{program.resolve()} {seen.st_size} {seen.st_mtime_ns}".encode()).hexdigest()[:12]

    def copy(draft: Path) -> None:
        for part in {root, *_neighbours(root)}:
            shutil.copytree(part, draft / part.name, symlinks=True, ignore=FOR_COMPILERS)
        draft.chmod(0o755)

    kept = cache.prepared(f"{programs.server}-programs-{stamp}", copy, cache.OURS)
    return kept / root.name / place.resolve().relative_to(root)


def _installation(place: Path, programs: Programs) -> Path:
    """The directory that holds all of an installation: the wheel's package, or the one above `bin`."""
    wheel = in_wheel(programs)
    if wheel is not None and wheel.resolve() == place:
        return place.parents[len(Path(programs.inside).parts) - 1]
    return place.parent


def _neighbours(root: Path) -> list[Path]:
    """Libraries that a repaired wheel keeps beside its package."""
    libraries = root.parent / f"{root.name}.libs"
    return [libraries] if libraries.is_dir() else []
