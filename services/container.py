"""The container back end: a server in a Docker container through testcontainers, removed by the warden.

reserved port ──127.0.0.1 only──▶ container under a name chosen before it exists
snapshot()  a stopped container, committed once per key as backlab/prepared:<key>
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import docker.errors  # type: ignore[import-untyped]  # docker ships no types
import requests
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from services import cache, ports, ready, warden
from services.engine import Engine
from services.errors import ServerError
from services.snapshots import Snapshot

if TYPE_CHECKING:
    from services.postgres import Postgres
    from services.server import Server

testcontainers_config.ryuk_disabled = True  # the warden removes containers, and its image may not be had
PREPARED = "backlab/prepared"
SECRET = "org.backlab.secret"
REQUEST_S = 60
TAKEN = ("address already in use", "port is already allocated")


class Container:
    """One server in a container; it keeps its name, its data and its port over kills and restarts."""

    pid: int | None = None

    def __init__(self, server: Server) -> None:
        self._engine = Engine.connect()
        self._server = server
        self._engine.ensure(server.container().name, server.progress)
        self._reservation = ports.reserve(server.wanted_port)
        self.name = f"backlab-{server.name}-{secrets.token_hex(4)}"
        self._registered = [self._engine.address, self.name]
        self._made: DockerContainer | None = None

    @property
    def port(self) -> int:
        return self._reservation.port

    @property
    def directory(self) -> Path:
        raise ServerError(f"{self.name} keeps its data in a container", "ask it through its own protocol")

    @property
    def ids(self) -> list[str]:
        return [f"container {self.name}"] if self.alive() else []

    @property
    def _handle(self) -> Any:
        assert self._made is not None
        return self._made.get_wrapped_container()

    def start(self) -> None:
        """Create and start the container, or start it again; it may not answer yet."""
        try:
            with told(self.name):
                if self._made is None:
                    self._create()
                else:
                    self._handle.start()
        except ServerError as error:
            if self._server.wanted_port is not None or not any(text in str(error).lower() for text in TAKEN):
                raise
            self.change_port()
            self._reservation.close()
            with told(self.name):
                self._create()

    def _create(self) -> None:
        warden.register("container", self._registered)
        how = self._server.container()
        made = DockerContainer(
            how.name,
            docker_client_kw={"environment": {"DOCKER_HOST": self._engine.address}, "timeout": REQUEST_S},
            env=dict(how.env),
            name=self.name,
            network_mode="bridge",
        ).with_command(how.command)
        made.ports = {f"{how.port}/tcp": (ports.LOOPBACK, self._reservation.lend())}  # type: ignore[dict-item]
        self._made = made
        made.start()

    def alive(self) -> bool:
        if self._made is None or self._made._container is None:
            return False
        with told(self.name):
            self._handle.reload()
        return self._handle.status in ("running", "paused")

    def halt(self, within_s: float) -> None:
        """The image's own stop signal, then SIGKILL after `within_s`."""
        with told(self.name):
            self._handle.stop(timeout=max(1, round(within_s)))

    def kill(self) -> None:
        with told(self.name):
            self._handle.kill()
        ready.true(lambda: not self.alive(), within_s=5)

    def pause(self) -> None:
        with told(self.name):
            self._handle.pause()

    def resume(self) -> None:
        with told(self.name):
            self._handle.unpause()

    def logs(self, lines: int) -> str:
        if self._made is None or self._made._container is None:
            return ""
        try:
            return self._handle.logs(tail=lines).decode(errors="replace").rstrip()
        except (docker.errors.DockerException, requests.RequestException):
            return ""

    def change_port(self) -> None:
        """Take another port; the container is made anew, so this is for a start that failed."""
        self._remove()
        self._reservation.close()
        self._reservation = ports.reserve()

    def discard(self) -> None:
        """Nothing of it is left afterwards."""
        self._reservation.close()
        with told(self.name):
            self._remove()

    def _remove(self) -> None:
        """Remove it by name; if it is not there yet (an interrupt), the warden removes it in the end."""
        if self._made is None:
            return
        self._made.get_docker_client().client.close()
        self._made = None
        status, said = self._engine.ask("DELETE", f"/containers/{self.name}?force=1&v=1", REQUEST_S)
        if status == HTTPStatus.NO_CONTENT:
            warden.release("container", self._registered)
        elif status != HTTPStatus.NOT_FOUND:
            raise ServerError(f"{self.name} could not be removed: {said}", "`docker rm -f` may help")

    def commit(self, tag: str, secret: str) -> None:
        """Keep the stopped container's files as an image."""
        with told(self.name):
            self._handle.commit(PREPARED, tag, changes=[f"LABEL {SECRET}={secret}"])


def snapshot(key: str, take: Callable[[Callable[[Postgres, str], None]], None]) -> Snapshot:
    """The image prepared for `key`; when there is none, `take(keep)` calls `keep(stopped server, secret)`."""
    engine, name = Engine.connect(), f"{PREPARED}:{key}"

    def find() -> Snapshot | None:
        found = engine.image(name)
        return Snapshot(found["Config"]["Labels"][SECRET], image=name) if found else None

    def keep(source: Postgres, secret: str) -> None:
        machine = source.machine
        assert isinstance(machine, Container)
        machine.commit(key, secret)

    ready_made = find()
    if ready_made is None:
        with cache.lock(key):
            ready_made = find()
            if ready_made is None:
                take(keep)
                _prune(engine)
                ready_made = find()
    assert ready_made is not None
    return ready_made


def forget(key: str) -> None:
    """Remove the image prepared for `key`, if there is one and nobody runs it."""
    Engine.connect().ask("DELETE", f"/images/{PREPARED}:{key}", within_s=REQUEST_S)


def _prune(engine: Engine) -> None:
    """Forget all but the youngest prepared images; the engine refuses to remove one that is in use."""
    filters = quote(json.dumps({"reference": [PREPARED]}))
    _, images = engine.ask("GET", f"/images/json?filters={filters}")
    for image in sorted(images, key=lambda image: int(image["Created"]))[: -cache.KEPT]:
        for name in image["RepoTags"] or []:
            engine.ask("DELETE", f"/images/{name}", within_s=REQUEST_S)


def identity(image: str, progress: Callable[[str], None]) -> str:
    """What tells one build of an image from another; gets the image if need be."""
    return str(Engine.connect().ensure(image, progress)["Id"])


@contextmanager
def told(name: str) -> Iterator[None]:
    """Turn the engine's refusals into a `ServerError`."""
    try:
        yield
    except (docker.errors.DockerException, requests.RequestException) as error:
        said: Any = getattr(error, "explanation", None) or error
        full = "no space left" in str(said).lower()
        step = "free some space (`docker system df`)" if full else "`backlab doctor` looks at the engine"
        raise ServerError(f"the Docker engine refused to run {name}: {said}", step) from error
