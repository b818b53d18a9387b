"""Kafka's data directory: formatted once by Kafka's own tool, then signed for each cluster and node."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from services import cache, java, maven, ready, warden
from services.errors import ServerError
from services.user import User, server_user

FORMAT_S = 60.0
ANY = {  # what the tool wants to read and does not keep
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": "1@127.0.0.1:9094",
    "listeners": "DIRECT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9094",
    "listener.security.protocol.map": "DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "DIRECT",
    "controller.listener.names": "CONTROLLER",
}


def random_id() -> str:
    """An id of a cluster or directory as Kafka writes them: 128 random bits, not opening with a dash."""
    while (made := base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")).startswith("-"):
        pass
    return made


def write(file: Path, lines: Mapping[str, str]) -> Path:
    """A properties file that the user who runs servers may read."""
    file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    file.chmod(0o644)
    return file


def formatted(jars: Sequence[Path]) -> Path:
    """A formatted data directory, to be copied; made at the first call on a machine, in 2 s."""
    owner = server_user()
    make = partial(_format, jars=jars, owner=owner)
    return cache.prepared(f"kafka-{maven.identity('kafka')}", make, owner) / "data"


def _format(draft: Path, jars: Sequence[Path], owner: User) -> None:
    config = write(draft / "server.properties", ANY | {"log.dirs": str(draft / "data")})
    tool = ["kafka.tools.StorageTool", "format", "--cluster-id", random_id(), "--config", str(config)]
    log = draft / "log"
    pid = warden.spawn(java.command(tool, heap_mb=64, jars=jars), cwd=draft, log=log, ids=owner.ids)
    ready.true(lambda: warden.poll(pid) is not None, within_s=FORMAT_S)
    code = warden.poll(pid)
    warden.forget(pid)
    if code != 0:
        what = "Kafka's data directory could not be formatted"
        raise ServerError(what, "its tool's own words follow", "\n".join(log.read_text().splitlines()[-12:]))


def sign(data: Path, cluster: str, node: int, owner: User) -> None:
    """Make a copied data directory that of this node of this cluster."""
    file = data / "meta.properties"
    lines = {"version": "1", "cluster.id": cluster, "node.id": str(node), "directory.id": random_id()}
    file.unlink()
    owner.owns(write(file, lines))
