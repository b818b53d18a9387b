"""A fresh data directory for Kafka: what its own tool writes, kept once (411 bytes) and signed for each node.

    kafka.checkpoint   the cluster's first records: the versions of its features, as of the pinned Kafka
    meta.properties    which cluster, which node, which directory

The tool is a Java program and takes 2 s; `python -m services.kafka_data` runs it again for a newer Kafka.
"""

from __future__ import annotations

import base64
import secrets
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from services import java, maven
from services.user import User

KEPT = Path(__file__).with_name("kafka.checkpoint")
CHECKPOINT = Path("__cluster_metadata-0", "00000000000000000000-0000000000.checkpoint")
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


def format_for(data: Path, cluster: str, node: int, owner: User) -> None:
    """Make an empty directory that of this node of this cluster, owned by `owner`."""
    checkpoint = data / CHECKPOINT
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(KEPT.read_bytes())
    lines = {"version": "1", "cluster.id": cluster, "node.id": str(node), "directory.id": random_id()}
    for made in (checkpoint.parent, checkpoint, write(data / "meta.properties", lines)):
        owner.owns(made)


def by_the_tool(folder: Path) -> bytes:
    """The checkpoint that the pinned Kafka's own tool writes, working in `folder`."""
    config = write(folder / "server.properties", ANY | {"log.dirs": str(folder / "data")})
    tool = ["kafka.tools.StorageTool", "format", "--cluster-id", random_id(), "--config", str(config)]
    argv = java.command(tool, heap_mb=64, jars=maven.files("kafka"))
    subprocess.run(argv, cwd=folder, check=True, timeout=FORMAT_S, stdout=subprocess.DEVNULL)
    return (folder / "data" / CHECKPOINT).read_bytes()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        KEPT.write_bytes(by_the_tool(Path(folder)))
