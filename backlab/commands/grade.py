"""`backlab grade`: points and reasons for a learner's notebook, by a judge that its code cannot reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from backlab.cohort.work import Work
    from backlab.grading.report import Report
    from backlab.screen import Screen

FORMS = {
    "json": "Print JSON.",
    "junit": "Print JUnit XML.",
    "markdown": "Print Markdown, fit for $GITHUB_STEP_SUMMARY.",
    "csv": "Print CSV, a row for each check.",
}


def forms(command: Any) -> Any:
    """One option for each form; the last one given counts."""
    for name, words in reversed(FORMS.items()):
        command = click.option(f"--{name}", "form", flag_value=name, help=words)(command)
    return command


@click.command(name="grade")
@click.argument("notebooks", nargs=-1, required=True, metavar="NOTEBOOK...", type=click.Path(path_type=Path))
@click.option("--lab", help="Which lab it is, where the notebook does not say so.")
@click.option("--learner", help="Whose work it is, which decides the hidden parameters.")
@click.option("--learner-from", type=click.Choice(["filename", "folder"]), default="filename",
              show_default=True, help="Take each learner from the file's name, or its folder's.")  # fmt: skip
@click.option("--key-file", type=click.Path(path_type=Path),
              help="The course's key; else BACKLAB_COURSE_KEY.")  # fmt: skip
@click.option("--require-isolation", "least", default="weak", type=click.Choice(["weak", "medium", "strong"]),
              help="Refuse to grade with less (exit code 2).")  # fmt: skip
@click.option("--limit", "limit_s", default=20.0, show_default=True, help="Seconds for a call or a cell.")
@click.option(
    "--jobs", type=click.IntRange(1), help="Submissions at a time. Default: what cores and memory allow."
)
@click.option(
    "--dask", metavar="ADDRESS", help="Grade on the workers of this Dask scheduler, tcp://host:8786."
)
@click.option("--keep", "folder", type=click.Path(path_type=Path),
              help="Keep reports here. Default for a folder: out/grades/<its name>.")  # fmt: skip
@click.option("--fresh", is_flag=True, help="Grade all anew, also what is kept already.")
@click.option("--page", type=click.Path(path_type=Path), help="Write a page about the cohort here (HTML).")
@forms
def command(notebooks: tuple[Path, ...], **options: Any) -> int:
    """Grade NOTEBOOKs, or every notebook of a folder: only their exercise cells count.

    A run over many that was stopped, or killed, goes on where it was when it is started again.
    Exit code 0 when all checks pass, 1 when some fail, 2 when something could not be judged.

    \b
    Example: backlab grade 02_n_plus_one.ipynb --learner ada
             backlab grade submissions/ --learner-from filename --csv
             backlab grade submissions/ --dask tcp://10.0.0.1:8786
    """
    from backlab.cohort.page import page
    from backlab.screen import Screen

    form = options["form"]
    with Screen(silent=bool(form)) as screen:
        reports = _graded(screen, notebooks, options)
    if options["page"] is not None:
        options["page"].write_text(page(reports), encoding="utf-8")
    if form is not None:
        click.echo(_text(reports, form), nl=False)
    return max((report.exit_code for report in reports), default=2)


def _graded(screen: Screen, places: tuple[Path, ...], options: Mapping[str, Any]) -> list[Report]:
    """Grade all of them, show each, and keep what a cohort should not lose."""
    from backlab.cohort.cohort import Course, entries, grade, notebooks_in
    from backlab.cohort.keeping import Kept, folder_for
    from backlab.cohort.page import page
    from backlab.commands._bar import Bar, short
    from backlab.grading.hidden import course_key
    from backlab.sandbox import isolation

    isolation.require(options["least"])
    key, origin = course_key(options["key_file"])
    files = notebooks_in(places)
    many = len(files) > 1 or places[0].is_dir()
    folder = options["folder"] or (folder_for(places) if many else None)
    kept = Kept(folder, fresh=options["fresh"]) if folder else None
    how = Course(key, not origin.startswith("none"), options["limit_s"], options["least"], options["lab"],
                 options["learner"], options["learner_from"] == "folder")  # fmt: skip
    bar, reports = Bar(screen), []
    todo = entries(files, how, kept)
    if kept is not None:
        already = sum(entry.work is not None and entry.report is not None for entry in todo)
        screen.say(f"  {len(todo)} submissions, {already} graded already; reports, points.csv and cohort.html"
                   f" are kept in {short(kept.folder)}", "dim")  # fmt: skip
    try:
        for report in grade(todo, lambda works: _run(works, options, bar), kept, bar):
            reports.append(report)
            _show(screen, report)
    except KeyboardInterrupt:
        if kept is not None:
            click.echo("\nfinished reports are kept; the same command goes on where this one was", err=True)
        raise
    if kept is not None:
        kept.summarize(reports, page(reports))
    screen.say(f"  isolation {isolation.reached()}; key: {origin}", "dim")
    return reports


def _run(works: Mapping[int, Work], options: Mapping[str, Any], bar: Any) -> Iterator[tuple[int, str]]:
    """Where they are graded: on a cluster, or here."""
    if options["dask"] is not None:
        from backlab.cohort.cluster import connect, on_a_cluster

        with connect(options["dask"]) as client:
            yield from on_a_cluster(client, works, bar.say)
        return
    from backlab.cohort.local import jobs_here, on_this_machine

    yield from on_this_machine(works, options["jobs"] or jobs_here(), bar.say)


def _text(reports: list[Report], form: str) -> str:
    from backlab.grading import report as forms

    if form == "json":
        texts = [forms.to_json(report) for report in reports]
        return (texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]") + "\n"
    return {"junit": forms.to_junit, "markdown": forms.to_markdown, "csv": forms.to_csv}[form](reports)


def _show(screen: Screen, report: Report) -> None:
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
