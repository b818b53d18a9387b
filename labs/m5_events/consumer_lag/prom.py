"""Rules of Prometheus under test: promtool plays series to them and compares which groups are alarmed.

series by group and partition ──▶ tests.yml ──▶ promtool test rules ──▶ said
The alert is called ConsumerBehind and carries the label `group`; LagUnknown says that the monitor is gone.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

from services import web
from services.promtool import promtool

AGE, LAG = "shop_consumer_age_seconds", "shop_consumer_lag_offsets"
MINUTES = 4  # the played time; a sample every second
AT = "3m"
DIFFERENT = re.compile(r'alertname=\\"(\w+)\\".*\n\s*exp: (.*)\n\s*got: (.*)')
GROUP = re.compile(r'group="([^"]*)"\} ([\d.E+]+)')


def played(dice: random.Random) -> tuple[list[dict[str, str]], list[str]]:
    """Series for six groups, and those that must be alarmed at the end."""
    few, many = dice.randint(3, 9), dice.randint(300, 900)
    partitions = dice.choice([3, 6, 12])
    stuck = dice.randrange(partitions)
    shapes: dict[str, dict[int, tuple[str, str]]] = {
        "healthy": dict.fromkeys(range(partitions), ("0x240", "2x240")),
        "burst": dict.fromkeys(
            range(partitions), ("0x150 0+0.1x30 3x60", f"0x150 0+{many}x30 {many * 30}x60")
        ),
        "slow-leak": dict.fromkeys(range(partitions), ("0+0.1x240", f"0+{few}x240")),
        "stuck": {n: (("0x60 0+1x180", "0x60 0+2x180") if n == stuck else ("0x240", "0x240"))
                  for n in range(partitions)},
        "dead": dict.fromkeys(range(partitions), ("0x60 0+1x180", f"0x60 0+{many}x180")),
        "quiet-and-dead": dict.fromkeys(range(2), ("0x60 0+1x180", f"0x60 {few}x180")),
    }  # fmt: skip
    made = [
        {"series": f'{name}{{group="{group}",partition="{number}"}}', "values": values}
        for group, by_partition in shapes.items()
        for number, pair in by_partition.items()
        for name, values in zip((AGE, LAG), pair, strict=True)
    ]
    dice.shuffle(made)
    return made, ["dead", "quiet-and-dead", "slow-leak", "stuck"]


def _firing(alert: str) -> str:
    return f'count by (group) (ALERTS{{alertname="{alert}",alertstate="firing"}})'


def unit_tests(dice: random.Random) -> dict[str, Any]:
    """The file that promtool reads: a run with four troubles, and one in which the monitor says nothing."""
    series, alarmed = played(dice)
    behind = [{"labels": f'{{group="{group}"}}', "value": 1} for group in alarmed]
    return {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1s",
        "tests": [
            {"name": "six groups", "interval": "1s", "input_series": series, "promql_expr_test": [
                {"expr": _firing("ConsumerBehind"), "eval_time": AT, "exp_samples": behind},
                {"expr": 'count(ALERTS{alertname="LagUnknown",alertstate="firing"})', "eval_time": AT,
                 "exp_samples": []},
            ]},
            {"name": "the monitor is gone", "interval": "1s",
             "input_series": [{"series": 'up{job="other"}', "values": "1x240"}], "promql_expr_test": [
                {"expr": 'count(ALERTS{alertname="LagUnknown",alertstate="firing"})', "eval_time": AT,
                 "exp_samples": [{"labels": "{}", "value": 1}]},
            ]},
        ],
    }  # fmt: skip


def tested(rules: str, dice: random.Random) -> dict[str, Any]:
    """Whether the rules are valid, whether the tests pass, and promtool's own words."""
    files = {"rules.yml": rules, "tests.yml": json.dumps(unit_tests(dice), indent=1)}
    said = promtool("test", "rules", "tests.yml", files=files)
    if said.ok:
        return {"valid": True, "ok": True, "why": ""}
    valid = "FAILED" in said.said
    return {"valid": valid, "ok": False, "why": _words(said.said)}


def _words(said: str) -> str:
    """Which alert fires where it should not, or the reverse; else what promtool says of the file."""
    told = [_sentence(*found) for found in DIFFERENT.findall(said)]
    errors = [line.strip() for line in said.splitlines() if "rror" in line]
    return "; ".join(told) or " ".join([*errors, said][0].split())[:150]


def _sentence(alert: str, expected: str, got: str) -> str:
    if alert == "LagUnknown":
        gone = expected != "nil"
        return f"LagUnknown {'does not fire though the monitor is gone' if gone else 'fires without need'}"
    wanted, came = (dict(GROUP.findall(each)) for each in (expected, got))
    wrong = {
        "does not fire for": wanted.keys() - came.keys(),
        "fires for": came.keys() - wanted.keys(),
        "fires more than once for": {
            group for group in wanted.keys() & came.keys() if float(came[group]) > 1
        },
    }
    parts = [f"{what} {', '.join(sorted(groups))}" for what, groups in wrong.items() if groups]
    nameless = "" if came or got == "nil" else ", but once without the label `group`"
    return f"ConsumerBehind {' and '.join(parts)}{nameless}"


def alarmed(url: str, alert: str = "ConsumerBehind") -> list[str]:
    """The groups that a running Prometheus is alarmed about now."""
    found = web.get(f"{url}/api/v1/alerts", timeout_s=10).raise_for_status().json()["data"]["alerts"]
    return sorted(
        {
            str(each["labels"].get("group"))
            for each in found
            if each["labels"]["alertname"] == alert and each["state"] == "firing"
        }
    )


def would_alarm(url: str, rules: str, at_unix_s: float, alert: str = "ConsumerBehind") -> list[str]:
    """The groups for which a rules file would have fired at a moment that Prometheus has scraped."""
    import yaml

    found: set[str] = set()
    for group in yaml.safe_load(rules)["groups"]:
        for rule in group["rules"]:
            if rule.get("alert") == alert:
                asked = {"query": rule["expr"], "time": at_unix_s}
                said = web.get(f"{url}/api/v1/query", params=asked, timeout_s=10).raise_for_status().json()
                found |= {str(each["metric"].get("group")) for each in said["data"]["result"]}
    return sorted(found)
