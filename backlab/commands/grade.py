"""`backlab grade`: points and reasons for a learner's notebook, by a judge that its code cannot reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command(name="grade")
@click.argument("notebooks", nargs=-1, required=True, metavar="NOTEBOOK...", type=click.Path(path_type=Path))
@click.option("--lab", help="Which lab it is, where the notebook does not say so.")
@click.option("--learner", help="Who handed it in; hidden parameters depend on it. Default: the file's name.")
@click.option(
    "--learner-from", type=click.Choice(["filename"]), help="Take each learner from the file's name."
)
@click.option(
    "--key-file", type=click.Path(path_type=Path), help="The course's key; else BACKLAB_COURSE_KEY."
)
@click.option("--require-isolation", "least", default="weak", type=click.Choice(["weak", "medium", "strong"]),
              help="Refuse to grade with less (exit code 2).")  # fmt: skip
@click.option("--limit", "limit_s", default=20.0, show_default=True, help="Seconds for a call or a cell.")
@click.option("--keep", "folder", type=click.Path(path_type=Path),
              help="Keep each report here; a run that was killed goes on where it was.")  # fmt: skip
@click.option("--page", type=click.Path(path_type=Path), help="Write a page about the cohort here (HTML).")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--junit", "form", flag_value="junit", help="Print JUnit XML.")
@click.option(
    "--markdown", "form", flag_value="markdown", help="Print Markdown, fit for $GITHUB_STEP_SUMMARY."
)
@click.option("--csv", "form", flag_value="csv", help="Print CSV, a row for each check.")
def command(notebooks: tuple[Path, ...], lab: str | None, learner: str | None, learner_from: str | None,
            key_file: Path | None, least: str, limit_s: float, folder: Path | None,
            page: Path | None, form: str | None) -> int:  # fmt: skip
    """Grade NOTEBOOKs, or every notebook of a folder: only their exercise cells count.

    Exit code 0 when all checks pass, 1 when some fail, 2 when something could not be judged.

    \b
    Example: backlab grade 02_n_plus_one.ipynb --learner ada
             backlab grade submissions/ --learner-from filename --csv
    """
    from backlab.grading import isolation
    from backlab.grading.cohort import grade_files, notebooks_in
    from backlab.grading.hidden import course_key
    from backlab.grading.limits import Limits
    from backlab.screen import Screen

    isolation.require(least)
    key, origin = course_key(key_file)
    files = notebooks_in(notebooks)
    with Screen() as screen:
        tell = (lambda words: None) if form else (lambda words: screen.status(f"  {words}", now=True))
        reports = []
        for report in grade_files(files, key, lab, learner, Limits(seconds=limit_s), tell, folder):
            reports.append(report)
            if form is None:
                _show(screen, report)
        if form is None:
            screen.say(f"  isolation {isolation.reached()}; key: {origin}", "dim")
    if page is not None:
        _write_page(page, reports)
    if form is not None:
        click.echo(_text(reports, form), nl=False)
    return max((report.exit_code for report in reports), default=2)


def _write_page(path: Path, reports: list[Any]) -> None:
    from backlab.grading.page import page

    path.write_text(page(reports), encoding="utf-8")


def _text(reports: list[Any], form: str) -> str:
    from backlab.grading import report as forms

    if form == "json":
        texts = [forms.to_json(report) for report in reports]
        return (texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]") + "\n"
    return {"junit": forms.to_junit, "markdown": forms.to_markdown, "csv": forms.to_csv}[form](reports)


def _show(screen: Any, report: Any) -> None:
    """One line for each check, then points and seconds."""
    colours = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow"}
    screen.say(f"lab {report.lab}  {report.learner!r}", "bold")
    if report.refused:
        screen.say(f"  refused: {report.refused}", "red")
    for check in report.checks:
        verdict = screen.paint(check.verdict.ljust(12), colours[check.verdict])
        screen.say(f"  {verdict} {check.id} {check.text}{_detail(check, report.refused)}")
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.stages.items())
    screen.say(f"  {report.points} of {len(report.checks)} points" + (f"; {stages}" if stages else ""))


def _detail(check: Any, refused: str) -> str:
    """What was measured where it passed, else why it did not."""
    if check.verdict == "PASS":
        return "" if check.bound is None else f" (measured {check.measured}, bound {check.bound})"
    return f": {check.reason}" if check.reason and not refused else ""
