"""The protocols that the proxy can read, by name; without one it counts bytes and round trips only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chaos.wire import http, kafka, postgres, redis
from chaos.wire.tally import Conversation, Tally


@dataclass(frozen=True)
class Reader:
    """How to read one connection of a protocol, and how to tell what was counted."""

    conversation: Callable[[Tally], Conversation] | None
    as_json: Callable[[Tally], dict[str, Any]]


BYTES_ONLY = Reader(None, lambda tally: tally.as_json({}, {}, rows=0))
PROTOCOLS = {
    "http": Reader(http.HttpConversation, http.as_json),
    "kafka": Reader(kafka.KafkaConversation, kafka.as_json),
    "postgres": Reader(postgres.PostgresConversation, postgres.as_json),
    "redis": Reader(redis.RedisConversation, redis.as_json),
}


def reader(protocol: str | None) -> Reader:
    """The reader of a protocol; raises KeyError with the known names for an unknown one."""
    if protocol is None:
        return BYTES_ONLY
    if protocol not in PROTOCOLS:
        raise KeyError(f"unknown protocol {protocol!r}, can be one of {', '.join(sorted(PROTOCOLS))}")
    return PROTOCOLS[protocol]
