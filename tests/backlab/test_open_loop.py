"""`backlab.open_loop`: rows as `measure()` makes them, a verdict on the generator, a plot that shows it."""

from __future__ import annotations

import pandas as pd
import pytest

from backlab import measure, open_loop, plot
from backlab.measure import COLUMNS
from services.errors import BacklabError
from tests.chaos import scripted
from tests.chaos.scripted import Scripted


def test_rows_are_those_of_measure_with_intended_and_actual_start() -> None:
    """One row per request and arm; latency counts from the intended start; refusals carry their status."""
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    with Scripted(lambda n: [scripted.OK]) as left, Scripted(lambda n: [busy]) as right:
        urls = {"left": left.url, "right": right.url + "orders?limit=5"}
        seen = open_loop(urls, rate=50, seconds=1, arrivals="constant", fault="none")
    rows = seen.rows
    assert [*rows.columns[:7]] == COLUMNS
    assert rows.groupby("arm").outcome.unique().to_dict() == {"left": ["ok"], "right": ["failed"]}
    assert len(rows) == 100
    assert set(rows.op) == {"GET /", "GET /orders?limit=5"}
    assert (rows.level == 50).all()
    assert (rows.actual_s >= rows.intended_s).all()
    assert (rows.latency_ms / 1e3 >= rows.actual_s - rows.intended_s).all()
    assert rows.status.groupby(rows.arm).unique().to_dict() == {"left": [200], "right": [503]}
    assert seen.summary().loc["right", "failed"] == 50
    assert {"cpu_share", "slip_ms", "waiting"} <= {*seen.generator.columns}
    assert set(measure({"a": lambda level: None}, repeat=1).columns) <= {*rows.columns}


def test_a_trace_and_a_body_reach_the_server() -> None:
    """As many requests as the trace has times; the plot of so short a run is drawn."""
    with Scripted(lambda n: [scripted.OK]) as server:
        seen = open_loop(server.url, arrivals=[0.0, 0.01, 0.2], method="POST", headers={"X-A": "b"})
    assert seen.rows.t_s.tolist() == [0.0, 0.01, 0.2]
    assert seen.rows.op.tolist() == ["POST /"] * 3
    assert seen.plot().png().startswith(b"\x89PNG")


def test_what_proves_nothing_is_hatched_and_stamped() -> None:
    """A generator asked for too much says so in its repr, in the picture and in the alternative text."""
    with Scripted(lambda n: [scripted.OK]) as server:
        seen = open_loop(server.url, rate=500_000, seconds=0.3, timeout_s=0.5, connections=2)
    assert not seen.conclusive
    assert repr(seen).startswith("INCONCLUSIVE: ")
    card = seen.plot()
    assert {ax.patch.get_hatch() for ax in card.axes} == {"///"}
    assert "INCONCLUSIVE" in [text.get_text() for text in card.ax.texts]
    assert "INCONCLUSIVE: " in card.alt
    assert len(card.png()) < 40_000


def test_what_was_watched_lies_below_on_the_same_clock() -> None:
    """A watch that began a second earlier is moved by it; each gauge has a panel, each server a line."""
    rows = pd.DataFrame({"t_s": [0.0, 1.0, 2.0], "arm": "load", "latency_ms": 5.0, "outcome": "failed"})
    rows.attrs["began_unix_s"] = 101.0
    watched = pd.DataFrame(
        {"t_s": [0.5, 1.5, 2.5], "server": "db", "cpu_share": [0.9, 0.1, 0.2], "in_flight": 1.0}
    )
    watched.attrs["began_unix_s"] = 100.0
    card = plot.load(rows, title="All refused", watched=watched, gauges=["cpu_share", "in_flight"])
    assert len(card.axes) == 4
    assert card.axes[2].lines[0].get_xdata().tolist() == [0.5, 1.5]
    assert card.axes[2].lines[0].get_ydata().tolist() == [0.1, 0.2]
    assert card.png().startswith(b"\x89PNG")


def test_what_is_conclusive_is_not_hatched() -> None:
    """Failures are drawn as failures, users as steps."""
    rows = pd.DataFrame({"t_s": [0.0, 0.5, 1.0, 1.5], "arm": "load", "latency_ms": [1.0, 2.0, 3.0, 4.0]})
    rows["outcome"] = ["ok", "failed", "ok", "ok"]
    card = plot.load(rows, title="All well", users=pd.DataFrame({"t_s": [0.0, 1.0], "users": [1, 5]}))
    assert {ax.patch.get_hatch() for ax in card.axes} == {None}
    assert {"failed", "ok", "5 users"} <= {text.get_text() for text in card.axes[1].texts}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://192.0.2.1/", "is not this machine; load goes to 127.0.0.1 only"),
        ("http://127.0.0.1:9/", r"nothing can be sent to 127.0.0.1:9 \(Connection refused\)"),
    ],
)
def test_strangers_and_silence_are_refused_in_one_sentence(url: str, said: str) -> None:
    """The generator's own sentence reaches the cell."""
    with pytest.raises(BacklabError, match=said):
        open_loop(url, seconds=1)
