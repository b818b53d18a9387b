"""The network of this process's containers, in which they reach each other by name; made when first needed.

ensure(engine) ──/networks/create──▶ its name       join(engine, container) ──▶ a running container is in it
The warden removes it after the containers.
"""

from __future__ import annotations

import secrets
import threading
from http import HTTPStatus

from services import warden
from services.engine import Engine
from services.errors import ServerError

CREATE_S = 30.0
LABEL = "org.backlab.warden"  # on containers and networks: the process that removes them
_names: dict[int, str] = {}  # by warden, which removes it: a forked child has one of its own
_making = threading.Lock()


def ensure(engine: Engine) -> str:
    """The network's name; made at the first call in this process."""
    with _making:
        owner = warden.current().pid
        if owner not in _names:
            name = f"backlab-{secrets.token_hex(4)}"
            warden.register("network", [engine.address, name])
            wanted = {"Name": name, "CheckDuplicate": True, "Labels": {LABEL: str(owner)}}
            _ask(engine, "/networks/create", wanted)
            _names[owner] = name
        return _names[owner]


def join(engine: Engine, container: str) -> None:
    """Let a container into the network, where its name is its address; safe to repeat."""
    name = ensure(engine)
    status, known = engine.ask("GET", f"/containers/{container}/json")
    if status == HTTPStatus.OK and name in known["NetworkSettings"]["Networks"]:
        return
    _ask(engine, f"/networks/{name}/connect", {"Container": container})


def leave(engine: Engine) -> None:
    """A container has gone: remove the network if it was the last (the engine keeps one that is in use)."""
    with _making:
        name = _names.get(warden.current().pid)
        if name and engine.ask("DELETE", f"/networks/{name}", CREATE_S)[0] != HTTPStatus.FORBIDDEN:
            warden.release("network", [engine.address, name])
            del _names[warden.current().pid]


def _ask(engine: Engine, path: str, body: dict[str, object]) -> None:
    status, said = engine.ask("POST", path, CREATE_S, body)
    if status >= HTTPStatus.BAD_REQUEST:
        raise ServerError(f"the Docker engine refused {path}: {said}", "`backlab doctor` looks at the engine")
