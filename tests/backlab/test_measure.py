"""measure() loses nothing, is fair to its arms, and says what went wrong."""

import pytest

from backlab import interval, measure
from backlab.measure import COLUMNS, schedule
from services.errors import BacklabError


def test_every_call_is_a_row_with_the_seven_columns_and_the_counters():
    """Raw rows: arms x levels x repeats, the arm's counters behind the contract's columns."""
    rows = measure({"a": lambda n: {"steps": n}, "b": lambda n: {"steps": 1}}, levels=[1, 5], repeat=3)
    assert list(rows.columns) == [*COLUMNS, "steps"]
    assert len(rows) == 12
    assert rows.groupby(["arm", "level"]).size().tolist() == [3, 3, 3, 3]
    assert rows["t_s"].is_monotonic_increasing
    assert set(rows["outcome"]) == {"ok"}


def test_an_exception_becomes_a_row_and_a_timeout_is_unknown():
    """Nothing vanishes: a failed call is a failed row, a timeout may have happened."""

    def breaks(_):
        raise ValueError("no")

    def hangs(_):
        raise TimeoutError("no answer")

    rows = measure({"breaks": breaks, "hangs": hangs, "fine": lambda _: None}, repeat=2)
    outcomes = rows.groupby("arm")["outcome"].unique().map(list).to_dict()
    assert outcomes == {"breaks": ["failed"], "hangs": ["unknown"], "fine": ["ok"]}
    assert rows.loc[rows["arm"] == "breaks", "error"].iloc[0] == "ValueError: no"


def test_each_repeat_holds_every_arm_once_in_an_order_that_the_seed_decides():
    """Interleaved: a slow second falls on all arms; the same seed gives the same order."""
    calls = schedule(["a", "b", "c"], [1, 2], 4, seed=1)
    for start in range(0, 24, 6):
        assert sorted(calls[start : start + 6]) == [(a, n) for a in "abc" for n in (1, 2)]
    assert calls == schedule(["a", "b", "c"], [1, 2], 4, seed=1)
    assert calls != schedule(["a", "b", "c"], [1, 2], 4, seed=2)


def test_an_interrupt_keeps_what_was_measured(capsys):
    """Stopping a long experiment leaves a table to plot, and one line that says so."""
    calls = []

    def slow(_):
        calls.append(1)
        if len(calls) == 6:  # the first call is the warm-up
            raise KeyboardInterrupt

    rows = measure({"slow": slow}, repeat=10)
    assert len(rows) == 4
    assert rows.attrs["interrupted"]
    assert capsys.readouterr().out == "interrupted after 4 of 10 calls: the table holds what was measured\n"


def test_warm_up_calls_leave_no_rows():
    """Two warm-up calls per arm, then the measured ones."""
    seen = []
    rows = measure({"a": lambda n: seen.append(n)}, levels=[7], repeat=2, warmup=2)
    assert (len(seen), len(rows)) == (4, 2)


def test_a_fault_is_named_in_each_row():
    """The label may be a text or be asked for at each call."""
    labels = iter(["", "3 ms"])
    assert measure({"a": lambda _: None}, repeat=2, fault=lambda: next(labels))["fault"].tolist() == [
        "",
        "3 ms",
    ]
    assert set(measure({"a": lambda _: None}, fault="cut")["fault"]) == {"cut"}


@pytest.mark.parametrize(
    ("arms", "options", "said"),
    [
        ({}, {}, "nothing to do"),
        ({"a": 3}, {}, "no function"),
        ({"a": lambda _: None}, {"levels": []}, "0 levels"),
        ({"a": lambda _: 4}, {}, "not a mapping"),
        ({"a": lambda _: {"outcome": 1}}, {}, "a column that measure() fills"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(arms, options, said):
    """What cannot be measured is told before rows are wasted."""
    with pytest.raises(BacklabError, match=said.replace("(", r"\(").replace(")", r"\)")):
        measure(arms, **options)


def test_medians_come_in_the_order_of_the_experiment_with_their_interval():
    """Arms as listed, levels rising, low <= median <= high, failed rows counted apart."""

    def flaky(n):
        if n == 2:
            raise ValueError
        return {"steps": n}

    rows = measure({"z": lambda n: {"steps": n}, "a": flaky}, levels=[2, 1], repeat=5)
    summary = interval(rows, value="steps")
    assert list(zip(summary["arm"], summary["level"], strict=True)) == [
        ("z", 1),
        ("z", 2),
        ("a", 1),
        ("a", 2),
    ]
    assert summary["n"].tolist() == [5, 5, 5, 0]
    assert summary["not_ok"].tolist() == [0, 0, 0, 5]
    whole = summary[summary["n"] > 0]
    assert (whole["low"] <= whole["median"]).all()
    assert (whole["median"] <= whole["high"]).all()


def test_the_same_rows_give_the_same_interval():
    """The bootstrap is seeded."""
    rows = measure({"a": lambda _: None}, repeat=9)
    assert interval(rows).equals(interval(rows))


def test_the_interval_holds_the_true_median_about_as_often_as_it_says():
    """95 % intervals of 200 samples from a skewed distribution: at least 88 % hold the true median."""
    import numpy as np

    from backlab.stats import bootstrap

    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        low, high = bootstrap(rng.lognormal(0, 1, 25), rng)
        hits += low <= 1.0 <= high
    assert hits >= 176
