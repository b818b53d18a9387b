"""The bench brings real servers up, hands out addresses, and leaves nothing."""

from __future__ import annotations

import psycopg
import pytest

from backlab import bench, up
from backlab.bench import Bench
from chaos.client import Wire
from chaos.steering import Api
from services.errors import BacklabError, ServerError
from services.kinds import KINDS
from services.urls import sqlalchemy_url


class Fake:
    """Stands in for a server where the question is who gets started and stopped, not what runs."""

    version, backend, host, port = "1", "native", "127.0.0.1", 1

    def __init__(self, log: list[str], name: str, fails: bool = False) -> None:
        self.log, self.name, self.fails = log, name, fails

    def start(self) -> None:
        self.log.append(f"start {self.name}")
        if self.fails:
            raise ServerError(f"{self.name} did not answer", "try again")

    def stop(self) -> None:
        self.log.append(f"stop {self.name}")


def test_postgres_comes_up_with_a_database_per_call_and_goes_without_a_trace(capsys):
    """One line when it starts, one when it ends; the server's process is gone."""
    lab = up("postgres", backend="native", lab="9.1")
    try:
        first, second = lab.database(), lab.database()
        assert first != second
        with psycopg.connect(first.replace("+psycopg", ""), connect_timeout=5) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        lab.down()
    assert not lab.postgres.running
    lab.down()
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert said[0].startswith("up: postgres 18")
    assert said[1].startswith("nothing left running; lab 9.1 took ")


def test_running_the_cell_again_takes_the_former_bench_down():
    """A learner who runs the first cell twice has one server, not two."""
    first = up("postgres", backend="native", quiet=True)
    second = up("postgres", backend="native", quiet=True)
    try:
        assert not first.postgres.running
        assert second.postgres.running
    finally:
        second.down()


def test_a_wire_counts_what_goes_through_it():
    """The same URL through the proxy reaches the same database, and the wire has seen it."""
    with bench("postgres", backend="native") as lab:
        wire = lab.wire("postgres")
        assert lab.wire("postgres") is wire
        through = lab.via(wire, lab.postgres.url)
        with psycopg.connect(through, connect_timeout=5) as connection:
            assert connection.execute("SELECT 42").fetchone() == (42,)
        counts = wire.counts()
    assert counts.connections == 1
    assert counts.bytes_down > 0


def test_when_one_server_fails_the_others_are_stopped():
    """No half-started lab is left."""
    log: list[str] = []
    lab = Bench({"good": Fake(log, "good"), "bad": Fake(log, "bad", fails=True)}, None, 1)
    with pytest.raises(ServerError, match="bad did not answer"):
        lab.start()
    assert sorted(log) == ["start bad", "start good", "stop bad", "stop good"]


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        (["postgras"], {}, "there is no server called 'postgras'; did you mean 'postgres'?"),
        (["oracle"], {}, f"there is no server called 'oracle'; known are {', '.join(KINDS)}"),
        (["postgres"], {"data": "shop-s"}, "there is no data set called 'shop-s'; did you mean 'shop-S'?"),
    ],
)
def test_a_wrong_name_is_told_before_anything_starts(names, options, said):
    """One sentence with the nearest name."""
    with pytest.raises(BacklabError) as told:
        up(*names, **options)
    assert str(told.value) == said


def test_addresses_keep_login_and_database_on_their_way_through_a_wire():
    """Only host and port change; SQLAlchemy gets its driver's name."""
    wire = Wire(Api("127.0.0.1:1"), None, "postgres", "127.0.0.1:5432", "127.0.0.1:9999")
    lab = Bench({}, None, 1)
    url = "postgresql+psycopg://postgres:s3cret@127.0.0.1:5432/shop_1"
    assert lab.via(wire, url) == "postgresql+psycopg://postgres:s3cret@127.0.0.1:9999/shop_1"
    assert lab.via(wire, "redis://127.0.0.1:6379/0") == "redis://127.0.0.1:9999/0"
    assert sqlalchemy_url("postgresql://a@h/d") == "postgresql+psycopg://a@h/d"


def test_a_server_takes_what_its_class_takes():
    """`options` go to the server that they name, beside its `settings`."""
    with bench("redis", options={"redis": {"durable": True}}, backend="native") as made:
        assert made.redis.durable
