"""A page about a cohort: how many pass each check, where it gets stuck, and each learner's points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from backlab.grading.report import Report

HEAD = """<!doctype html><meta charset="utf-8"><title>backlab: a cohort</title>
<style>body{font:15px system-ui;max-width:60em;margin:2em auto}td{padding:.2em .8em .2em 0;vertical-align:top}
.bar{background:#eee;width:20em}.bar div{background:#2a7;height:1.1em}</style>
"""


def page(reports: Sequence[Report]) -> str:
    """The page as one HTML file; what learners wrote is only ever text in it."""
    labs = sorted({report.lab for report in reports})
    return HEAD + "\n".join(line for lab in labs for line in _lab([r for r in reports if r.lab == lab]))


def _lab(reports: Sequence[Report]) -> Iterator[str]:
    yield f"<h1>Lab {escape(reports[0].lab)}: {len(reports)} submissions</h1><h2>Points per check</h2><table>"
    shares = _shares(reports)
    for id, text, passed in shares:
        bar = f"<div class=bar><div style='width:{100 * passed / len(reports):.0f}%'></div></div>"
        yield f"<tr><td>{escape(id)}<td>{escape(text)}<td>{bar}<td>{passed} of {len(reports)}"
    yield "</table>"
    if shares:
        id, text, _ = min(shares, key=lambda share: share[2])
        yield f"<h2>Where the cohort gets stuck: {escape(id)}, {escape(text)}</h2><table>"
        for reason, count in _reasons(reports, id).most_common(8):
            yield f"<tr><td>{count}<td>{escape(reason)}"
        yield "</table>"
    yield "<h2>Learners</h2><table>"
    for report in sorted(reports, key=lambda report: (-report.points, report.learner)):
        yield f"<tr><td>{escape(report.learner)}<td>{report.points}<td>{escape(report.refused)}"
    yield "</table>"


def _shares(reports: Sequence[Report]) -> list[tuple[str, str, int]]:
    """Each check with its text and how many pass it."""
    texts = {check.id: check.text for report in reports for check in report.checks}
    passed = Counter(c.id for report in reports for c in report.checks if c.verdict == "PASS")
    return [(id, text, passed[id]) for id, text in sorted(texts.items())]


def _reasons(reports: Sequence[Report], id: str) -> Counter[str]:
    """Why a check did not pass, numbers left out, so that equal reasons add up."""
    found: Counter[str] = Counter()
    for report in reports:
        for check in report.checks:
            if check.id == id and check.verdict != "PASS":
                found["".join("#" if letter.isdigit() else letter for letter in check.reason)] += 1
    return found
