"""Ask a container engine simple questions over its socket, with the standard library and within seconds.

Engine.connect()  ──/_ping──▶  an engine, or one sentence that says why there is none
image(name), can_be_pulled(name), pull(name)      starting containers is testcontainers' work
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from services.errors import BacklabError

DEFAULT = "unix:///var/run/docker.sock"
ANSWER_S = 5.0
REGISTRY_S = 3.0  # for a registry to say that it has an image
PULL_S = 300.0
WITHOUT = "start one, or use BACKLAB_BACKEND=native, which needs none"


class Engine:
    """A Docker (or Podman) engine on this machine, at `address`."""

    def __init__(self, address: str) -> None:
        self.address = address

    @classmethod
    def connect(cls) -> Engine:
        """The engine of this machine; raises `BacklabError` that says why there is none."""
        engine = cls(address())
        try:
            status, said = engine.ask("GET", "/_ping", within_s=ANSWER_S)
        except PermissionError:
            raise BacklabError(
                f"a Docker engine is there, but you may not use its socket {engine.address}",
                "join its group (`sudo usermod -aG docker $USER`, log in again), or BACKLAB_BACKEND=native",
            ) from None
        except OSError as error:
            what = f"no Docker engine answers at {engine.address} ({_why(error)})"
            raise BacklabError(what, WITHOUT) from None
        if status != 200:
            raise BacklabError(f"the engine at {engine.address} answers {status}: {said}", "restart it")
        return engine

    def ask(
        self, method: str, path: str, within_s: float = ANSWER_S, body: dict[str, object] | None = None
    ) -> tuple[int, Any]:
        """One request; its status and its decoded answer. Raises `OSError` when there is none in time."""
        link = self._link(within_s)
        try:
            sent = None if body is None else json.dumps(body)
            link.request(method, path, sent, {"Content-Type": "application/json"} if sent else {})
            response = link.getresponse()
            return response.status, _decoded(response.read())
        except http.client.HTTPException as error:
            raise OSError(f"no HTTP answer: {error}") from error
        finally:
            link.close()

    def _link(self, within_s: float) -> http.client.HTTPConnection:
        kind, _, place = self.address.partition("://")
        if kind != "unix":
            return http.client.HTTPConnection(place, timeout=within_s)
        link = http.client.HTTPConnection("localhost", timeout=within_s)
        link.sock = socket.socket(socket.AF_UNIX)
        link.sock.settimeout(within_s)
        link.sock.connect(place)
        return link

    def image(self, name: str) -> dict[str, Any] | None:
        """What the engine knows of an image, or None when it does not have it."""
        status, said = self.ask("GET", f"/images/{quote(name)}/json")
        return said if status == 200 else None

    def can_be_pulled(self, name: str) -> bool:
        """True when the registry says within 3 s that it has the image."""
        try:
            return self.ask("GET", f"/distribution/{quote(name)}/json", within_s=REGISTRY_S)[0] == 200
        except OSError:
            return False

    def ensure(self, name: str, progress: Callable[[str], None]) -> dict[str, Any]:
        """The image, pulled if need be and possible; `BacklabError` otherwise."""
        found = self.image(name)
        if found is None:
            if not self.can_be_pulled(name):
                raise BacklabError(
                    f"the image {name} is not here, and no registry that could be asked has it",
                    "build it (`backlab images build`), or use BACKLAB_BACKEND=native",
                )
            progress(f"pulling {name}")
            self._pull(name, progress)
            found = self.image(name)
        assert found is not None
        return found

    def _pull(self, name: str, progress: Callable[[str], None]) -> None:
        repository, _, tag = name.partition(":")
        deadline = time.monotonic() + PULL_S
        link = self._link(PULL_S)
        try:
            link.request("POST", f"/images/create?fromImage={quote(repository)}&tag={quote(tag or 'latest')}")
            for line in _lines(link.getresponse()):
                if "error" in line or time.monotonic() > deadline:
                    raise OSError(line.get("error", f"not done after {PULL_S:g} s"))
                if line.get("status") == "Pull complete":
                    progress(f"pulling {name}: layer {line.get('id', '')}")
        except OSError as error:
            raise BacklabError(
                f"the image {name} could not be pulled ({_why(error)})",
                "try again, build it (`backlab images build`), or use BACKLAB_BACKEND=native",
            ) from error
        finally:
            link.close()


def address() -> str:
    """Where the engine of this machine listens: DOCKER_HOST, else the first usual socket that exists."""
    chosen = os.environ.get("DOCKER_HOST")
    if chosen:
        kind, _, place = chosen.partition("://")
        if kind == "unix" or (kind == "tcp" and place.partition(":")[0] in ("127.0.0.1", "localhost")):
            return chosen
        raise BacklabError(
            f"DOCKER_HOST is {chosen}, which is not on this machine",
            "unset it, or use BACKLAB_BACKEND=native",
        )
    usual = [Path("/var/run/docker.sock"), Path.home() / ".docker/run/docker.sock"]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        usual += [Path(runtime) / "docker.sock", Path(runtime) / "podman/podman.sock"]
    return next((f"unix://{place}" for place in usual if place.exists()), DEFAULT)


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def _lines(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    for line in response:
        if line.strip():
            yield json.loads(line)


def _why(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()
