"""`backlab release`: a repository for learners, without sources, solutions, judges and key."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="release")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--labs", "wanted", required=True, help="The labs in it: 4.2,5.5")
def command(directory: Path, wanted: str) -> int:
    """Write a learner's repository into DIRECTORY: notebooks, environment, workflows.

    \b
    Example: backlab release ../course --labs 4.2,5.5
    """
    from backlab import course
    from backlab.grading.release import release

    places = [course.lab(name.strip()) for name in wanted.split(",") if name.strip()]
    files = release(directory, places)
    click.echo(f"{directory.name}: {len(files)} files, labs {', '.join(place.id for place in places)}")
    click.echo(
        "no sources, no solutions, no judges, no key; see docs/instructors.md for the workflow's secrets"
    )
    return 0
