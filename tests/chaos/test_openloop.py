"""The open-loop generator against real sockets: every request is due, sent and ended, and says how."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.openloop import verdict
from chaos.openloop.connection import Connection
from chaos.openloop.journal import FAILED, OK, UNKNOWN
from chaos.openloop.run import Run
from chaos.openloop.target import target
from tests.chaos import scripted
from tests.chaos.scripted import Hangup, Scripted


def sent(servers: Sequence[Scripted], due_s: np.ndarray, **options) -> Run:
    """A finished run against these servers."""
    run = Run([target(server.url, f"arm {n}") for n, server in enumerate(servers)], due_s, **options)
    uvloop.run(run.go())
    return run


def outcomes(run: Run) -> dict[int, int]:
    """How many requests ended in which way."""
    codes, counts = np.unique(run.journal.columns()["outcome"], return_counts=True)
    return dict(zip(codes.tolist(), counts.tolist(), strict=True))


def evenly(count: int, seconds: float) -> np.ndarray:
    """So many requests at a constant rate."""
    return np.arange(count) * seconds / count


def test_connections_are_kept_and_each_arm_gets_every_request() -> None:
    """Two arms under the same arrivals: 300 requests each, over four connections each."""
    with Scripted(lambda n: [scripted.OK]) as left, Scripted(lambda n: [scripted.OK]) as right:
        run = sent([left, right], evenly(300, 0.5), connections=4)
    assert (left.requests, right.requests) == (300, 300)
    assert (left.connections, right.connections) == (4, 4)
    assert outcomes(run) == {OK: 600}
    columns = run.journal.columns()
    assert (columns["due"] <= columns["released"]).all()
    assert (columns["released"] <= columns["sent"]).all()
    assert (columns["sent"] <= columns["ended"]).all()


@pytest.mark.parametrize("answer", [scripted.OK, scripted.CHUNKED])
def test_answers_that_come_byte_by_byte_are_whole_in_the_end(answer: bytes) -> None:
    """One send per byte; the connection serves the next request after the last byte only."""
    with Scripted(lambda n: [answer[i : i + 1] for i in range(len(answer))]) as server:
        assert outcomes(sent([server], evenly(20, 0.1), connections=1)) == {OK: 20}
        assert server.connections == 1


@pytest.mark.parametrize("answer", [scripted.CLOSING, scripted.UNTIL_CLOSE])
def test_a_server_that_closes_after_each_answer_is_connected_anew(answer: bytes) -> None:
    """Every request is answered, and each needs a connection of its own."""

    def closing(number: int) -> Iterator[bytes]:
        yield answer
        raise Hangup

    with Scripted(closing) as server:
        assert outcomes(sent([server], evenly(40, 0.2), connections=3)) == {OK: 40}
        assert server.connections >= 40


def test_a_stall_shows_in_every_request_that_was_due_in_it() -> None:
    """No coordinated omission: one request is on the wire meanwhile, and all due then say so."""
    stall_s = 1.0

    def stalling(number: int) -> list[bytes]:
        if number == 50:
            time.sleep(stall_s)
        return [scripted.OK]

    with Scripted(stalling) as server:
        columns = sent([server], evenly(200, 2.0), connections=1).journal.columns()
    from_intended, from_sent = columns["ended"] - columns["due"], columns["ended"] - columns["sent"]
    assert (from_sent > stall_s / 4).sum() == 1
    assert (from_intended > stall_s / 4).sum() >= 70
    assert (np.diff(from_intended[51:100]) < 0).mean() > 0.8


def test_a_server_that_dies_leaves_no_request_without_an_end() -> None:
    """Those on the way and those to come fail at once; nobody waits for a time-out."""
    with Scripted(lambda n: [scripted.OK]) as server:
        threading.Timer(0.3, server.die).start()
        run = sent([server], evenly(300, 0.6), connections=8, timeout_s=30)
    ended = outcomes(run)
    assert ended[OK] + ended[FAILED] == 300
    assert min(ended.values()) > 50
    assert float(run.journal.columns()["ended"].max()) < 10
    assert any("cannot connect (Connection refused)" in why for why in run.journal.reasons)


def test_an_answer_cut_in_the_middle_is_a_failure() -> None:
    """Half of a body is no answer, and says so."""

    def half(number: int) -> Iterator[bytes]:
        yield scripted.OK[:-1]
        raise Hangup

    with Scripted(half) as server:
        run = sent([server], evenly(10, 0.1), connections=2)
    assert outcomes(run) == {FAILED: 10}
    assert "ended before the answer" in run.journal.reasons[1]


def test_silence_is_unknown_where_it_was_sent_and_failed_where_it_was_not() -> None:
    """Two connections take one request each; the other eight were never sent, so nothing came of them."""
    with Scripted(lambda n: []) as server:
        run = sent([server], evenly(10, 0.1), connections=2, timeout_s=0.5)
    ended = run.journal.columns()
    assert (ended["outcome"] == UNKNOWN).sum() == server.requests
    assert (ended["outcome"] == FAILED).sum() == 10 - server.requests
    assert np.isnan(ended["sent"][ended["outcome"] == FAILED]).all()


def test_refusals_are_failures_with_their_status() -> None:
    """503 is an answer, but not a good one; a connection that heard it goes on."""
    busy = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    with Scripted(lambda n: [busy if n % 2 else scripted.OK]) as server:
        run = sent([server], evenly(40, 0.2), connections=1)
        assert server.connections == 1
    assert outcomes(run) == {OK: 20, FAILED: 20}
    assert set(run.journal.columns()["status"].tolist()) == {200, 503}


class Heard:
    """A pool that only listens: which statuses a connection has read, and what it gave up."""

    def __init__(self, url: str = "http://127.0.0.1:1/") -> None:
        self.target, self.request = target(url), b""
        self.heard: list[int | str] = []

    def answered(self, connection: Connection, number: int, status: int) -> None:
        self.heard.append(status)

    def gave_up(self, connection: Connection, number: int, why: str, outcome: str) -> None:
        self.heard.append(why)


class Nowhere:
    """A transport that leads nowhere."""

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


def read(answers: Sequence[bytes], cuts: set[int]) -> list[int | str]:
    """What a connection makes of answers whose bytes are cut at these places."""
    pool = Heard()
    connection = Connection(pool)  # type: ignore[arg-type]
    connection.connection_made(Nowhere())  # type: ignore[arg-type]
    for number, answer in enumerate(answers):
        places = sorted({0, len(answer), *(cut % len(answer) for cut in cuts)})
        connection.send(number)
        for start, end in itertools.pairwise(places):
            connection.data_received(answer[start:end])
    return pool.heard


BODIES = st.binary(max_size=40)
LENGTHS = BODIES.map(lambda body: b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
CHUNKS = st.lists(st.binary(min_size=1, max_size=20), max_size=4).map(
    lambda parts: (
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
        + b"".join(b"%x;x=y\r\n%b\r\n" % (len(part), part) for part in parts)
        + b"0\r\nTrailer: t\r\n\r\n"
    )
)
EMPTY = st.just(b"HTTP/1.1 103 Early Hints\r\nLink: l\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")


@given(st.lists(st.one_of(LENGTHS, CHUNKS, EMPTY), min_size=1, max_size=6), st.sets(st.integers(0, 400)))
@settings(deadline=None)
def test_however_answers_are_cut_each_is_read_once(answers: list[bytes], cuts: set[int]) -> None:
    """Split anywhere, by length, in chunks with trailers, empty after an early hint: one status each."""
    wanted = [next(s for s in (200, 201, 204) if b"HTTP/1.1 %d" % s in answer) for answer in answers]
    assert read(answers, cuts) == wanted


def test_more_than_one_answer_to_a_request_is_no_http() -> None:
    """Coalesced with the first or later on its own: the request fails, or the connection is dropped."""
    assert "not HTTP" in str(read([scripted.OK * 2], set())[0])


def test_the_verdict_names_processor_slip_and_what_was_not_sent() -> None:
    """Each limit by itself; a run within all of them has nothing against it."""
    calm = verdict.Sample(1.0, 0.5, 0.8, 100, 100, 1, 0)
    due = np.arange(100) / 100
    columns = {"due": due, "sent": due + 0.001, "ended": due + 0.01}
    assert verdict.reasons([calm], columns, 100) == []
    busy = verdict.Sample(1.0, 0.93, 0.8, 100, 100, 1, 0)
    assert "93% of a core" in verdict.reasons([calm, busy], columns, 100)[0]
    late = verdict.Sample(1.0, 0.5, 2.5, 100, 100, 1, 0)
    assert "2.5 ms behind its schedule" in verdict.reasons([calm, late], columns, 100)[0]
    assert verdict.reasons([late], columns, 10) == []  # a tenth of 100 ms is 10 ms
    unsent = columns | {"sent": np.where(due < 0.5, due, np.nan), "ended": np.where(due < 0.5, due, 9.0)}
    assert "asked for 100 requests/s it sent 50" in verdict.reasons([calm], unsent, 100)[0]
