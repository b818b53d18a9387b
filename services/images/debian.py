"""A minimal Debian as a tar archive, and packages for what is built on it, from this machine's own mirror."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from services import ready, warden
from services.errors import BacklabError, ServerError

SUITE = "trixie"
BOOTSTRAP_S = 600.0
PACKAGES = "zlib1g,libstdc++6"  # what the wheels' programs are linked with
LEFT_OUT = ("var/cache/apt/archives/*.deb", "var/lib/apt/lists/*", "etc/apt/sources.list", "dev/*")
PHASES = {"Retrieving": "downloading", "Extracting": "unpacking", "Configuring": "configuring"}


def bootstrap(room: Path, progress: Callable[[str], None]) -> Path:
    """Make the archive in `room` (needs root and `debootstrap`), naming the steps as they come."""
    program = shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise BacklabError("the base image needs debootstrap", "install it (`apt install debootstrap`)")
    if os.getuid() != 0:
        raise BacklabError("debootstrap needs root", "run `backlab images build` as root (sudo) once")
    tree, log = room / "tree", room / "log"
    words = ["--variant=minbase", f"--include={PACKAGES}", SUITE, str(tree), *mirror()]
    progress(f"debian {SUITE}: debootstrap, about half a minute")
    _run([*_apart(), program, *words], log, progress)
    policy = tree / "usr/sbin/policy-rc.d"  # what official Debian images say: no package starts its service
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    archive = room / "base.tar"
    left_out = [f"--exclude=./{path}" for path in LEFT_OUT]
    tar = shutil.which("tar") or "/bin/tar"
    _run([tar, "-C", str(tree), *left_out, "-cf", str(archive), "."], log, progress)
    return archive


def _run(argv: list[str], log: Path, progress: Callable[[str], None]) -> None:
    """As a child of the warden, so that a killed build leaves none of debootstrap's processes behind."""
    pid = warden.spawn(argv, cwd=log.parent, log=log)
    try:
        told = _Phases(log, progress)
        if not ready.true(lambda: told.look(warden.poll(pid)), within_s=BOOTSTRAP_S, every_s=0.1):
            raise ServerError(f"{argv[0]} took longer than {BOOTSTRAP_S:g} s", "try again", _end(log))
        code = warden.poll(pid)
    finally:
        warden.forget(pid)
    if code != 0:
        raise ServerError(f"{Path(argv[0]).name} failed", "its last lines below say why", _end(log))


def _apart() -> list[str]:
    """What gives a command mounts of its own, which end with it: debootstrap mounts /proc in its tree."""
    program = shutil.which("unshare")
    if program is None or subprocess.run([program, "--mount", "true"], capture_output=True).returncode:
        return []
    return [program, "--mount", "--"]


class _Phases:
    """Tells each phase of debootstrap once, when the log first shows it."""

    def __init__(self, log: Path, progress: Callable[[str], None]) -> None:
        self._log, self._progress, self._told = log, progress, set[str]()

    def look(self, code: int | None) -> bool:
        words = (self._log.read_text(errors="replace").splitlines() or [""])[-1].split()
        word = words[1] if words[:1] == ["I:"] and len(words) > 1 else ""
        if word in PHASES and word not in self._told:
            self._told.add(word)
            self._progress(f"debian {SUITE}: {PHASES[word]}")
        return code is not None


def _end(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-12:])


def mirror() -> list[str]:
    """The Debian mirror that apt uses, or nothing, which leaves the choice to debootstrap."""
    by_hand = os.environ.get("BACKLAB_DEBIAN_MIRROR")
    if by_hand:
        return [by_hand]
    for place in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        text = place.read_text(errors="replace") if place.is_file() else ""
        for line in text.splitlines():
            found = re.match(r"(?:URIs:\s*|deb\s+(?:\[[^]]*\]\s*)?)(\S+/debian/?)(?:\s|$)", line)
            if found:
                return [found.group(1)]
    return []


def sources(suite: str) -> str:
    """A sources.list of this machine's mirror; security updates too where the suite is a stable one."""
    found = mirror()
    if not found:
        raise BacklabError(
            "no Debian mirror is known here, from which the image's packages could come",
            "name one in BACKLAB_DEBIAN_MIRROR",
        )
    place = found[0].rstrip("/")
    # the mirror of a closed network may lag behind a suite that changes daily; its packages are signed anyway
    lag = "" if suite == SUITE else "[check-valid-until=no] "
    lines = [f"deb {lag}{place} {suite} main"]
    if suite == SUITE and not os.environ.get("BACKLAB_DEBIAN_MIRROR"):
        lines.append(f"deb {place}-security {suite}-security main")
    return "\n".join(lines) + "\n"
