"""PostgreSQL's options: replicas, logical decoding, two-phase commit, several clusters, TLS."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from services import ready
from services.errors import BacklabError, ServerError
from services.postgres import Postgres
from services.postgres_data import WITH_TLS


def rows(server: Postgres, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url, autocommit=True, connect_timeout=5) as connection:
        return connection.execute(query).fetchall()


def do(server: Postgres, *statements: str) -> None:
    with psycopg.connect(server.url, autocommit=True, connect_timeout=5) as connection:
        for statement in statements:
            connection.execute(statement)


def arrives(server: Postgres, query: str, wanted: object) -> bool:
    """Does the replica answer so before long?"""

    def asked() -> bool:
        try:
            return rows(server, query) == [(wanted,)]
        except psycopg.Error:
            return False

    return ready.true(asked, within_s=10, every_s=0.02)


def test_a_replica_streams_what_its_primary_writes(backend: str) -> None:
    """Rows arrive, writing is refused there, and after a crash it goes on where it was."""
    with Postgres(backend=backend) as primary, Postgres(replica_of=primary) as replica:
        do(primary, "CREATE TABLE numbers (n int)", "INSERT INTO numbers SELECT generate_series(1, 100)")
        assert arrives(replica, "SELECT count(*) FROM numbers", 100)
        assert rows(primary, "SELECT application_name, state FROM pg_stat_replication") == [
            (replica.slot, "streaming")
        ]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            do(replica, "INSERT INTO numbers VALUES (101)")
        replica.kill()
        do(primary, "INSERT INTO numbers SELECT generate_series(101, 200)")
        replica.start()
        assert arrives(replica, "SELECT count(*) FROM numbers", 200)


def test_a_replica_survives_its_primary_and_can_be_promoted(backend: str) -> None:
    """What has arrived is there after the primary's death, and from then on it takes writes."""
    with Postgres(backend=backend) as primary, Postgres(replica_of=primary) as replica:
        do(primary, "CREATE TABLE kept AS SELECT 1 AS n")
        assert arrives(replica, "SELECT count(*) FROM kept", 1)
        primary.kill()
        assert rows(replica, "SELECT pg_promote()") == [(True,)]
        do(replica, "INSERT INTO kept VALUES (2)")
        assert rows(replica, "SELECT count(*) FROM kept") == [(2,)]


def test_a_stopped_replica_leaves_no_slot(backend: str) -> None:
    """Or the primary would keep its log for a reader that never comes back."""
    with Postgres(backend=backend) as primary:
        with Postgres(replica_of=primary):
            assert rows(primary, "SELECT count(*) FROM pg_replication_slots") == [(1,)]
        assert rows(primary, "SELECT count(*) FROM pg_replication_slots") == [(0,)]


def test_a_replica_of_nobody_says_what_to_do() -> None:
    """The primary comes first."""
    with pytest.raises(ServerError, match="start the primary first"):
        Postgres(replica_of=Postgres(backend="native")).start()


def test_logical_decoding_reads_commits_in_order(backend: str) -> None:
    """`wal_level` is a setting like any other."""
    with Postgres(backend=backend, settings={"wal_level": "logical"}) as server:
        do(server, "CREATE TABLE t (n int PRIMARY KEY)")
        rows(server, "SELECT pg_create_logical_replication_slot('lab', 'test_decoding')")
        do(server, "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)")
        changes = [
            data
            for (data,) in rows(server, "SELECT data FROM pg_logical_slot_get_changes('lab', NULL, NULL)")
        ]
        assert [line for line in changes if "INSERT" in line] == [
            f"table public.t: INSERT: n[integer]:{n}" for n in (1, 2)
        ]


def test_a_prepared_transaction_outlives_a_crash(backend: str) -> None:
    """Two-phase commit: what was prepared can be committed after a kill."""
    with Postgres(backend=backend, settings={"max_prepared_transactions": "10"}) as server:
        do(server, "CREATE TABLE t (n int)")
        do(server, "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'branch'")
        server.kill()
        server.start()
        assert rows(server, "SELECT count(*) FROM t") == [(0,)]
        do(server, "COMMIT PREPARED 'branch'")
        assert rows(server, "SELECT count(*) FROM t") == [(1,)]


def test_five_clusters_run_beside_each_other(backend: str) -> None:
    """Shards: own ports and own data."""
    clusters = [Postgres(backend=backend, settings={"shared_buffers": "32MB"}) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        try:
            list(pool.map(Postgres.start, clusters))
            for n, cluster in enumerate(clusters):
                do(cluster, f"CREATE TABLE shard AS SELECT {n} AS n")
            assert [rows(cluster, "SELECT n FROM shard") for cluster in clusters] == [
                [(n,)] for n in range(5)
            ]
            assert len({cluster.port for cluster in clusters}) == 5
        finally:
            list(pool.map(Postgres.stop, clusters))


def test_with_tls_the_url_lets_clients_insist_on_it() -> None:
    """The certificate is checked against the server's own authority, which goes with the server."""
    server = Postgres(backend="native", tls=True)
    try:
        WITH_TLS.program("postgres")
    except BacklabError:  # the wheel has none, and this machine has no PostgreSQL of its own
        with pytest.raises(BacklabError, match="the wheel's PostgreSQL has no TLS"):
            server.start()
        return
    with server, Postgres(backend="native", tls=True) as other:
        assert server.certificate is not None
        assert other.certificate is not None
        authority = server.certificate.authority
        assert rows(server, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [(True,)]
        forged = server.url.replace(str(authority), str(other.certificate.authority))
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            psycopg.connect(forged, connect_timeout=5)
    assert not authority.exists()
