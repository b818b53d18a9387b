"""Choose the back end: a container where an engine answers and has (or can get) the image, else a process.

BACKLAB_BACKEND=container or native decides by hand.
"""

from __future__ import annotations

import os
from functools import cache

from services import engine
from services.errors import BacklabError

NAMES = ("native", "container")


def choose(requested: str | None = None, image: str = "postgres:18") -> str:
    """Return "native" or "container": `requested`, else BACKLAB_BACKEND, else what this machine can do."""
    wanted = requested or os.environ.get("BACKLAB_BACKEND")
    if not wanted:
        return _automatic(image, os.environ.get("DOCKER_HOST"))
    if wanted not in NAMES:
        source = "backend" if requested else "BACKLAB_BACKEND"
        raise BacklabError(f"{source} is {wanted!r}, which is no back end", "use `native` or `container`")
    return wanted


@cache
def _automatic(image: str, _docker_host: str | None) -> str:
    """Asked once per process, because an unreachable registry takes up to 3 s to stay silent."""
    try:
        found = engine.Engine.connect()
        return "container" if found.image(image) or found.can_be_pulled(image) else "native"
    except (BacklabError, OSError):
        return "native"
