"""What a server says of itself once a second: its connections, and the one number that matters for its kind.

Postgres statements/s | Redis, Memcached hit ratio | Kafka lag of all groups | others: nothing

The panel must not disturb what a lab counts. It asks past the wire, on one connection that it does not count;
Postgres leaves its statements out of pg_stat_statements; in Redis only the calls of INFO and HELLO go up.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from services.server import Server

ANSWER_S = 2.0
ESTABLISHED = "01"  # in /proc/net/tcp


@dataclass(frozen=True)
class Vitals:
    """`number` in `unit`, None where there is none yet; `connections` of others than the panel, if known."""

    connections: int | None = None
    number: float | None = None
    unit: str = ""


class Asker(Protocol):
    """One connection to a server, opened at the first question and again after it broke."""

    def ask(self) -> Vitals:
        """Ask now; raises whatever its client raises when there is no answer."""

    def close(self) -> None:
        """Let the connection go; safe to repeat, also from another thread."""


def asker(server: Server) -> Asker:
    """Who asks a server of this kind."""
    return ASKERS.get(server.name, Sockets)(server)


class OfPostgres:
    """Statements/s since the last look, or since a lab has reset the statistics in between."""

    QUERY = """
        SELECT extract(epoch FROM clock_timestamp()),
               (SELECT count(*) FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()),
               (SELECT coalesce(sum(calls), 0) FROM pg_stat_statements(false)),
               (SELECT extract(epoch FROM stats_reset) FROM pg_stat_statements_info)"""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._connection: Any = None
        self._before: tuple[float, float, float] | None = None  # when, calls, reset

    def ask(self) -> Vitals:
        if self._connection is None:
            self._connection = self._server.connect()
        row = self._connection.execute(self.QUERY).fetchone()
        now, connections, calls, reset = map(float, row)
        before, self._before = self._before, (now, calls, reset)
        rate = None
        if before is not None:
            began, had, was = before
            fresh = reset > was
            rate = (calls - (0 if fresh else had)) / max(now - max(began, reset if fresh else began), 1e-3)
        return Vitals(int(connections), rate, "statements/s")

    def close(self) -> None:
        connection, self._connection, self._before = self._connection, None, None
        if connection is not None:
            connection.close()


class HitRatio:
    """Of the look-ups since the last look; while nobody looks anything up, that of the last ones."""

    def __init__(self) -> None:
        self._before: tuple[int, int] | None = None
        self._ratio: float | None = None

    def percent(self, hits: int, misses: int) -> float | None:
        """The ratio in percent, None before the first look-up."""
        had = self._before if self._before and self._before <= (hits, misses) else (0, 0)
        self._before = (hits, misses)
        asked = hits - had[0] + misses - had[1]
        if asked > 0:
            self._ratio = 100 * (hits - had[0]) / asked
        return self._ratio


class LookUps:
    """A cache that counts hits and misses, and the one client that asks it."""

    def __init__(self, server: Any) -> None:
        self._server, self._ratio = server, HitRatio()
        self._client: Any = None

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


class OfRedis(LookUps):
    """Hits of all look-ups, as the server counts them."""

    def ask(self) -> Vitals:
        if self._client is None:
            import redis

            self._client = redis.Redis.from_url(self._server.url, socket_timeout=ANSWER_S, retry=None)
        said = self._client.info()
        ratio = self._ratio.percent(int(said["keyspace_hits"]), int(said["keyspace_misses"]))
        return Vitals(int(said["connected_clients"]) - 1, ratio, "% hits")


class OfMemcached(LookUps):
    """The same for Memcached."""

    def ask(self) -> Vitals:
        if self._client is None:
            from pymemcache.client.base import Client  # type: ignore[import-untyped]  # ships no types

            address = (self._server.host, self._server.port)
            self._client = Client(address, connect_timeout=ANSWER_S, timeout=ANSWER_S)
        said = self._client.stats()
        ratio = self._ratio.percent(int(said[b"get_hits"]), int(said[b"get_misses"]))
        established = connections_at(self._server)
        return Vitals(None if established is None else established - 1, ratio, "% hits")


class OfKafka:
    """Messages that consumer groups have not committed yet, all groups and partitions together."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._groups: Any = None

    def ask(self) -> Vitals:
        if self._groups is None:
            from services.kafka_groups import Groups

            self._groups = Groups(self._server.bootstrap, ANSWER_S)
        lag = self._lag()
        established = connections_at(self._server)
        others = None if established is None else max(0, established - self._groups.connections)
        return Vitals(others, float(lag), "messages behind")

    def _lag(self) -> int:
        committed = self._groups.committed(self._groups.names())
        ends = self._groups.ends({place for places in committed.values() for place in places})
        return sum(
            max(0, ends[place] - offset) for places in committed.values() for place, offset in places.items()
        )

    def close(self) -> None:
        if self._groups is not None:
            self._groups.close()


class Sockets:
    """A kind without a number: how many connections its port has, which needs no question."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def ask(self) -> Vitals:
        return Vitals(connections_at(self._server))

    def close(self) -> None:
        """There is nothing to let go."""


def connections_at(server: Server) -> int | None:
    """Clients' connections, wire included, as this machine's kernel lists them; None but on Linux."""
    behind_wire = int(server.wire_ends()[0].rpartition(":")[2])
    wanted = {f"{port:04X}" for port in (server.port, behind_wire)}
    found = 0
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            return None
        for line in table.read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            found += state == ESTABLISHED and local.rpartition(":")[2] in wanted
    return found


ASKERS: dict[str, Any] = {
    "postgres": OfPostgres,
    "redis": OfRedis,
    "memcached": OfMemcached,
    "kafka": OfKafka,
}
