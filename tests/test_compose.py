"""docker-compose.yml: read by docker-compose 1.29, safe by default, and up from locally built images."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from services import ready

ROOT = Path(__file__).parents[1]
IMAGES = {"JUPYTERLAB_IMAGE": "backlab-jupyterlab", "POSTGRES_IMAGE": "postgres:18"}
SECRETS = {"JUPYTER_TOKEN": secrets.token_hex(8), "POSTGRES_PASSWORD": secrets.token_hex(8)}
# port 0: the kernel gives one that is free
ASKED = {**IMAGES, **SECRETS, "JUPYTER_PORT": "0", "POSTGRES_PORT": "0"}


def compose(
    project: str, *arguments: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One call of docker-compose, whichever this machine has; a learner's own .env plays no part."""
    program = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    clean = {name: value for name, value in os.environ.items() if name not in ASKED}
    asked = {**clean, **(ASKED if env is None else env)}
    with NamedTemporaryFile(suffix=".env") as none:
        command = [*program, "--env-file", none.name, "--project-name", project, *arguments]
        return subprocess.run(command, cwd=ROOT, env=asked, capture_output=True, text=True)


def inspect(container: str) -> dict[str, Any]:
    """What the engine says of a container."""
    done = subprocess.run(["docker", "inspect", container], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)[0]
    return found


def test_every_port_is_published_on_the_loopback_address_only() -> None:
    """A notebook server runs any code that it is sent."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ports = [port for service in services.values() for port in service["ports"]]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_service_has_limits_on_memory_processors_and_processes() -> None:
    """A lab that goes wild takes its container along, not the machine."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert all({"mem_limit", "cpus", "pids_limit"} <= set(service) for service in services.values())


@pytest.mark.container
def test_docker_compose_reads_the_file() -> None:
    """With the secrets that `make compose` writes."""
    done = compose("backlab-config", "config")
    assert done.returncode == 0, done.stderr


@pytest.mark.container
def test_without_a_password_of_your_own_nothing_starts() -> None:
    """There is no well-known one; the message names the next step."""
    done = compose("backlab-config", "config", env={})
    assert done.returncode != 0
    assert "make compose" in done.stderr


@pytest.fixture(scope="module")
def stack() -> Iterator[dict[str, dict[str, Any]]]:
    """Both services, up and healthy, from images that are on this machine."""
    project = f"backlab-test-{secrets.token_hex(4)}"
    try:
        done = compose(project, "up", "--detach", "--no-build")
        assert done.returncode == 0, f"{done.stderr}\nthe images come from `make images`"
        ids = compose(project, "ps", "--quiet").stdout.split()
        assert ready.true(lambda: all(healthy(name) for name in ids), within_s=90, every_s=0.2), logs(project)
        found = [inspect(name) for name in ids]
        yield {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}
    finally:
        compose(project, "down", "--volumes", "--timeout", "5")


def logs(project: str) -> str:
    """What both services said last."""
    return compose(project, "logs", "--tail=20").stdout


def healthy(container: str) -> bool:
    """Does its health check pass?"""
    return bool(inspect(container)["State"]["Health"]["Status"] == "healthy")


@pytest.mark.container
def test_the_stack_comes_up_healthy_from_local_images(stack: dict[str, dict[str, Any]]) -> None:
    """JupyterLab and Postgres, each by its own health check."""
    assert set(stack) == {"jupyterlab", "postgres"}


@pytest.mark.container
def test_the_engine_binds_the_stack_to_the_loopback_address_only(stack: dict[str, dict[str, Any]]) -> None:
    """As the engine did it, not as the file asks for it."""
    bound = [
        one["HostIp"]
        for found in stack.values()
        for p in found["NetworkSettings"]["Ports"].values()
        for one in p
    ]
    assert bound == ["127.0.0.1", "127.0.0.1"]


@pytest.mark.container
def test_jupyterlab_lets_in_only_those_who_have_the_token(stack: dict[str, dict[str, Any]]) -> None:
    """Without it there is the log-in page."""
    port = stack["jupyterlab"]["NetworkSettings"]["Ports"]["8888/tcp"][0]["HostPort"]
    with urlopen(f"http://127.0.0.1:{port}/lab", timeout=10) as without:
        assert "/login" in without.url
    with urlopen(f"http://127.0.0.1:{port}/lab?token={SECRETS['JUPYTER_TOKEN']}", timeout=10) as within:
        assert within.status == 200
        assert "/login" not in within.url


@pytest.mark.container
def test_the_container_of_the_labs_runs_without_privileges(stack: dict[str, dict[str, Any]]) -> None:
    """No root, no capabilities, and nothing gives them back."""
    lab = stack["jupyterlab"]
    assert lab["Config"]["User"] == "learner"
    assert lab["HostConfig"]["CapDrop"] == ["ALL"]
    assert lab["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
