"""Which kinds of server this machine can start, and what to do about those that it cannot.

missing(["kafka", "prometheus"]) -> {"prometheus": "install it with `apt install prometheus` ..."}
"""

from __future__ import annotations

from collections.abc import Iterable

from services import backends, kinds
from services.engine import Engine
from services.errors import BacklabError


def missing(names: Iterable[str]) -> dict[str, str]:
    """The next step for each kind that cannot start here as things are; nothing is started."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        try:
            _look(name)
        except BacklabError as error:
            found[name] = error.next_step
    return found


def _look(name: str) -> None:
    """Raise the `BacklabError` that says why a server of this kind would not start."""
    kind = kinds.find(name)
    if backends.choose(None, kind.image) == "native":
        kind.found()
        return
    engine = Engine.connect()
    if not engine.image(kind.image) and not engine.can_be_pulled(kind.image):
        raise BacklabError(
            f"the engine has no image {kind.image}", f"get its image: `backlab images build {name}`"
        )
