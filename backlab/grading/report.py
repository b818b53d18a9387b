"""What came of one submission: verdicts, points, and the forms in which people and machines read them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass, field
from typing import Any
from xml.etree import ElementTree

COLUMNS = (
    "learner",
    "lab",
    "points",
    "of",
    "isolation",
    "seconds",
    "check",
    "verdict",
    "measured",
    "bound",
    "reason",
)


@dataclass
class Judged:
    """One check: its verdict and why."""

    id: str
    text: str
    verdict: str
    reason: str = ""
    measured: Any = None
    bound: Any = None

    def __post_init__(self) -> None:
        """A reason may quote a learner; nothing in it steers a terminal."""
        self.reason = _xml(self.reason)


@dataclass
class Report:
    """One submission; `stages` are seconds by what they were spent on.

    "judging" is the judge's checks and servers, "cells" the notebook's own; the rest is what grading adds.
    """

    lab: str
    learner: str
    isolation: str
    checks: list[Judged] = field(default_factory=list)
    refused: str = ""
    stages: dict[str, float] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """One for each check that passed."""
        return sum(check.verdict == "PASS" for check in self.checks)

    @property
    def exit_code(self) -> int:
        """0 all pass, 1 some fail, 2 something could not be judged."""
        verdicts = {check.verdict for check in self.checks}
        if verdicts == {"PASS"}:
            return 0
        return 2 if "INCONCLUSIVE" in verdicts or not verdicts else 1

    @property
    def seconds(self) -> float:
        """All stages together."""
        return sum(self.stages.values())


def to_json(report: Report) -> str:
    """The report as JSON, its keys as the documentation has them; what JSON does not know is text."""
    checks = [asdict(check) for check in report.checks]
    return json.dumps({
        "lab": report.lab, "learner": report.learner, "isolation": report.isolation,
        "points": report.points, "of": len(report.checks), "refused": report.refused,
        "stages": {name: round(seconds, 2) for name, seconds in report.stages.items()}, "checks": checks,
    }, indent=1, default=str)  # fmt: skip


def from_json(text: str) -> Report:
    """A report that `to_json` has written."""
    row = json.loads(text)
    checks = [Judged(**check) for check in row["checks"]]
    return Report(row["lab"], row["learner"], row["isolation"], checks, row["refused"], row["stages"])


def to_junit(reports: list[Report]) -> str:
    """JUnit XML: a suite for each submission, a case for each check."""
    root = ElementTree.Element("testsuites")
    for report in reports:
        failed = sum(check.verdict == "FAIL" for check in report.checks)
        unclear = sum(check.verdict == "INCONCLUSIVE" for check in report.checks)
        suite = ElementTree.SubElement(root, "testsuite", name=_xml(f"lab {report.lab} {report.learner}"),
                                       tests=str(len(report.checks)), failures=str(failed),
                                       errors=str(unclear))  # fmt: skip
        for check in report.checks:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"lab {report.lab}", name=f"{check.id} {check.text}"
            )
            kind = {"FAIL": "failure", "INCONCLUSIVE": "error"}.get(check.verdict)
            if kind:
                ElementTree.SubElement(case, kind, message=_xml(check.reason))
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def to_markdown(reports: list[Report]) -> str:
    """A table for each submission, fit for the summary of a workflow."""
    parts = []
    for report in reports:
        lines = [f"### Lab {report.lab}: {report.points} of {len(report.checks)} points", ""]
        lines += [f"{_cell(report.learner)}, isolation {report.isolation}", ""]
        lines += ["| check | verdict | measured | bound | |", "|---|---|---|---|---|"]
        lines += [
            f"| {check.id} {_cell(check.text)} | {check.verdict} | {_value(check.measured)} |"
            f" {_value(check.bound)} | {_cell(check.reason)} |"
            for check in report.checks
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def to_csv(reports: list[Report], header: bool = True) -> str:
    """One row for each check of each submission; a file that belongs to no lab has one row as well."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    if header:
        rows.writerow(COLUMNS)
    for report in reports:
        whose = [report.learner, report.lab, report.points, len(report.checks), report.isolation]
        whose.append(f"{report.seconds:.1f}")
        for check in report.checks or [Judged("", "", "INCONCLUSIVE", report.refused)]:
            row = [*whose, check.id, check.verdict, check.measured, check.bound, check.reason]
            rows.writerow([_harmless(value) for value in row])
    return text.getvalue()


def _harmless(value: Any) -> Any:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _cell(text: str) -> str:
    """A text that stays in its cell of a Markdown table, without markup of its author's."""
    for mark in "\\`*_[]<>|!":
        text = text.replace(mark, f"&#{ord(mark)};")
    return " ".join(text.split())[:300]


def _value(value: Any) -> str:
    return "" if value is None else _cell(str(value)[:60])


def _xml(text: str) -> str:
    """A text without what XML cannot hold and terminals would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
