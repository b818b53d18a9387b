"""The judges of checks 5.5.a to 5.5.e: three look at recordings and arithmetic, two at servers."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backlab.check import Verdict
from datasets.lag import Recording, recordings
from labs.m5_events.consumer_lag import capacity, poison
from labs.m5_events.consumer_lag.rules import Series, series
from services.kafka_topics import Topics

TOLERANCE_S = 0.75  # samples are half a second apart
Runs = Sequence[Recording]
TimeLag = Callable[[list[dict[str, Any]]], Sequence[float | None]]
Alert = Callable[[Series], Sequence[Sequence[float]]]


def moments(recording: Recording, group: str, dice: random.Random) -> list[int]:
    """Which samples are asked about: the last, and two others where the log was only appended to."""
    count = len(recording.groups[group]["samples"])
    return [*sorted(dice.sample(range(8, count - 1), 2)), count - 1] if group != "compacted" else [count - 1]


def time_lags(verdict: Verdict, time_lag: TimeLag, seed: int, runs: Runs | None = None) -> None:
    """5.5.a: for every recorded partition, at moments drawn from the seed, the age is that of the message."""
    dice = random.Random(f"5.5.a {seed}")
    for recording in runs or recordings():
        for group in recording.groups:
            for sample in moments(recording, group, dice):
                if not _same_ages(verdict, time_lag, recording, group, sample):
                    return


def _same_ages(verdict: Verdict, time_lag: TimeLag, recording: Recording, group: str, sample: int) -> bool:
    true = recording.true_ages_s(group, sample)
    rows = recording.rows(group, sample + 1)
    where = f"{group} in the recording {recording.name!r} at {rows[-1]['t_s']:.1f} s"
    said = list(time_lag(rows))
    if not verdict.equals(
        len(said), len(true), f"number of partitions told for {where}", look="at the result"
    ):
        return False
    for number, (told, truth) in enumerate(zip(said, true, strict=True)):
        what = f"partition {number} of {where}"
        if truth is None or told is None:
            if not verdict.true(told is None and truth is None, f"{what} is {'not ' * (told is None)}known",
                                look="at groups that have committed nothing"):  # fmt: skip
                return False
        elif not verdict.at_most(round(abs(told - truth), 2), TOLERANCE_S, f"s away from the truth, {what}",
                                 look="at which message is the oldest, and when it came"):  # fmt: skip
            return False
    return True


def alerts(verdict: Verdict, alert: Alert, seed: int, recorded: Runs | None = None) -> None:
    """5.5.b: on every recording every incident is reported while it lasts, and nothing else ever is."""
    dice = random.Random(f"5.5.b {seed}")
    runs = [each for each in recorded or recordings() if each.name != "peculiar"]
    asked = [(recording, group) for recording in runs for group in recording.groups]
    dice.shuffle(asked)
    for recording, group in asked:
        samples = series(recording.rows(group))
        if not _right_alarm(verdict, alert, samples, recording.incident_from_s(group),
                            f"{group} in the recording {recording.name!r}"):  # fmt: skip
            return


def _right_alarm(verdict: Verdict, alert: Alert, samples: Series, since_s: float | None, where: str) -> bool:
    told = [list(interval) for interval in alert([dict(sample) for sample in samples])]
    if since_s is None:
        return verdict.equals(len(told), 0, f"number of alarms for {where}, which is well",
                              look="at what a burst does and a trouble does not")  # fmt: skip
    early = [began for began, _ in told if began < since_s]
    verdict.equals(len(early), 0, f"number of alarms for {where} before its trouble", look="at the start")
    return verdict.true(bool(told) and told[-1][1] >= samples[-1]["t_s"],
                        f"{where}: {'no alarm' if not told else 'the alarm ended'} while it is in trouble",
                        look="at the partition that is worst, and at seconds")  # fmt: skip


def capacities(
    verdict: Verdict,
    seconds_to_drain: Callable[..., float | None],
    consumers_needed: Callable[..., int | None],
    seed: int,
) -> None:
    """5.5.c: both functions agree with an exact simulation, message by message, for plans from the seed."""
    dice = random.Random(f"5.5.c {seed}")
    for plan in capacity.plans(dice):
        true_s = capacity.drained_s(**plan)
        told_s = seconds_to_drain(**plan)
        where = ", ".join(f"{name} {value:g}" for name, value in plan.items())
        if true_s is None or told_s is None:
            verdict.equals(told_s, true_s, f"seconds to drain with {where}", look="at who is busiest")
        else:
            verdict.at_most(round(abs(told_s - true_s) / true_s, 3), 0.02, f"off, seconds to drain: {where}",
                            look="at who is busiest")  # fmt: skip
        for within_s in (5.0, 30.0, 600.0):
            asked = {name: value for name, value in plan.items() if name != "consumers"}
            wanted = capacity.fewest(**asked, within_s=within_s)
            told = consumers_needed(**asked, within_s=within_s)
            verdict.equals(told, wanted, f"consumers needed within {within_s:g} s with {where}",
                           look="at partitions, and at plans that never end")  # fmt: skip


def dead_letters(verdict: Verdict, decide: poison.Decide, bootstrap: str, seed: int) -> None:
    """5.5.d: on a real topic nothing blocks, nothing is lost, and what only needed time was waited for."""
    dice = random.Random(f"5.5.d {seed}")
    topics, name = Topics(bootstrap), f"poisoned-{secrets.token_hex(4)}"
    topics.create(name, 2)
    topics.create(f"{name}-dead")
    bad = [poison.POISON, poison.BROKEN, poison.STRANGE, None]
    dice.shuffle(bad)
    values = [b"first", bad[0], b"second", poison.TIRED, bad[1], b"third", bad[2], bad[3], b"last"]
    keyless = values.index(bad[3])
    keys = [None if n == keyless else b"order-%d" % n for n in range(len(values))]
    topics.fill(name, zip(keys, values, strict=True), partition=1)
    topics.fill(name, [b"other"] * 3, partition=0)
    run = poison.work_off(bootstrap, name, f"{name}-dead", decide)
    good = [value.decode() for value in values if value and value not in bad]
    look = "at errors that waiting does not heal"
    verdict.equals(run.left, 0, "number of messages still in the way", look=look)
    look = "at errors that waiting heals"
    handled = [value.decode() for value in run.handled.get(1, [])]  # what is no text was not handled
    verdict.equals(handled, good, "what was handled behind the bad message", look=look)
    verdict.equals(len(run.letters), len(bad), "number of dead letters", look="at what must not be lost")
    expected = {
        str(at): {"topic": name, "partition": "1", "offset": str(at)}
        for at, value in enumerate(values)
        if value in bad
    }
    for letter in run.letters:
        headers = {key: bytes(text or b"").decode() for key, text in letter.headers() or []}
        where = {key: headers.get(key) for key in ("topic", "partition", "offset")}
        verdict.equals(where, expected.get(headers.get("offset", "")), "where a dead letter came from",
                       look="at its headers")  # fmt: skip
        why = poison.failure(values[int(headers["offset"])], 1) if where["offset"] else None
        verdict.true(bool(why) and str(why and why["text"]) in headers.get("error", ""),
                     "a dead letter does not say what was wrong", look="at the header `error`")  # fmt: skip


def rules_under_promtool(verdict: Verdict, rules: str, seed: int) -> None:
    """5.5.e: promtool plays series of the grader's to the rules and looks at who is alarmed when."""
    from labs.m5_events.consumer_lag import prom

    dice = random.Random(f"5.5.e {seed}")
    said: Mapping[str, Any] = prom.tested(rules, dice)
    verdict.true(said["valid"], f"promtool does not accept the rules: {said['why']}", look="at the YAML")
    verdict.true(said["ok"], f"promtool: {said['why']}", look="at what `by`, `max` and `absent` do")
