"""The one registry of server kinds: what a lab calls each, and where its class lives."""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from services.errors import BacklabError

if TYPE_CHECKING:
    from services.server import Server

KINDS = {
    "postgres": "services.postgres:Postgres",
    "redis": "services.redis:Redis",
    "kafka": "services.kafka:Kafka",
    "memcached": "services.memcached:Memcached",
    "rabbitmq": "services.rabbitmq:RabbitMQ",
    "haproxy": "services.haproxy:HAProxy",
    "prometheus": "services.prometheus:Prometheus",
    "zipkin": "services.zipkin:Zipkin",
    "apicurio": "services.apicurio:Apicurio",
}


def make(name: str, **options: Any) -> Any:
    """A server of the kind called `name`, not started; raises `BacklabError` where there is none."""
    return find(name)(**options)


def find(name: str) -> type[Server]:
    """The class of the kind called `name`; raises `BacklabError` where there is none."""
    if name not in KINDS:
        near = get_close_matches(name, KINDS, n=1)
        raise BacklabError(
            f"there is no server called {name!r}",
            f"did you mean {near[0]!r}?" if near else f"known are {', '.join(KINDS)}",
        )
    module, _, kind = KINDS[name].partition(":")
    found: type[Server] = getattr(importlib.import_module(module), kind)
    return found
