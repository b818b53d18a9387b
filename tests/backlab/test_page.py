"""The page of a cohort: where it gets stuck, and no script of anybody's."""

from __future__ import annotations

from backlab.cohort.page import page
from backlab.grading.report import Judged, Report, from_json, to_csv, to_json


def cohort() -> list[Report]:
    """Three of lab 4.2, of whom one has both points, and a file that is nobody's."""
    made = [
        Report("4.2", f"<script>{n}", "weak", [
            Judged("4.2.a", "few questions", "PASS" if n == 0 else "FAIL", f"{n}00 statements"),
            Judged("4.2.b", "no row twice", "PASS"),
        ])
        for n in range(3)
    ]  # fmt: skip
    return [*made, Report("?", "list", "weak", refused="it belongs to <no> lab")]


def test_the_page_says_where_a_cohort_gets_stuck_and_runs_no_learner_s_script() -> None:
    """The check that fewest pass, with the reasons that were given most, numbers left out."""
    text = page(cohort())
    assert "gets stuck: 4.2.a" in text
    assert "gets stuck: 4.2.b" not in text
    assert "<span class=n>2</span>" in text
    assert "n statements" in text
    assert "1 of 3" in text
    assert "<b>3</b> submissions, median <b>1</b> of 2 points, <b>1</b> with all" in text
    assert "it belongs to &lt;no&gt; lab" in text
    assert "<script>" not in text


def test_a_report_survives_being_written() -> None:
    """As JSON and back."""
    for report in cohort():
        assert from_json(to_json(report)) == report


def test_each_file_has_a_row_in_the_table() -> None:
    """Also one that no lab has checks for."""
    rows = to_csv(cohort()).splitlines()
    assert len(rows) == 1 + 3 * 2 + 1
    assert rows[-1].startswith("list,?,0,0,weak,0.0,,INCONCLUSIVE")
