"""The panel beside real servers: what its cards say, what its buttons do, and that it leaves counts alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
import redis

import backlab
from backlab.bench import Bench
from backlab.panel import Panel
from backlab.panel.card import Card, readable
from backlab.panel.vitals import HitRatio, asker
from services.kafka_topics import Topics


@pytest.fixture
def b() -> Iterator[Bench]:
    """A Postgres and a Redis, natively."""
    with backlab.bench("postgres", "redis", backend="native") as made:
        yield made


def cards(panel: Panel) -> dict[str, Card]:
    return {one.name: one for one in panel.cards()}


def do(panel: Panel, verb: str, name: str) -> None:
    """Press a button and wait for the end of its deed."""
    thread = panel.deeds[name].do(verb)
    assert thread is not None
    thread.join()


def test_without_a_front_end_it_prints_one_line_a_server(
    b: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """State, version, memory, connections, the number that matters."""
    client = redis.Redis.from_url(b.redis.url)
    client.set("a", 1)
    for key in ("a", "a", "a", "b"):
        client.get(key)
    b.panel()
    postgres, of_redis = capsys.readouterr().out.splitlines()
    assert postgres.split()[:3] == ["postgres", "running", b.postgres.version]
    assert "0 connections" in postgres
    assert postgres.endswith(" statements/s")
    assert "1 connection " in of_redis
    assert of_redis.endswith("75 % hits")


def test_buttons_pause_resume_kill_and_restart_real_servers(b: Bench) -> None:
    """And what cannot be done is said in the card, in a sentence."""
    panel = Panel(b)
    do(panel, "pause", "postgres")
    assert cards(panel)["postgres"].state == "paused"
    do(panel, "resume", "postgres")
    assert psycopg.connect(b.postgres.url).execute("SELECT 1").fetchone() == (1,)
    do(panel, "kill", "redis")
    assert cards(panel)["redis"].state == "down"
    do(panel, "kill", "redis")
    assert cards(panel)["redis"].said == "redis is down already; Restart starts it again with its data"
    do(panel, "restart", "redis")
    assert (cards(panel)["redis"].state, cards(panel)["redis"].said) == ("running", "")
    assert redis.Redis.from_url(b.redis.url).ping()


def test_a_restart_that_fails_is_said_in_the_card(b: Bench) -> None:
    """The port of a killed server was taken meanwhile by somebody else, say; here its program is refused."""
    panel = Panel(b)
    do(panel, "kill", "redis")
    (b.redis.directory / "redis.conf").write_text("no such setting\n")
    do(panel, "restart", "redis")
    card = cards(panel)["redis"]
    assert card.state == "down"
    assert card.said.startswith("redis (native) on 127.0.0.1:")
    assert "ended while it started" in card.said


def test_a_second_deed_waits_for_the_first_one_to_end(b: Bench) -> None:
    """One at a time for each server: the second press is told so."""
    panel = Panel(b)
    with b.postgres._lock:  # so that the restart cannot end before we look
        first = panel.deeds["postgres"].do("restart")
        assert panel.deeds["postgres"].do("kill") is None
        assert cards(panel)["postgres"].state == "restarting"
        assert "postgres is still restarting" in cards(panel)["postgres"].said
    assert first is not None
    first.join()
    assert cards(panel)["postgres"].state == "running"


def test_a_frozen_server_holds_up_neither_panel_nor_the_other_cards(b: Bench) -> None:
    """Frozen behind the panel's back, it shows as silent; the text comes all the same."""
    panel = Panel(b)
    assert "running" in panel.text()
    b.postgres.machine.pause()  # as an experiment in another process does it: the server object does not know
    try:
        assert "redis" in panel.text()
        time.sleep(3)  # so long without an answer make it silent
        assert cards(panel)["postgres"].state == "silent"
        assert cards(panel)["redis"].state == "running"
    finally:
        b.postgres.machine.resume()


def test_the_panel_disturbs_no_count_of_a_lab(b: Bench) -> None:
    """Neither the wire nor pg_stat_statements nor the number of connections knows of it."""
    wire = b.wire("postgres")
    panel = Panel(b)
    with psycopg.connect(b.via(wire, b.postgres.url), autocommit=True) as connection:
        connection.execute("SELECT pg_stat_statements_reset()")
        wire.reset_counts()
        for _ in range(3):
            panel.text()
        assert wire.counts().statements == 0
        assert cards(panel)["postgres"].facts.endswith("1 connection")
        seen = "SELECT count(*) FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'"
        assert connection.execute(seen).fetchone() == (0,)


def test_statements_are_counted_from_a_labs_own_reset_on(b: Bench) -> None:
    """A lab that resets the statistics at each page still gets a rate that is not negative."""
    look = asker(b.postgres)
    with psycopg.connect(b.postgres.url, autocommit=True) as connection:
        for _ in range(50):
            connection.execute("SELECT 1")
        assert look.ask().number is None
        connection.execute("SELECT pg_stat_statements_reset()")
        for _ in range(20):
            connection.execute("SELECT 1")
        number = look.ask().number
    look.close()
    assert number is not None
    assert number > 0


def test_the_wires_controls_put_faults_on_it_and_take_them_off(b: Bench) -> None:
    """Latency is changed in place; a cut is one of both directions; at their ends nothing is left."""
    panel, wire = Panel(b), b.wire("postgres")
    assert cards(panel)["redis"].wire is None
    control = panel.wires.get("postgres") or (cards(panel), panel.wires["postgres"])[1]
    for value in (5, 50):
        control.set("latency_ms", value)
    control.set("rate_kb_s", 100)
    control.set("cut", 1)
    names = sorted(toxic["name"] for toxic in wire.api.ask("GET", wire.path)["toxics"])
    assert names == [
        "panel bandwidth downstream", "panel latency downstream",
        "panel stop downstream", "panel stop upstream",
    ]  # fmt: skip
    for name in ("latency_ms", "rate_kb_s", "cut"):
        control.set(name, 0)
    assert wire.api.ask("GET", wire.path)["toxics"] == []
    control.set("colour", 1)
    assert "a wire has no control 'colour'" in cards(panel)["postgres"].said


def test_the_lag_of_all_groups_is_kafkas_number() -> None:
    """Two groups, one at the end and one 7 messages behind; the panel's own client is no connection."""
    with backlab.bench("kafka", backend="native") as b:
        topics = Topics(b.kafka.bootstrap)
        topics.create("orders", partitions=2)
        topics.fill("orders", (b"%d" % n for n in range(10)), partition=0)
        from confluent_kafka import Consumer, TopicPartition

        for group, offset in (("at the end", 10), ("behind", 3)):
            consumer = Consumer({"bootstrap.servers": b.kafka.bootstrap, "group.id": group})
            consumer.commit(offsets=[TopicPartition("orders", 0, offset)], asynchronous=False)
            consumer.close()
        look = asker(b.kafka)
        assert look.ask().number == 7
        assert look.ask().unit == "messages behind"
        look.close()


def test_a_hit_ratio_is_that_of_the_last_look_ups() -> None:
    """It stays while nobody looks anything up, and starts again when the counters do."""
    ratio = HitRatio()
    assert ratio.percent(0, 0) is None
    assert ratio.percent(3, 1) == 75
    assert ratio.percent(3, 1) == 75
    assert ratio.percent(3, 2) == 0
    assert ratio.percent(1, 0) == 100


@pytest.mark.parametrize(("number", "words"), [(1192.4, "1,192"), (0.42, "0.4"), (0.0, "0"), (None, "")])
def test_numbers_are_read_as_a_person_says_them(number: float | None, words: str) -> None:
    """Three figures are enough."""
    assert readable(number) == words


def test_a_bench_that_goes_down_takes_its_panel_along(in_kernel) -> None:  # type: ignore[no-untyped-def]
    """In a kernel without a page: text is stored, and no thread is left."""
    shown = in_kernel("import backlab\nb = backlab.up('redis', backend='native', quiet=True)", "b.panel()")
    assert shown[0]["data"]["text/plain"].startswith("redis  running")
    left = in_kernel(
        "import backlab, threading, time\nb = backlab.up('redis', backend='native', quiet=True)\n"
        "b.panel()\nb.panel()",
        "names = [t.name for t in threading.enumerate() if t.name.startswith('panel')]\nb.down()\n"
        "time.sleep(1.5)\nprint(sorted(names), [t.name for t in threading.enumerate() if 'panel' in t.name])",
    )
    assert left[-1]["text"].splitlines()[-1] == "['panel', 'panel redis'] []"
    assert not [one.name for one in threading.enumerate() if one.name.startswith("panel")]
