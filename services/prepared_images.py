"""Containers prepared once per key, each kept as an image backlab/prepared:<key>, its secret in a label."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from services import cache
from services.container import REQUEST_S, Container
from services.engine import Engine
from services.snapshots import Snapshot

if TYPE_CHECKING:
    from services.postgres import Postgres

PREPARED = "backlab/prepared"
SECRET = "org.backlab.secret"


def snapshot(key: str, take: Callable[[Callable[[Postgres, str], None]], None]) -> Snapshot:
    """The image prepared for `key`; when there is none, `take(keep)` calls `keep(stopped server, secret)`."""
    engine, name = Engine.connect(), f"{PREPARED}:{key}"

    def find() -> Snapshot | None:
        found = engine.image(name)
        return Snapshot(found["Config"]["Labels"][SECRET], image=name) if found else None

    def keep(source: Postgres, secret: str) -> None:
        machine = source.machine
        assert isinstance(machine, Container)
        machine.commit(PREPARED, key, f"{SECRET}={secret}")

    ready_made = find()
    if ready_made is None:
        with cache.lock(key):
            ready_made = find()
            if ready_made is None:
                take(keep)
                prune(engine)
                ready_made = find()
    assert ready_made is not None
    return ready_made


def forget(key: str) -> None:
    """Remove the image prepared for `key`, if there is one and nobody runs it."""
    Engine.connect().ask("DELETE", f"/images/{PREPARED}:{key}", within_s=REQUEST_S)


def prune(engine: Engine, keep: int = cache.KEPT) -> int:
    """Forget all but the youngest prepared images, and return how many; one that is in use stays."""
    filters = quote(json.dumps({"reference": [PREPARED]}))
    _, images = engine.ask("GET", f"/images/json?filters={filters}")
    oldest_first = sorted(images, key=lambda image: int(image["Created"]))
    old = [name for image in oldest_first[: max(0, len(images) - keep)] for name in image["RepoTags"] or []]
    answers = [engine.ask("DELETE", f"/images/{name}", within_s=REQUEST_S)[0] for name in old]
    return answers.count(HTTPStatus.OK)


def identity(image: str, progress: Callable[[str], None]) -> str:
    """What tells one build of an image from another; gets the image if need be."""
    return str(Engine.connect().ensure(image, progress)["Id"])
