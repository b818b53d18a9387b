"""The container back end: a server in a Docker container through testcontainers, removed by the warden.

reserved port ──127.0.0.1 only──▶ container under a name chosen before it exists
commit()  keeps a stopped one as an image (prepared_images.py)
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker.errors  # type: ignore[import-untyped]  # docker ships no types
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from services import network, ports, ready, warden
from services.engine import Engine
from services.errors import ServerError
from services.machine import Image

if TYPE_CHECKING:
    from services.server import Server

testcontainers_config.ryuk_disabled = True  # the warden removes containers, and its image may not be had
REQUEST_S = 60
TAKEN = ("address already in use", "port is already allocated")


class Container:
    """One server in a container; it keeps its name, its data and its port over kills and restarts."""

    pid: int | None = None

    def __init__(self, server: Server) -> None:
        self._engine = Engine.connect()
        self._server = server
        self._ports = ports.Ports(server.wanted_port, server.more_ports)
        self.name = f"backlab-{server.name}-{secrets.token_hex(4)}"
        self._registered = [self._engine.address, self.name]
        self._made: DockerContainer | None = None

    @property
    def port(self) -> int:
        return self._ports.main.port

    def port_of(self, name: str) -> int:
        return self._ports.of(name)

    def neighbour(self, port_inside: int, port_name: str | None) -> tuple[str, int]:
        """Its name in this process's network, which it joins if need be, and the port inside."""
        if self._server.container().on_host:
            what = f"{self.name} shares this machine's network, where no other container reaches it"
            raise ServerError(what, f"ask it on {ports.LOOPBACK}, or run both with BACKLAB_BACKEND=native")
        network.join(self._engine, self.name)
        return self.name, port_inside

    @property
    def host(self) -> str:
        """What its neighbours call it."""
        return self.name

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
            with told(self.name):
                self._create()

    def _create(self) -> None:
        how = self._server.container()
        self._engine.ensure(how.name, self._server.progress)
        warden.register("container", self._registered)
        made = DockerContainer(
            how.name,
            docker_client_kw={"environment": {"DOCKER_HOST": self._engine.address}, "timeout": REQUEST_S},
            env=dict(how.env),
            name=self.name,
            hostname=self.name,  # so that it finds itself under that name before it is in any network of ours
            labels={network.LABEL: str(warden.current().pid)},
            network_mode=self._network(how),
            mem_limit=f"{self._server.memory_mb}m",
        ).with_command(how.command)
        self._publish(made, how)
        for path, text in how.files.items():
            made.with_copy_into_container(text.encode(), path)
        self._made = made
        made.start()

    def _network(self, how: Image) -> str:
        if how.on_host and sys.platform != "linux":  # elsewhere the engine's machine is not this one
            raise ServerError(
                f"{self._server.name} asks servers on {ports.LOOPBACK}, which no container here reaches",
                "use BACKLAB_BACKEND=native",
            )
        if how.on_host:
            return "host"
        return network.ensure(self._engine) if how.neighbourly else "bridge"

    def _publish(self, made: DockerContainer, how: Image) -> None:
        main = self._ports.lend()
        if not how.on_host:
            published = {how.port: main, **{i: self.port_of(n) for n, i in how.more_ports.items()}}
            made.ports = {f"{inside}/tcp": (ports.LOOPBACK, ours) for inside, ours in published.items()}  # type: ignore[dict-item,misc]

    def configure(self) -> None:
        """Write its files as they are now; it may have to be told."""
        assert self._made is not None
        with told(self.name):
            for path, text in self._server.container().files.items():
                self._made.copy_into_container(text.encode(), path)

    def tell(self, number: int) -> None:
        with told(self.name):
            self._handle.kill(signal=number)

    def alive(self) -> bool:
        if self._made is None or self._made._container is None:
            return False
        with told(self.name):
            try:
                self._handle.reload()
            except docker.errors.NotFound:
                return False  # somebody else removed it
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
        except (docker.errors.DockerException, OSError):
            return ""

    def run_inside(self, argv: list[str]) -> tuple[int, str]:
        """Run a command in it as the user of its main process; its return code and what it said."""
        with told(self.name):
            _, user = self._handle.exec_run(["stat", "-c", "%u", "/proc/1"])
            done = self._handle.exec_run(argv, user=user.decode().strip())
        return int(done.exit_code), done.output.decode(errors="replace")

    def memory_bytes(self) -> int:
        """What the engine counts, less the file cache that it would give back (as `docker stats` does)."""
        _, said = self._engine.ask("GET", f"/containers/{self.name}/stats?stream=false&one-shot=true")
        memory = said["memory_stats"]
        return int(memory["usage"]) - int(memory.get("stats", {}).get("inactive_file", 0))

    def change_port(self) -> None:
        """Take other ports; the container is made anew, so this is for a start that failed."""
        self._remove()
        self._ports.change()

    def discard(self) -> None:
        """Nothing of it is left afterwards."""
        self._ports.close()
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
            network.leave(self._engine)
        elif status != HTTPStatus.NOT_FOUND:
            raise ServerError(f"{self.name} could not be removed: {said}", "`docker rm -f` may help")

    def commit(self, repository: str, tag: str, label: str) -> None:
        """Keep the stopped container's files as an image with a label, "name=value"."""
        with told(self.name):
            self._handle.commit(repository, tag, changes=[f"LABEL {label}"])


@contextmanager
def told(name: str) -> Iterator[None]:
    """Turn the engine's refusals, and its silence, into a `ServerError`."""
    try:
        yield
    except docker.errors.NotFound as error:
        what = f"the container {name} is gone, and its data with it: somebody else removed it"
        raise ServerError(what, "call `stop()`, then `start()` makes a new one") from error
    except docker.errors.DockerException as error:
        said: Any = getattr(error, "explanation", None) or error
        full = "no space left" in str(said).lower()
        step = "free some space (`docker system df`)" if full else "`backlab doctor` looks at the engine"
        raise ServerError(f"the Docker engine refused to run {name}: {said}", step) from error
    except OSError as error:  # what requests raises is one, too
        what = f"the Docker engine that runs {name} no longer answers"
        raise ServerError(what, "start it again; what is left of it goes when this program ends") from error
