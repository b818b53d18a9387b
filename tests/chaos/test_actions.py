"""Actions and probes on real servers, as an experiment calls them, on both back ends."""

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from chaos import actions, probes, theatre
from chaos.stage import Plan
from chaos.theatre import Performance
from services import ready
from services.errors import BacklabError
from tests.chaos.conftest import last

CHAOS = Path(sys.executable).parent / "chaos"


def test_a_killed_server_is_down_until_it_is_started_again(performance):
    """Its receipt tells what clients sent meanwhile; its port stays."""
    url = performance.stage.address("redis")
    actions.kill_server("redis")
    assert not probes.server_running("redis")
    with redis.Redis.from_url(url, retry=None) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    actions.start_server("redis")
    assert probes.server_running("redis")
    with redis.Redis.from_url(url, retry=None) as client:
        assert client.ping()
    assert performance.windows[-1].touched


def test_a_paused_server_answers_nobody_until_it_is_resumed(performance):
    """It runs and keeps its connections."""
    url = performance.stage.address("redis")
    with redis.Redis.from_url(url, socket_timeout=0.2, retry=None) as client:
        client.ping()
        actions.pause_server("redis")
        assert probes.server_running("redis")
        with pytest.raises(redis.TimeoutError):
            client.ping()
        actions.resume_server("redis")
        assert client.ping()
    assert performance.windows[-1].touched


def test_a_pause_that_nobody_felt_touched_nothing(backend):
    """Without load on the wire the verdict will be INCONCLUSIVE."""
    with Performance(Plan.of({"servers": ["redis"], "wires": ["redis"]})) as silent:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(theatre, "_current", silent)
            actions.pause_server("redis")
            actions.lift_faults()
        assert not silent.windows[-1].touched


def test_a_restarted_server_loses_its_connections_and_keeps_its_data(performance):
    """As after an update."""
    before = probes.sql_value("SELECT count(*) FROM products")
    with psycopg.connect(performance.stage.address("postgres")) as connection:
        actions.restart_server("postgres")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert probes.sql_value("SELECT count(*) FROM products") == before
    assert last(performance).touched


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("add_fault", {"wire": "redis", "kind": "slicer", "attributes": {"average_size": 10}}),
        ("add_latency", {"latency_ms": "2"}),
        ("limit_bandwidth", {"rate_kb_s": 500}),
        ("reset_connections", {"wire": "redis"}),
        ("swallow_answer", {"wire": "redis", "nth": 2}),
        ("cut", {"wire": "redis"}),
    ],
)
def test_each_fault_of_the_wire_leaves_a_receipt(performance, action, arguments):
    """On a wire with traffic all of them touch something."""
    getattr(actions, action)(**arguments)
    window = performance.windows[-1]
    assert ready.true(lambda: any(fault.receipt().touched for fault in window.open.values()))
    assert actions.lift_faults() == len(window.receipts) > 0
    assert window.touched


@pytest.mark.parametrize(
    ("wire", "kind", "message"),
    [
        ("redis", "latencyy", "invalid toxic type"),
        ("rediss", "latency", "did you mean 'redis'"),
        ("kafka", "latency", "only postgres, redis"),
    ],
)
def test_a_fault_or_wire_that_does_not_exist_is_one_sentence(performance, wire, kind, message):
    """And no fault is left on."""
    with pytest.raises(BacklabError, match=message):
        actions.add_fault(wire, kind)
    assert not performance.windows or not performance.windows[-1].open


def test_probes_tell_queue_lengths_statements_and_answers(performance):
    """Of Redis' kinds of queue; an unknown one is empty, a wrong one is told."""
    with redis.Redis.from_url(performance.stage.address("redis")) as client:
        client.rpush("jobs", 1, 2, 3)
        client.xadd("events", {"a": 1})
        client.set("plain", 1)
    assert [probes.queue_length(name) for name in ("jobs", "events", "nothing")] == [3, 1, 0]
    with pytest.raises(BacklabError, match="no queue"):
        probes.queue_length("plain")
    before = probes.statements("redis")
    assert ready.true(lambda: probes.statements("redis") > before)
    with pytest.raises(BacklabError, match="gave no answer"):
        probes.http_status("http://127.0.0.1:9/")
    with pytest.raises(BacklabError, match="no arm 'nobody'"):
        probes.success_rate("nobody", 1)


def test_chaos_discover_lists_every_activity_with_its_arguments(tmp_path):
    """The real command; types are named, and each has a sentence."""
    argv = [CHAOS, "discover", "--no-install", "backlab", "--discovery-path", "found.json"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())["activities"]
    names = {kind: sorted(a["name"] for a in found if a["type"] == kind) for kind in ("action", "probe")}
    assert names == {"action": sorted(actions.__all__), "probe": sorted(probes.__all__)}
    assert all(
        activity["doc"].split("\n")[0].endswith((".", ":", ",")) or activity["doc"] for activity in found
    )
    assert all(argument["type"] != "object" for activity in found for argument in activity["arguments"])
    [latency] = [activity for activity in found if activity["name"] == "add_latency"]
    assert latency["arguments"] == [
        {"name": "latency_ms", "type": "number"},
        {"name": "wire", "type": "string", "default": "all"},
    ]
