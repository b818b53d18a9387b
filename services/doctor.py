"""Look at this machine before anything starts, and say of each thing whether servers can run with it.

examine()  ──▶  [Finding(name, ok, sentence, next_step)]      nothing is started; seconds at most
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from services import backends, cache, kinds
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
        **{name: partial(_kind, name) for name in kinds.KINDS},
        "engine": _engine,
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


def _kind(name: str) -> str:
    kind = kinds.find(name)
    words = kind.found()
    version = kind.native_version()
    return f"{version}; {words}" if version else words


def to_install(findings: Iterable[Finding]) -> tuple[str, str]:
    """The packages that would bring the kinds which are not here, for apt and for Homebrew."""
    missing = [
        kinds.find(each.name).programs for each in findings if each.name in kinds.KINDS and not each.ok
    ]
    return " ".join(one.apt for one in missing), " ".join(one.brew for one in missing)


def _engine() -> str:
    engine = Engine.connect()
    _, said = engine.ask("GET", "/version")
    return f"Docker's engine {said.get('Version', '')} answers at {engine.address}"


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
    shelves = sorted((cache.size_bytes(shelf), shelf.name) for shelf in place.iterdir() if shelf.is_dir())
    held = (
        ", ".join(f"{name} {cache.megabytes(size)}" for size, name in reversed(shelves) if size) or "nothing"
    )
    return f"caches hold {held} (`backlab clean --caches`), with {cache.megabytes(free)} free"


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
