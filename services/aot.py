"""Ahead-of-time caches of Java's servers: recorded once for these files, this Java and these settings.

a server that has started without one ──▶ process `python -m services.aot kafka`, of the lowest priority
    └─ its own throw-away server, which records while it stops ──▶ cache directory, whole or not at all
The learner's server never records, so it never stops slowly; without a cache it starts in 2 s, not 0.7 s.
The recorder belongs to our warden and ends with us; then the next start tries again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from services import cache, java, kinds, maven, warden
from services.errors import BacklabError

if TYPE_CHECKING:
    from services.java_server import JavaServer

FILE = "server.aot"
WHY_NOT = "why-not.txt"  # stands where a recording has failed, so that it is not tried at each start
SHELF = "aot"


def key(server: JavaServer) -> str:
    """What a cache belongs to: it fits this Java, these files and this heap, and nothing else."""
    parts = (java.identity(), maven.identity(server.product), server.heap_mb, cache.directory())
    return f"{server.name}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"


def possible() -> bool:
    """Does the Java of this machine record one?"""
    return java.major(java.program()) >= java.WITH_AOT


def find(server: JavaServer) -> Path | None:
    """The cache for `server`, or None while there is none."""
    kept = cache.directory() / SHELF / key(server)
    return kept / FILE if (kept / FILE).is_file() else None


def record_later(server: JavaServer) -> int | None:
    """Have one recorded in the background unless there is one, or it is being made; the recorder's id."""
    wanted = key(server)
    if not possible() or (cache.directory() / SHELF / wanted).exists() or cache.busy(wanted):
        return None
    room = cache.scratch("recorder", cache.OURS)
    argv = [sys.executable, "-m", "services.aot", server.name]
    return warden.spawn(argv, cwd=room, log=room / "log", env={**os.environ, "BACKLAB_BACKEND": "native"})


def record(kind: str) -> Path:
    """Record the cache of a kind of server, unless there is one; returns its directory."""
    server: JavaServer = kinds.make(kind, backend="native")

    def make(draft: Path) -> None:
        draft.chmod(0o755)
        try:
            server.record(draft / FILE)
            (draft / FILE).chmod(0o444)
        except (BacklabError, OSError) as error:
            (draft / FILE).unlink(missing_ok=True)
            (draft / WHY_NOT).write_text(f"{error}\n")

    return cache.prepared(key(server), make, cache.OURS, shelf=SHELF)


def main() -> None:
    """Be the recorder: as little in the way as can be, and leave not even the directory that it works in."""
    os.nice(19)
    try:
        record(sys.argv[1])  # waits for one that was quicker, and then finds its cache
    finally:
        shutil.rmtree(Path.cwd(), ignore_errors=True)


if __name__ == "__main__":
    main()
