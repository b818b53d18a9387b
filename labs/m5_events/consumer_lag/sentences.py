"""What the runs say in a sentence or a small table: titles that depend on what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from backlab.plot import Card, bars
from datasets.lag import recording
from labs.m5_events.consumer_lag.members import Crew
from labs.m5_events.consumer_lag.rebalance import STEP_S, nobody_s
from labs.m5_events.consumer_lag.rules import RULES, Series, right, series, table

BY_EYE = "quiet and dead"


def by_eye(samples: int = 6) -> pd.DataFrame:
    """One partition of a recorded group, every third sample: where the log ends, where the group stands."""
    kept = recording("six")
    rows = pd.DataFrame(kept.rows(BY_EYE))
    mine = rows[rows.partition == 0].iloc[10::4].head(samples)
    return mine[["t_s", "position", "end"]].assign(lag=mine.end - mine.position).set_index("t_s")


def rebalancing(crews: Mapping[str, Crew], step_s: float = STEP_S) -> str:
    """Who was interrupted least, and who most."""
    total = pd.Series({protocol: nobody_s(crew, step_s) for protocol, crew in crews.items()})
    return (
        f"Coming and going leaves partitions alone for {total.min():.1f} s in sum under {total.idxmin()}"
        f" and for {total.max():.1f} s under {total.idxmax()}"
    )


def beside_truth(time_lag: Callable[[list[dict[str, Any]]], Sequence[float | None]]) -> pd.DataFrame:
    """What a `time_lag` says of the recorded peculiar logs, beside the messages' own timestamps."""
    kept = recording("peculiar")
    rows = {}
    for group in kept.groups:
        last = kept.rows(group)[-1]
        told = time_lag(kept.rows(group))
        true = kept.true_ages_s(group, len(kept.groups[group]["samples"]) - 1)
        lag = None if last["position"] is None else last["end"] - last["position"]
        rows[group] = {"offsets": _said(lag, 0), "time_lag says": _said(told[0]), "truth": _said(true[0])}
    return pd.DataFrame.from_dict(rows, orient="index")


def shown(facts: Mapping[str, Any], name: str) -> pd.DataFrame:
    """A few facts as a table of one column."""
    return pd.DataFrame({name: pd.Series(dict(facts), dtype=object)})


def _said(value: float | None, digits: int = 1) -> str:
    return "unknown" if value is None else f"{value:.{digits}f}" + (" s" if digits else "")


def before_after(
    recorded: Mapping[str, Series],
    incidents: Mapping[str, float | None],
    alert: Callable[[Series], list[list[float]]],
) -> Card:
    """How many of the live groups, and of every recorded one, each rule and your `alert` judge rightly."""
    from datasets.lag import recordings

    score = dict.fromkeys([*RULES, "your alert"], 0)
    runs = [(recorded, incidents)] + [
        ({group: series(kept.rows(group)) for group in kept.groups},
         {group: kept.incident_from_s(group) for group in kept.groups})
        for kept in recordings() if kept.name != "peculiar"
    ]  # fmt: skip
    for groups, since in runs:
        for rule, verdicts in table(groups, since, {**RULES, "your alert": alert}).items():
            score[rule] += sum(right(said) for said in verdicts.values())
    of = sum(len(groups) for groups, _ in runs)
    return bars(
        score, of=of, highlight=["your alert"], x_label="groups judged rightly, of all runs",
        title=f"Your alert is right about {score['your alert']} of {of} groups, a high threshold"
              f" about {score['sum of lag > 100']}", height_in=2.2,
    )  # fmt: skip
