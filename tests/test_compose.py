"""docker-compose.yml: read by docker-compose 1.29, safe by default, and up from locally built images."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.request import urlopen

import httpx
import psycopg
import pytest
import yaml

from services import kinds, maven, ready

ROOT = Path(__file__).parents[1]
PORTS = ("JUPYTER_PORT", "SHOP_PORT", "LOCUST_PORT", "PROXY_PORT", "POSTGRES_PORT")
MORE_PORTS = (
    "MEMCACHED_PORT",
    "RABBITMQ_PORT",
    "RABBITMQ_MANAGEMENT_PORT",
    "HAPROXY_PORT",
    "HAPROXY_STATS_PORT",
    "PROMETHEUS_PORT",
    "ZIPKIN_PORT",
    "APICURIO_PORT",
)
IMAGES = {
    "JUPYTERLAB_IMAGE": "backlab-jupyterlab",
    "POSTGRES_IMAGE": "postgres:18",
    "REDIS_IMAGE": "redis:8",
    "KAFKA_IMAGE": f"apache/kafka:{maven.version('kafka')}",
}
NAMED = ("JUPYTER_TOKEN", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "RABBITMQ_PASSWORD")
SECRETS = {name: secrets.token_hex(8) for name in NAMED}
ASKED = {
    **IMAGES,
    **SECRETS,
    **dict.fromkeys((*PORTS, *MORE_PORTS), "0"),
}  # port 0: the kernel gives one that is free


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
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == len(PORTS) + len(MORE_PORTS)
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_file_names_the_images_that_the_labs_use() -> None:
    """One version of each server, in the playground and in the labs."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name in set(services) & set(kinds.KINDS):
        assert f":-{kinds.find(name).image}}}" in services[name]["image"]


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
    """All services, up and healthy, from images that are on this machine."""
    project = f"backlab-test-{secrets.token_hex(4)}"
    try:
        done = compose(project, "up", "--detach", "--no-build")
        assert done.returncode == 0, f"{done.stderr}\nthe images come from `make images`"
        ids = compose(project, "ps", "--quiet").stdout.split()
        assert ready.true(lambda: all(healthy(name) for name in ids), within_s=180, every_s=0.5), logs(
            project
        )
        found = [inspect(name) for name in ids]
        yield {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}
    finally:
        compose(project, "down", "--volumes", "--timeout", "5")


def logs(project: str) -> str:
    """What every service said last."""
    return compose(project, "logs", "--tail=20").stdout


def healthy(container: str) -> bool:
    """Does its health check pass?"""
    return bool(inspect(container)["State"]["Health"]["Status"] == "healthy")


@pytest.mark.container
def test_the_stack_comes_up_healthy_from_local_images(stack: dict[str, dict[str, Any]]) -> None:
    """Each by its own health check."""
    ours = {"jupyterlab", "shop", "relay", "projector", "invoicer", "proxy", "locust"}
    assert set(stack) == ours | {"postgres", "redis", "kafka"}


@pytest.mark.container
def test_the_engine_binds_the_stack_to_the_loopback_address_only(stack: dict[str, dict[str, Any]]) -> None:
    """As the engine did it, not as the file asks for it."""
    bound = [
        one["HostIp"]
        for found in stack.values()
        for published in found["NetworkSettings"]["Ports"].values()
        for one in published or ()
    ]
    assert bound == ["127.0.0.1"] * len(PORTS)


def published(found: dict[str, Any], port: int) -> str:
    """Where the engine has published a port of a container."""
    return f"http://127.0.0.1:{found['NetworkSettings']['Ports'][f'{port}/tcp'][0]['HostPort']}"


@pytest.mark.container
def test_locust_s_users_reach_the_shop_through_the_proxy(stack: dict[str, dict[str, Any]]) -> None:
    """Started by its web interface; what they bought comes out at the other end of Kafka."""
    locust, shop = published(stack["proxy"], 8089), published(stack["shop"], 8000)
    httpx.post(f"{locust}/swarm", data={"user_count": 3, "spawn_rate": 3}, timeout=30).raise_for_status()

    def orders() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{shop}/orders", params={"limit": 5}, timeout=30).json()
        return found

    assert ready.true(lambda: all(order["id"] > 50_000 for order in orders()), within_s=60, every_s=0.5)
    httpx.get(f"{locust}/stop", timeout=30)
    metrics = httpx.get(f"{published(stack['proxy'], 8474)}/metrics", timeout=30).text
    received = re.findall(r'^toxiproxy_proxy_received_bytes_total\{.*proxy="shop".*\} (\S+)$', metrics, re.M)
    assert received
    assert min(map(float, received)) > 0


@pytest.mark.container
def test_what_happens_to_an_order_goes_through_kafka_to_its_view(stack: dict[str, dict[str, Any]]) -> None:
    """Outbox, relay, broker and projector: in the end the view knows what the orders know."""
    port = published(stack["postgres"], 5432).rpartition(":")[2]
    address = f"postgresql://postgres:{SECRETS['POSTGRES_PASSWORD']}@127.0.0.1:{port}/postgres"
    shop = published(stack["shop"], 8000)
    basket = {"customer_id": 7, "lines": [{"product_id": 7, "quantity": 1}]}
    order = httpx.post(f"{shop}/orders", json=basket, timeout=30).json()["id"]
    httpx.post(f"{shop}/orders/{order}/payments", json={}, timeout=30).raise_for_status()
    with psycopg.connect(address, autocommit=True) as connection:
        query = "SELECT status, events FROM order_views WHERE order_id = %s"

        def has_arrived() -> bool:
            return connection.execute(query, [order]).fetchone() == ("paid", 2)

        assert ready.true(has_arrived, within_s=60, every_s=0.2)


@pytest.mark.container
def test_jupyterlab_lets_in_only_those_who_have_the_token(stack: dict[str, dict[str, Any]]) -> None:
    """Without it there is the log-in page."""
    lab = published(stack["jupyterlab"], 8888)
    with urlopen(f"{lab}/lab", timeout=10) as without:
        assert "/login" in without.url
    with urlopen(f"{lab}/lab?token={SECRETS['JUPYTER_TOKEN']}", timeout=10) as within:
        assert within.status == 200
        assert "/login" not in within.url


@pytest.mark.container
def test_our_containers_run_without_privileges(stack: dict[str, dict[str, Any]]) -> None:
    """No root, no capabilities, and nothing gives them back."""
    for name, found in stack.items():
        if name not in ("postgres", "redis", "kafka"):
            assert found["Config"]["User"] == "learner"
            assert found["HostConfig"]["CapDrop"] == ["ALL"]
            assert found["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]


@pytest.mark.container
def test_the_servers_beside_the_shop_come_up_healthy() -> None:
    """All that no shop needs, from local images and by their own health checks."""
    project = f"backlab-more-{secrets.token_hex(4)}"
    names = ["memcached", "rabbitmq", "haproxy", "prometheus", "zipkin", "apicurio"]
    try:
        done = compose(project, "--profile", "more", "up", "--detach", "--no-build", *names)
        assert done.returncode == 0, f"{done.stderr}\nthe images come from `make images`"
        ids = compose(project, "--profile", "more", "ps", "--quiet").stdout.split()
        assert len(ids) == len(names)
        assert ready.true(lambda: all(healthy(name) for name in ids), within_s=120, every_s=0.5), logs(
            project
        )
    finally:
        compose(project, "--profile", "more", "down", "--volumes", "--timeout", "5")
