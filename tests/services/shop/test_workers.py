"""Relay, projector and invoicer on a real Kafka: wherever they die, each event has one effect."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from services import ready
from services.errors import ServerError
from services.kafka import Kafka
from services.kafka_topics import Topics
from services.shop import lifecycle, placing, records
from services.shop.records import OrderView, OutboxEvent
from services.shop.settings import Settings
from services.shop.stock import Line
from services.shop.worker_server import Worker
from services.shop.workers import kafka as kafka_of_workers
from services.shop.workers.projector import Projector
from services.shop.workers.relay import Relay, envelope

NUMBERS = range(60_001, 60_006)  # five orders, each placed and paid: ten events


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    """One broker for all; each test has topics and groups of its own."""
    with Kafka() as server:
        yield server


@pytest.fixture
def settings(kafka: Kafka, fresh_database) -> Settings:
    """A fresh shop with ten events in its outbox, and topics that do not exist yet."""
    suffix = f"-{secrets.token_hex(4)}"
    made = Settings(
        database_url=fresh_database(), kafka_bootstrap=kafka.bootstrap, run_suffix=suffix, batch_size=4
    )
    records.create(made.database_url)
    engine = create_engine(made.database_url)
    for number in NUMBERS:
        with Session(engine) as session, session.begin():
            placing.place(session, number, 7, [Line(product_id=1, quantity=1)], {1: 1999})
        with Session(engine) as session, session.begin():
            lifecycle.move(session, number, "paid", 1)
    engine.dispose()
    return made


def rows(settings: Settings, table: type) -> list:
    """All rows of a table."""
    engine = create_engine(settings.database_url)
    with Session(engine) as session:
        found = list(session.scalars(select(table)))
    engine.dispose()
    return found


def published(settings: Settings, topic: str) -> list[dict]:
    """What a reader of committed messages finds in a topic, partition by partition."""
    messages = Topics(settings.kafka_bootstrap).read(f"{topic}{settings.run_suffix}")
    return [json.loads(message.value() or b"") for message in messages]


def everything_is_published(settings: Settings) -> bool:
    """Does the outbox say so?"""
    return all(row.published_at for row in rows(settings, OutboxEvent))


def publish(settings: Settings) -> None:
    """Put the outbox's events into the topic without a relay."""
    kafka_of_workers.ensure_topics(settings, "orders")
    outbox = sorted(rows(settings, OutboxEvent), key=lambda row: row.position)
    messages = [envelope(row).message() for row in outbox]
    topic = f"orders{settings.run_suffix}"
    Topics(settings.kafka_bootstrap).fill(topic, [(each["key"], each["value"]) for each in messages])


def survivor(worker: str, settings: Settings, *deaths: str) -> Worker:
    """A worker whose predecessors have killed themselves, one after the other, each at a step."""
    made = Worker(worker, settings)
    for step in deaths:
        made.crash(step)
    return made


def test_the_relay_publishes_each_event_once_in_the_order_of_its_order(settings):
    """Ten events, keyed by order, numbered without gaps, and each once while nobody dies."""
    with Worker("relay", settings):
        assert ready.true(lambda: everything_is_published(settings), every_s=0.1)
    events = published(settings, "orders")
    assert len({event["id"] for event in events}) == len(events) == 10
    for number in NUMBERS:
        mine = [(event["sequence"], event["type"]) for event in events if event["key"] == number]
        assert mine == [(1, "order.placed"), (2, "order.paid")]


def test_a_relay_that_dies_at_each_of_its_steps_loses_no_event(settings):
    """Each death repeats at most one batch, and repeats carry the same ids."""
    deaths = [f"{step}:1" for step in Relay.STEPS]
    with survivor("relay", settings, *deaths):
        assert ready.true(lambda: everything_is_published(settings), every_s=0.1)
    events = published(settings, "orders")
    assert {event["id"] for event in events} == {str(row.id) for row in rows(settings, OutboxEvent)}
    assert len(events) <= 10 + len(deaths) * settings.batch_size


def test_a_projector_that_dies_at_each_of_its_steps_has_each_event_s_effect_once(settings):
    """Each view has seen two events and knows that its order is paid."""
    publish(settings)
    wanted = {(number, "paid", 2, 1999, 2) for number in NUMBERS}
    with survivor("projector", settings, *(f"{step}:2" for step in Projector.STEPS)):
        assert ready.true(lambda: views(settings) == wanted, every_s=0.1)


def views(settings: Settings) -> set[tuple]:
    """What the projector knows of each order."""
    found = rows(settings, OrderView)
    return {(row.order_id, row.status, row.sequence, row.total_cents, row.events) for row in found}


def test_an_invoicer_with_transactions_that_dies_at_each_step_invoices_each_paid_order_once(settings):
    """As readers of committed messages see it."""
    publish(settings)
    with survivor("invoicer", settings, "begin:2", "produce:1", "send_offsets:1", "commit:1"):
        assert ready.true(lambda: len(invoiced(settings)) >= len(NUMBERS), every_s=0.1)
        assert ready.true(lambda: has_read_all(settings), every_s=0.1)
    assert invoiced(settings) == sorted(NUMBERS)


def invoiced(settings: Settings) -> list[int]:
    """The orders that have an invoice, one entry per invoice."""
    return sorted(event["data"]["order_id"] for event in published(settings, "invoices"))


def test_an_invoicer_that_commits_afterwards_repeats_what_it_had_not_committed(settings):
    """It dies between the invoices and the offsets, so the successor makes the same invoices again."""
    after = replace(settings, invoicer_mode="commit_after", partitions=1, batch_size=100)
    publish(after)
    with survivor("invoicer", after, "commit_offset:1"):
        assert ready.true(lambda: has_read_all(after), every_s=0.1)
    assert set(invoiced(after)) == set(NUMBERS)
    assert len(invoiced(after)) > len(NUMBERS)


def test_an_invoicer_that_commits_first_loses_what_it_had_not_produced(settings):
    """It dies between the offsets and the invoices, and nobody reads those messages again."""
    before = replace(settings, invoicer_mode="commit_before", partitions=1, batch_size=100)
    publish(before)
    with survivor("invoicer", before, "produce:1"):
        assert ready.true(lambda: has_read_all(before), every_s=0.1)
    assert set(invoiced(before)) < set(NUMBERS)


def has_read_all(settings: Settings) -> bool:
    """Has the invoicer committed its way to the end of the orders?"""
    lag = Topics(settings.kafka_bootstrap).lag(
        f"invoicer{settings.run_suffix}", f"orders{settings.run_suffix}"
    )
    return not any(lag.values())


def test_a_projector_goes_on_after_messages_that_are_no_events(settings):
    """A tombstone, half a document, another document; and a late event without a key changes no status."""
    publish(settings)
    topics, topic = Topics(settings.kafka_bootstrap), f"orders{settings.run_suffix}"
    newest = next(event for event in published(settings, "orders") if event["sequence"] == 2)
    topics.fill(topic, [(b"60001", None), (None, b"{"), (b"60001", b'{"id": 1}')])
    late = {**newest, "id": "00000000-0000-0000-0000-000000000001", "sequence": 1, "new": True}
    topics.fill(topic, [json.dumps(late).encode()])
    with Worker("projector", settings):
        assert ready.true(lambda: sum(row.events for row in rows(settings, OrderView)) == 11, every_s=0.1)
    assert {row.sequence for row in rows(settings, OrderView)} == {2}


def test_a_worker_refuses_a_step_that_it_does_not_have(settings):
    """An experiment with a misspelt step would wait for a death that never comes."""
    worker = Worker("relay", settings)
    worker.crash_at = "comit:1"
    with pytest.raises(ServerError, match="names no step"):
        worker.start()
