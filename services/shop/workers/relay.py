"""The relay: publishes what the outbox holds, in order, at least once.

outbox ──lock, read──▶ produce ──acknowledged──▶ mark as published ──▶ commit
A relay that dies before the commit publishes the same events again: readers tell them by their ids.
"""

from __future__ import annotations

from typing import ClassVar

from confluent_kafka import KafkaError, KafkaException, Message
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.shop.database import Database
from services.shop.records import OutboxEvent, now
from services.shop.settings import Settings
from services.shop.workers import kafka
from services.shop.workers.events import ORDERS, Event
from services.shop.workers.steps import step


class Relay:
    """One turn publishes one batch in one transaction; of several relays, one works and the others wait."""

    STEPS: ClassVar[tuple[str, ...]] = ("produce", "flush", "mark", "commit")

    def __init__(self, settings: Settings) -> None:
        self._database = Database(settings)
        self._batch_size = settings.batch_size
        kafka.ensure_topics(settings, ORDERS)
        self._topic = kafka.named(settings, ORDERS)
        self._producer = kafka.producer(settings)
        self._has_looked = False

    def ready(self) -> bool:
        return self._has_looked

    def turn(self) -> bool:
        with Session(self._database.engine) as session, session.begin():
            # two relays at once could overtake each other, and an order's events would swap places
            mine = session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext("shop.relay"))))
            events = self._unpublished(session) if mine else []
            self._has_looked = True
            if events:
                self._publish(events)
                step("mark")
                for event in events:
                    event.published_at = now()
                session.flush()
                step("commit")
        return bool(events)

    def _unpublished(self, session: Session) -> list[OutboxEvent]:
        query = select(OutboxEvent).where(OutboxEvent.published_at.is_(None))
        return list(session.scalars(query.order_by(OutboxEvent.position).limit(self._batch_size)))

    def _publish(self, events: list[OutboxEvent]) -> None:
        """Return when the broker has all of them; raise if it may lack one."""
        refused: list[object] = []

        def told(error: KafkaError | None, _message: Message) -> None:
            if error:
                refused.append(error)

        for row in events:
            step("produce")
            self._producer.produce(self._topic, **envelope(row).message(), on_delivery=told)
        step("flush")
        if self._producer.flush(kafka.WITHIN_S) or refused:
            raise KafkaException(refused[0] if refused else "the broker did not acknowledge in time")

    def close(self) -> None:
        self._database.engine.dispose()


def envelope(row: OutboxEvent) -> Event:
    """The event of a row of the outbox."""
    return Event(
        id=row.id,
        type=row.type,
        key=row.order_id,
        sequence=row.sequence,
        occurred_at=row.occurred_at,
        schema_version=row.schema_version,
        data=row.data,
    )
