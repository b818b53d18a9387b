"""Look at this machine as a lab would, without starting a server.

examine() -> one Finding per question: "well", "note" (works without it) or "broken" (no lab runs)
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass

from services.errors import BacklabError

NEED_BYTES = 1 << 30  # of disk: prepared data of size M, and notebooks
NEED_MEMORY_BYTES = 2 << 30  # the budget of one lab


@dataclass(frozen=True)
class Finding:
    """The answer to one question about this machine."""

    what: str
    state: str
    said: str


def examine() -> list[Finding]:
    """Ask every question; one that cannot be answered is an answer too."""
    return [
        _ask("python", _python, "note"),
        _ask("back end", _backend, "broken"),
        _ask("postgres", _postgres, "broken"),
        _ask("containers", _containers, "note"),
        _ask("disk", _disk, "broken"),
        _ask("memory", _memory, "note"),
        _ask("labs", _labs, "note"),
    ]


def _ask(what: str, question: Callable[[], str], otherwise: str) -> Finding:
    try:
        return Finding(what, "well", question())
    except BacklabError as error:
        return Finding(what, otherwise, str(error))


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _backend() -> str:
    from services import backends

    how = "by BACKLAB_BACKEND" if os.environ.get("BACKLAB_BACKEND") else "chosen by itself"
    return f"{backends.choose()}, {how}"


def _postgres() -> str:
    """The native programs; on the container back end the image answers this instead."""
    from services import backends, binaries, postgres_data

    if backends.choose() == "container":
        return "from its image"
    place = binaries.directory(postgres_data.PROGRAMS)
    origin = "named by BACKLAB_POSTGRES" if os.environ.get("BACKLAB_POSTGRES") else "found"
    return f"{origin}, {len(list(place.iterdir()))} programs"


def _containers() -> str:
    from services.engine import Engine

    engine = Engine.connect()
    has = engine.image("postgres:18") is not None
    return "an engine answers; the image postgres:18 is " + ("here" if has else "not here yet")


def _disk() -> str:
    from services import cache

    free = cache.free_bytes(cache.directory())
    if free < NEED_BYTES:
        raise BacklabError(
            f"only {free / 1e9:.1f} GB are free for the cache", "free some, or set BACKLAB_CACHE"
        )
    return f"{free / 1e9:.0f} GB free for the cache"


def _memory() -> str:
    import psutil

    available = psutil.virtual_memory().available
    if available < NEED_MEMORY_BYTES:
        raise BacklabError(
            f"{available / 1e9:.1f} GB of memory are available", "a lab may take 2; close something"
        )
    return f"{available / 1e9:.0f} GB available, {os.cpu_count()} cores"


def _labs() -> str:
    from backlab import course

    places = course.labs()
    missing = [place.id for place in places if not place.learner.exists()]
    if missing:
        raise BacklabError(f"lab {', '.join(missing)} has no notebook", f"run `backlab build {missing[0]}`")
    return f"{len(places)} with notebooks" if places else "none yet"
