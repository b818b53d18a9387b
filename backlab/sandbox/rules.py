"""What a guest behind Landlock may read, write and reach: what bubblewrap would have put into its sandbox.

system, Python, our packages but judges, sources, solutions and answers; its own folder; its servers' ports
With servers of its own also prepared data, /proc, the memory disk that PostgreSQL needs, and every TCP port.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from backlab import course
from backlab.sandbox import isolation, landlock, lent
from services import cache

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random")
WITH_SERVERS = ("/proc", "/sys/fs/cgroup", "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/localtime")
SHELVES = ("prepared", "jars", "aot")


def rules(home: Path, ports: list[int], answers: lent.Answers, *, servers: bool) -> dict[str, Any]:
    """Arguments for `landlock.restrict`."""
    read, listed = _house({} if servers else answers)
    read += [*SYSTEM, sys.prefix, sys.base_prefix]
    write = [str(home), *DEVICES]
    if servers:
        read += [*WITH_SERVERS, *(str(cache.directory() / shelf) for shelf in SHELVES)]
        write.append(str(cache.MEMORY))
    return {"read": read, "listed": listed, "write": write, "ports": None if servers else ports}


def _house(answers: lent.Answers) -> tuple[list[str], list[str]]:
    """Our packages without what a submission must not see, and the directories that hold such files."""
    root, labs = Path(__file__).resolve().parents[2], course.root()
    hidden = {
        *isolation.judges(),
        *(each / part for each in (labs, root / "labs") for part in ("solved", "source")),
    }
    hidden |= {file for module in answers for file in lent.files(module)}
    hidden |= {file.parent / "__pycache__" for file in hidden if file.suffix == ".py"}
    read: list[str] = []
    listed: list[str] = [str(root)]  # Python looks there for packages
    for place in {*(root / name for name in isolation.PACKAGES), labs}:
        more, further = landlock.without(place, hidden)
        read += more
        listed += further
    return read, listed


def lend_prepared(home: Path) -> None:
    """A cache in `home` that already knows what is prepared on this machine, to be read and not written."""
    for shelf in SHELVES:
        mine, ours = home / "cache" / shelf, cache.directory() / shelf
        mine.mkdir(parents=True)
        for place in ours.glob("*"):
            if not place.name.endswith(".draft"):
                (mine / place.name).symlink_to(place)
        for each in (mine.parent, mine):
            each.chmod(0o777)
