"""Medians with their uncertainty, so that a plot never shows a number without its spread."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

RESAMPLES = 1_000


def interval(
    rows: "pd.DataFrame",
    by: str | Sequence[str] = ("arm", "level"),
    value: str = "latency_ms",
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> "pd.DataFrame":
    """Median of `value` per group with a percentile bootstrap interval (Efron 1979; 1,000 resamples).

    Returns one row per group, arms in the experiment's order, levels rising: the `by` columns, `median`,
    `low`, `high` (in the unit of `value`), `n` (observations used) and `not_ok` (rows whose outcome was not
    "ok"; they have no trustworthy value and are counted instead). Same rows and seed, same result.
    """
    import numpy as np
    import pandas as pd

    names = [by] if isinstance(by, str) else list(by)
    rng = np.random.default_rng(seed)
    summary: list[dict[str, Any]] = []
    well = (rows["outcome"] == "ok").to_numpy() if "outcome" in rows else np.ones(len(rows), bool)
    observed, there = rows[value].to_numpy(), rows[value].notna().to_numpy()
    for key, members in _groups(rows, names):
        good = members[well[members]]
        values = observed[good[there[good]]].astype(float)
        low, high = bootstrap(values, rng, confidence)
        median = float(np.median(values)) if len(values) else float("nan")
        summary.append(
            dict(zip(names, key, strict=True))
            | {
                "median": median,
                "low": low,
                "high": high,
                "n": len(values),
                "not_ok": len(members) - len(good),
            }
        )
    return pd.DataFrame(summary, columns=[*names, "median", "low", "high", "n", "not_ok"])


def _groups(rows: "pd.DataFrame", names: Sequence[str]) -> "list[tuple[tuple[Any, ...], np.ndarray]]":
    """The groups in their order, each with its row numbers: to cut out tables instead takes much longer."""
    import pandas as pd

    places = [{value: place for place, value in enumerate(ordered(rows, name))} for name in names]
    by = [rows[name].to_numpy() for name in names]
    groups = [
        (key if isinstance(key, tuple) else (key,), members.to_numpy())
        for key, members in pd.Series(range(len(rows))).groupby(by, sort=False, dropna=False)
    ]
    groups.sort(key=lambda pair: [place.get(value, -1) for place, value in zip(places, pair[0], strict=True)])
    return groups


def ordered(rows: "pd.DataFrame", column: str) -> list[Any]:
    """A column's different values: arms as the experiment lists them, numbers rising, else as they come."""
    values = list(dict.fromkeys(rows[column]))
    listed = [arm for arm in rows.attrs.get("arms", ()) if arm in values] if column == "arm" else []
    if not listed and all(isinstance(value, int | float) for value in values):
        return sorted(values)
    return listed + [value for value in values if value not in listed]


def bootstrap(
    values: "np.ndarray", rng: "np.random.Generator", confidence: float = 0.95
) -> tuple[float, float]:
    """The interval (low, high) of the median of `values`; (nan, nan) when there are none."""
    import numpy as np

    if not len(values):
        return float("nan"), float("nan")
    medians = np.median(rng.choice(values, size=(RESAMPLES, len(values))), axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(medians, [tail, 1 - tail])
    return float(low), float(high)
