"""An event store in three tables and a head for each stream: append, load, snapshot, checkpoint (lab 5.3).

append(stream, expected version) ──▶ stream_heads: locked, version as expected? ──▶ stored_events: + events
load(stream)                     ──▶ the newest snapshot ──▶ the events after it
a projection                     ──▶ its checkpoint      ──▶ events beyond that position

Each event's hash covers its content and the hash before it, and the head keeps the last one, so that whoever
changes a row behind our back breaks a chain: `event_audit.verify` finds where. Who appends to a stream waits
for others who do, but not for those of other streams. Positions are drawn before the commit, so they are no
order of commits: a projection that asks for "position > last" misses events, which is what the lab shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Identity,
    Text,
    UniqueConstraint,
    cast,
    create_engine,
    extract,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from services.shop.records import now

START = "0" * 64  # the hash before the first event of a stream
HASHED = ("stream", "version", "type", "data", "actor")  # and the time


class Base(DeclarativeBase):
    """The event store's own tables; nothing else in the shop refers to them."""

    type_annotation_map = {str: Text, datetime: DateTime(timezone=True), dict[str, Any]: JSONB}  # noqa: RUF012 - SQLAlchemy reads it as a plain class attribute


class StoredEvent(Base):
    """Something that happened; a row is never changed and never deleted. `actor` is who did it."""

    __tablename__ = "stored_events"

    position: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    stream: Mapped[str]
    version: Mapped[int]
    type: Mapped[str]
    data: Mapped[dict[str, Any]]
    actor: Mapped[str]
    at: Mapped[datetime]
    hash: Mapped[str]

    __table_args__ = (UniqueConstraint("stream", "version"),)


class StreamHead(Base):
    """How far a stream has come: its last version, and that event's hash."""

    __tablename__ = "stream_heads"

    stream: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    hash: Mapped[str]


class Snapshot(Base):
    """A stream's state at a version; it may be deleted at any time, because the events know it all."""

    __tablename__ = "snapshots"

    stream: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[dict[str, Any]]


class Checkpoint(Base):
    """The last position that a projection has dealt with, written in the transaction of its effect."""

    __tablename__ = "checkpoints"

    projection: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


class Conflict(Exception):
    """Somebody else has appended since; load again, decide again, append again."""

    def __init__(self, stream: str, expected: int, found: int) -> None:
        super().__init__(f"{stream} has version {found}, not {expected}")
        self.stream, self.expected, self.found = stream, expected, found


@dataclass(frozen=True)
class NewEvent:
    """An event that has not been appended yet."""

    type: str
    data: dict[str, Any] = field(default_factory=dict)
    actor: str = "shop"


@dataclass(frozen=True)
class History:
    """What a stream's state is computed from: a snapshot (empty at version 0), and what came after it."""

    state: dict[str, Any]
    version: int
    events: list[StoredEvent]


def create(url: str) -> None:
    """Make the tables that the SQLAlchemy `url` lacks; safe to repeat, also by several at once."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('shop.event_store'))"))
        Base.metadata.create_all(connection)
    engine.dispose()


def append(session: Session, stream: str, expected_version: int, events: list[NewEvent]) -> int:
    """Append to a stream that has the expected version (0: it is new); its version afterwards.

    Raises `Conflict` where it has another. All or nothing, since it is the caller's transaction.
    """
    new = insert(StreamHead).values(stream=stream, version=0, hash=START)
    session.execute(new.on_conflict_do_nothing())
    head = session.get_one(StreamHead, stream, with_for_update=True, populate_existing=True)
    if head.version != expected_version:
        raise Conflict(stream, expected_version, head.version)
    for event in events:
        row = {"stream": stream, "version": head.version + 1, **vars(event), "at": now()}
        chained = hash_of(head.hash, {name: _typed(name, value) for name, value in row.items()})
        written = insert(StoredEvent).values(**row, hash=chained).returning(StoredEvent.hash)
        head.version, head.hash = head.version + 1, session.scalars(written).one()
    session.flush()
    return head.version


def load(session: Session, stream: str) -> History:
    """At most one snapshot, the newest, and the events after it in order."""
    newest = select(Snapshot).where(Snapshot.stream == stream).order_by(Snapshot.version.desc()).limit(1)
    kept = session.scalar(newest)
    state, version = (kept.state, kept.version) if kept else ({}, 0)
    after = select(StoredEvent).where(StoredEvent.stream == stream, StoredEvent.version > version)
    return History(state, version, list(session.scalars(after.order_by(StoredEvent.version))))


def keep_snapshot(session: Session, stream: str, version: int, state: dict[str, Any]) -> None:
    """Keep the state at a version; again, it is kept once."""
    row = insert(Snapshot).values(stream=stream, version=version, state=state)
    session.execute(row.on_conflict_do_nothing())


def checkpoint(session: Session, projection: str) -> int:
    """The last position that a projection has dealt with; 0 for a new one."""
    found = session.get(Checkpoint, projection)
    return found.position if found else 0


def advance(session: Session, projection: str, position: int) -> None:
    """Move a projection's checkpoint; belongs into the transaction that writes its view."""
    row = insert(Checkpoint).values(projection=projection, position=position)
    key = [Checkpoint.projection]
    session.execute(row.on_conflict_do_update(index_elements=key, set_={"position": position}))


def hash_of(previous: Any, row: Mapping[str, Any]) -> ColumnElement[str]:
    """An event's hash as an SQL expression: of the hash before it and each of its fields.

    PostgreSQL computes it from its own form of JSON, which is the same for equal values, however spelled.
    """
    fields = (row[name] for name in HASHED)
    content = func.jsonb_build_array(cast(previous, Text), *fields, extract("epoch", row["at"]))
    return func.encode(func.sha256(func.convert_to(cast(content, Text), "UTF8")), "hex")


def _typed(name: str, value: Any) -> ColumnElement[Any]:
    """A value as the column's type, so that it is hashed as it will be stored."""
    kind = StoredEvent.__table__.c[name].type
    return cast(literal(value, kind), kind)
