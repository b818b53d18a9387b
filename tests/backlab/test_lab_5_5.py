"""Lab 5.5's judges: the reference passes for many seeds, since a grader chooses others."""

from __future__ import annotations

import pytest

from backlab import course
from backlab.authoring.source import read
from backlab.check import Verdict
from labs.m5_events import consumer_lag as lab
from tests.conftest import needs_natively


@pytest.fixture(scope="module")
def repairs() -> dict[str, object]:
    """What the reference repairs define."""
    import math

    names: dict[str, object] = {"lab": lab, "math": math}
    for source in read(course.lab("5.5")).solutions.values():
        exec(source, names)
    return names


@pytest.mark.parametrize("seed", range(10))
def test_the_reference_passes_whatever_the_seed(repairs, seed: int) -> None:
    """Moments, plans and series come from it."""
    verdict = Verdict("5.5", "all of it")
    lab.judges.time_lags(verdict, repairs["time_lag"], seed)
    lab.judges.alerts(verdict, repairs["alert"], seed)
    lab.judges.capacities(verdict, repairs["seconds_to_drain"], repairs["consumers_needed"], seed)
    needs_natively("prometheus")
    lab.judges.rules_under_promtool(verdict, repairs["rules"](), seed)
    assert verdict.line.startswith("PASS"), verdict.line


def test_the_simulation_of_capacity_knows_the_drain_law() -> None:
    """Sixty seconds and not twelve; two of three partitions decide; and for ever is no number."""
    assert lab.drained_s(600, 40, 50, 1, 3) == pytest.approx(60)
    assert lab.drained_s(200, 60, 100, 2, 3) == pytest.approx(400 / 3 / 60)
    assert lab.drained_s(200, 60, 100, 6, 3) == lab.drained_s(200, 60, 100, 3, 3)
    assert lab.drained_s(600, 60, 50, 1, 3) is None


def test_wrong_rules_are_told_by_alert_and_group() -> None:
    """And not in promtool's own words, which nobody can read in one line."""
    needs_natively("prometheus")
    rules = """
groups:
  - name: consumers
    rules:
      - alert: ConsumerBehind
        expr: max by (group) (shop_consumer_lag_offsets) > 20
"""
    verdict = Verdict("5.5.e", "rules")
    lab.judges.rules_under_promtool(verdict, rules, 42)
    assert "ConsumerBehind does not fire for quiet-and-dead and fires for burst" in verdict.line
    assert "LagUnknown does not fire" in verdict.line
