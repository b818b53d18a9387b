"""An experiment's figure and report, from rows of our own; and a live figure in a real kernel."""

from __future__ import annotations

import base64

import pandas as pd
import pytest

from backlab.stress import report
from backlab.stress.outcome import Outcome
from tests import house, kernels


def found(recovers_at_s: float | None = 4.5, deviated: tuple[str, ...] = (), touched: bool = True) -> Outcome:
    """Calls every 0.1 s for 8 s; the fault is on from 2 to 4 s and makes them fail until they recover."""
    bad_until_s = 99.0 if recovers_at_s is None else recovers_at_s
    rows = pd.DataFrame(
        [
            {"t_s": i / 10, "arm": "page", "latency_ms": 5.0 + i % 3, "slip_ms": 0.0,
             "outcome": "failed" if 2 <= i / 10 < bad_until_s else "ok"}
            for i in range(80)
        ]
    )  # fmt: skip
    receipts = pd.DataFrame(
        [{"fault": "redis killed", "where": "redis", "touched": touched, "count": 7, "of": "bytes"}]
    )
    probe = {"activity": {"name": "answered"}, "output": 1.0, "tolerance_met": True}
    journal = {
        "experiment": {"title": "It stands", "description": "A fault."},
        "steady_states": {"before": {"steady_state_met": True, "probes": [probe]}},
        "run": [{"activity": {"name": "the-cache-dies"}, "status": "succeeded"}],
        "rollbacks": [],
    }
    faults = [(2.0, 4.0, "redis killed")]
    return Outcome(
        "It stands", "completed", list(deviated), rows, faults, receipts, journal, {"before": (0, 2)}
    )


@pytest.mark.parametrize(("at_s", "recovery_s"), [(4.0, 0.0), (4.5, 0.5), (6.2, 2.2), (None, None)])
def test_recovery_is_counted_from_the_end_of_the_fault_to_the_first_calm_call(at_s, recovery_s):
    """Five calls in a row that end well; None where they never come."""
    assert found(at_s).recovery_s("page") == (None if recovery_s is None else pytest.approx(recovery_s))


def test_the_title_of_the_figure_carries_verdict_and_recovery():
    """Also where it deviated, did not recover, or proves nothing."""
    assert report.headline(found()) == "It stands: held; recovered 0.5 s after the fault"
    assert report.headline(found(None, ("answered",))) == (
        "It stands: deviated (answered); page had not recovered when the record ended"
    )
    assert report.headline(found(touched=False)) == (
        "It stands: INCONCLUSIVE (the fault touched nothing (redis killed))"
    )


def test_the_report_holds_every_part_and_an_alternative_text(tmp_path):
    """Beside it lie the figure, within the house's limit, and the journal."""
    path = report.write(found(), tmp_path)
    text = path.read_text()
    for part in (
        "# It stands",
        "**held**",
        "## Hypothesis",
        "## Method",
        "## Faults",
        "## Recovery",
        "## Rollbacks",
    ):
        assert part in text
    assert "| redis killed | redis | 7 bytes |" in text
    assert "| answered | 1 (met) |  |" in text
    assert "![Timeline. It stands: held; recovered 0.5 s after the fault. page: median" in text
    assert (tmp_path / "journal.json").exists()
    assert (tmp_path / "figure.png").stat().st_size < 40_000


def test_a_live_experiment_redraws_one_figure_and_ends_with_the_final_one(monkeypatch):
    """In a real kernel: one display, many pictures of it, the last with the verdict in its title."""
    monkeypatch.setenv("BACKLAB_BACKEND", "native")
    pictures = []

    def see(message):
        content = message["content"]
        if "image/png" in content.get("data", {}):
            meta = content["metadata"]["image/png"]
            pictures.append((content["transient"]["display_id"], meta["title"], content["data"]["image/png"]))

    with kernels.kernel(cwd=str(house.ROOT)) as (_, client):
        code = "import backlab\nbacklab.experiment('stock_table_locked', live=True)"
        reply = client.execute_interactive(code, timeout=120, output_hook=see)
    assert reply["content"]["status"] == "ok", reply
    assert len(pictures) > 2
    assert len({display for display, _, _ in pictures}) == 1
    assert "calls so far" in pictures[0][1]
    assert "Stock can be read although somebody holds its table: held" in pictures[-1][1]
    assert base64.b64decode(pictures[-1][2]).startswith(b"\x89PNG")
