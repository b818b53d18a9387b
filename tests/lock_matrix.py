"""Asks the package index whether every package of the lock has a wheel on each machine that we name.

make lock-check     python -m tests.lock_matrix
make lock           python -m tests.lock_matrix --write    resolve pyproject.toml again, then ask
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# glibc 2.28 is that of RHEL 8 and Debian 10; uv takes macOS 13 for the oldest that still gets fixes
MACHINES = (
    "x86_64-manylinux_2_28",
    "aarch64-manylinux_2_28",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
)
UV = [str(Path(sys.executable).with_name("uv")), "pip"]


def write() -> int:
    """Resolve pyproject.toml into requirements.lock for all machines, keeping versions that still fit."""
    compile = "compile --quiet --all-extras --universal --python-version 3.11 --generate-hashes"
    quiet = "--no-emit-index-url --no-header --output-file requirements.lock pyproject.toml"
    return subprocess.call([*UV, *compile.split(), *quiet.split()], cwd=ROOT)


def missing(python: str, machine: str) -> str:
    """What the lock lacks for this Python on this machine, as uv says it; empty when nothing is."""
    options = f"sync --dry-run --target out/lock --python-version {python} --python-platform {machine}"
    wheels = "--only-binary=:all: --require-hashes requirements.lock"
    done = subprocess.run([*UV, *options.split(), *wheels.split()], cwd=ROOT, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stderr


def main(arguments: list[str]) -> int:
    """Print a line per Python and machine; 1 if one of them lacks a wheel."""
    if "--write" in arguments and write() != 0:
        return 2
    lacking = 0
    for python in PYTHONS:
        for machine in MACHINES:
            words = missing(python, machine)
            lacking += bool(words)
            print(f"Python {python} {machine:<24}{'lacks a wheel' if words else 'all wheels'}", flush=True)
            if words:
                print(words, file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
