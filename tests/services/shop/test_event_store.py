"""The event store: no version written twice, snapshots that save reading, a chain that shows any change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.postgres import Postgres
from services.shop import event_store
from services.shop.event_audit import Tampered, verify
from services.shop.event_store import Conflict, NewEvent, StoredEvent, StreamHead
from services.urls import sqlalchemy_url
from tests.services.shop.asking import at_once

COPIED = (
    "INSERT INTO stored_events (stream, version, type, data, actor, at, hash) "
    "SELECT stream, {version}, type, data, actor, at, hash FROM stored_events"
)
CONTENT = {"pieces": 3, "price": 1.50, "who": 'Zoë "Z" | 1', "nested": {"b": [1, None, True], "a": 1e20}}


@pytest.fixture(scope="module")
def engine(database_server: Postgres) -> Iterator[Engine]:
    """A database with the tables, made twice, as two starts would."""
    url = sqlalchemy_url(database_server.database())
    for _ in range(2):
        event_store.create(url)
    made = create_engine(url, pool_size=8)
    yield made
    made.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A transaction on empty tables that is rolled back."""
    with Session(engine) as made:
        yield made
        made.rollback()


def sold(many: int) -> list[NewEvent]:
    """Events with content that JSON can spell in several ways."""
    return [NewEvent("stock.reserved", CONTENT | {"number": number}, "tester") for number in range(many)]


def test_of_eight_who_saw_the_same_version_one_appends(engine):
    """Seven conflicts; one event more, and a version that counts without a gap."""

    def one() -> tuple[int, int] | None:
        with Session(engine) as session, session.begin():
            try:
                event_store.append(session, "at once", 0, sold(2))
            except Conflict as conflict:
                return conflict.expected, conflict.found
            return None

    assert Counter(at_once([one] * 8)) == {(0, 2): 7, None: 1}
    with Session(engine) as session, session.begin():
        assert [e.version for e in event_store.load(session, "at once").events] == [1, 2]
        session.execute(text("TRUNCATE stored_events, stream_heads"))


def test_an_aborted_append_leaves_nothing(engine):
    """Neither events nor a head, and the next one begins at version 0."""
    with Session(engine) as session:
        event_store.append(session, "aborted", 0, sold(3))
        session.rollback()
        assert session.scalar(select(func.count()).select_from(StoredEvent)) == 0
        assert session.scalar(select(func.count()).select_from(StreamHead)) == 0
        assert event_store.append(session, "aborted", 0, sold(1)) == 1
        session.rollback()


def test_the_table_itself_refuses_a_version_twice(session):
    """Also from whoever writes without `append`."""
    event_store.append(session, "twice", 0, sold(1))
    with pytest.raises(IntegrityError):
        session.execute(text(COPIED.format(version="version")))


def test_loading_reads_the_newest_snapshot_and_what_came_after(session):
    """Of 25 events and two snapshots: one state, five events."""
    event_store.append(session, "long", 0, sold(25))
    for version in (10, 20, 20):
        event_store.keep_snapshot(session, "long", version, {"pieces": version})
    history = event_store.load(session, "long")
    assert (history.version, history.state) == (20, {"pieces": 20})
    assert [event.version for event in history.events] == [21, 22, 23, 24, 25]
    assert history.events[-1].data == CONTENT | {"number": 24}
    unknown = event_store.load(session, "unknown")
    assert (unknown.version, unknown.state, unknown.events) == (0, {}, [])


def test_a_checkpoint_moves_with_the_transaction(engine):
    """Rolled back, it stands where it stood."""
    with Session(engine) as session:
        assert event_store.checkpoint(session, "views") == 0
        for position in (4, 9):
            event_store.advance(session, "views", position)
        session.commit()
        event_store.advance(session, "views", 11)
        session.rollback()
        assert event_store.checkpoint(session, "views") == 9


TAMPERINGS = {
    "content": ("UPDATE stored_events SET data = data - 'pieces' WHERE stream = 'b' AND version = 3", 3),
    "actor": ("UPDATE stored_events SET actor = 'nobody' WHERE stream = 'b' AND version = 1", 1),
    "time": ("UPDATE stored_events SET at = at + interval '1 us' WHERE stream = 'b' AND version = 5", 5),
    "deleted": ("DELETE FROM stored_events WHERE stream = 'b' AND version = 3", 4),
    "first deleted": ("DELETE FROM stored_events WHERE stream = 'b' AND version = 1", 2),
    "last deleted": ("DELETE FROM stored_events WHERE stream = 'b' AND version = 5", 5),
    "all deleted": ("DELETE FROM stored_events WHERE stream = 'b'", 5),
    "added": (
        COPIED.format(version="6") + " WHERE stream = 'b' AND version = 5",
        6,
    ),
    "swapped": (
        "UPDATE stored_events e SET data = o.data FROM stored_events o WHERE e.stream = 'b' "
        "AND o.stream = 'b' AND e.version IN (2, 4) AND o.version = 6 - e.version",
        2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERINGS)
def test_the_first_altered_event_is_found(session, how):
    """Two streams of five events, appended in turn; the other one's chain holds."""
    for version in range(5):
        for stream in "ab":
            event_store.append(session, stream, version, sold(version + 1)[-1:])
    assert verify(session) is None
    statement, version = TAMPERINGS[how]
    session.execute(text(statement))
    found = verify(session)
    assert isinstance(found, Tampered)
    assert (found.stream, found.version) == ("b", version)


def test_the_clocks_zone_and_the_spelling_of_json_do_not_matter(session):
    """A hash is of values: another session of another zone computes the same."""
    event_store.append(session, "zone", 0, sold(2))
    session.execute(text("SET LOCAL timezone = 'Asia/Kathmandu'"))
    session.execute(text("UPDATE stored_events SET data = (data::text)::jsonb"))
    assert verify(session) is None
