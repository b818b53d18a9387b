"""A page about a cohort: how many pass each check, where it gets stuck and why, and each learner's points.

reports of a lab -> lead | points per check | points per learner | where it gets stuck | every verdict
One file without scripts; what learners wrote is only ever text in it. Its looks are in page.css.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from statistics import median

from backlab import course
from backlab.grading.report import Judged, Report
from services.errors import BacklabError

KINDS = {"PASS": ("pass", "\N{CHECK MARK}", "passed"), "FAIL": ("fail", "\N{MULTIPLICATION X}", "failed"),
         "INCONCLUSIVE": ("unclear", "?", "could not be judged")}  # fmt: skip
STUCK = 2  # checks whose reasons are shown
REASONS = 5
COLUMN_EM = 6.5


def page(reports: Sequence[Report]) -> str:
    """The page as one HTML file."""
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    head = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>backlab: a cohort</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style>\n'
    )
    labs = sorted({report.lab for report in reports if report.checks})
    parts = [_lab(lab, [r for r in reports if r.lab == lab and r.checks]) for lab in labs]
    parts.append(_nowhere([report for report in reports if not report.checks]))
    return head + "\n".join(line for part in parts for line in part)


def _lab(lab: str, reports: Sequence[Report]) -> Iterator[str]:
    yield f"<section><h1>Lab {escape(lab)}{_title(lab)}</h1>"
    yield _lead(reports)
    ids = _ids(reports)
    yield "<h2>Points per check</h2>"
    for id, text in ids.items():
        yield _check(id, text, Counter(check.verdict for check in _judged(reports, id)))
    kinds = [f"<span><i class={kind}></i>{words}</span>" for kind, _, words in KINDS.values()]
    yield f"<div class='legend quiet'>{''.join(kinds)}</div>"
    yield from _columns(reports)
    yield from _stuck(reports, ids)
    yield from _matrix(reports, ids)
    yield "</section>"


def _title(lab: str) -> str:
    try:
        return f": {escape(course.lab(lab).title)}"
    except BacklabError:  # reports of a course that is not here
        return ""


def _lead(reports: Sequence[Report]) -> str:
    """The cohort in one line."""
    points, of = [report.points for report in reports], max(len(report.checks) for report in reports)
    said = [f"<b>{len(reports)}</b> submissions", f"median <b>{median(points):g}</b> of {of} points"]
    said.append(f"<b>{sum(report.exit_code == 0 for report in reports)}</b> with all of them")
    refused = sum(bool(report.refused) for report in reports)
    unclear = sum(report.exit_code == 2 for report in reports)
    said += [f"<b>{refused}</b> refused"] * bool(refused)
    said += [f"<b>{unclear}</b> that could not be judged, to be graded again"] * bool(unclear)
    return f"<p class=lead>{', '.join(said)}.</p>"


def _ids(reports: Sequence[Report]) -> dict[str, str]:
    """Each check's id with its text."""
    return dict(sorted({check.id: check.text for report in reports for check in report.checks}.items()))


def _judged(reports: Sequence[Report], id: str) -> list[Judged]:
    return [check for report in reports for check in report.checks if check.id == id]


def _check(id: str, text: str, seen: Counter[str]) -> str:
    """A row: how many passed, failed, could not be judged."""
    total = sum(seen.values())
    bars = "".join(
        f"<i class={kind} style='flex:{seen[verdict]}' title='{seen[verdict]} {words}'></i>"
        for verdict, (kind, _, words) in KINDS.items()
        if seen[verdict]
    )
    return (
        f"<div class=check><b>{escape(id)}</b><span>{escape(text)}</span><div class=bar>{bars}</div>"
        f"<span class=n>{seen['PASS']} of {total}</span></div>"
    )


def _columns(reports: Sequence[Report]) -> Iterator[str]:
    """How many learners have no point, one, two, ..."""
    seen = Counter(report.points for report in reports)
    most = max(seen.values())
    yield "<h2>Learners by points</h2><div class=columns>"
    for points in range(max(len(report.checks) for report in reports) + 1):
        height = COLUMN_EM * seen[points] / most
        yield f"<div>{seen[points]}<i style='height:{height:.2f}em'></i><div class=axis>{points}</div></div>"
    yield "</div><div class=quiet>points</div>"


def _stuck(reports: Sequence[Report], ids: dict[str, str]) -> Iterator[str]:
    """The checks that most do not pass, with the reasons that were given most."""
    failed = {id: [c for c in _judged(reports, id) if c.verdict != "PASS"] for id in ids}
    worst = sorted((id for id in ids if failed[id]), key=lambda id: -len(failed[id]))[:STUCK]
    for id in worst:
        yield f"<h2>Where the cohort gets stuck: {escape(id)}, {escape(ids[id])}</h2>"
        common = Counter(_alike(check.reason) for check in failed[id]).most_common(REASONS)
        for reason, count in common:
            width = 100 * count / common[0][1]
            bar = f"<div class=bar><i class=fail style='width:{width:.0f}%'></i></div>"
            yield f"<div class=why><span class=n>{count}</span>{bar}<span>{escape(reason)}</span></div>"
        rest = len(failed[id]) - sum(count for _, count in common)
        if rest:
            yield f"<p class=quiet>and {rest} for other reasons</p>"


def _alike(reason: str) -> str:
    """A reason without its numbers, so that equal ones add up."""
    words = ["n" if any(letter.isdigit() for letter in word) else word for word in reason.split()]
    return " ".join(words) or "no reason was given"


def _matrix(reports: Sequence[Report], ids: dict[str, str]) -> Iterator[str]:
    """Every verdict: the best first, a column for each check."""
    heads = "".join(f"<th>{escape(id)}</th>" for id in ids)
    yield "<h2>Every verdict</h2><div class=matrix><table>"
    yield f"<tr><th>learner</th>{heads}<th>points</th><th></th></tr>"
    for report in sorted(reports, key=lambda report: (-report.points, report.learner)):
        seen = {check.id: check for check in report.checks}
        cells = "".join(_cell(seen.get(id)) for id in ids)
        yield (
            f"<tr><td>{escape(report.learner)}</td>{cells}<td class=p>{report.points}</td>"
            f"<td class=quiet>{escape(report.refused)}</td></tr>"
        )
    yield "</table></div>"


def _cell(check: Judged | None) -> str:
    if check is None:
        return "<td></td>"
    kind, sign, words = KINDS[check.verdict]
    told = escape(f"{words}: {check.reason}" if check.reason else words, quote=True)
    return f'<td class=v><span class={kind} title="{told}">{sign}</span></td>'


def _nowhere(reports: Sequence[Report]) -> Iterator[str]:
    """Files that belong to no lab."""
    if reports:
        yield "<section><h2>Files that belong to no lab</h2><table>"
        for report in reports:
            yield f"<tr><td>{escape(report.learner)}</td><td>{escape(report.refused)}</td></tr>"
        yield "</table></section>"
