"""`backlab update`: the course's newest notebooks with the learner's work in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command(name="update")
@click.argument("wanted", nargs=-1, metavar="[LAB|NOTEBOOK]...")
@click.option(
    "--from",
    "former",
    type=click.Path(path_type=Path),
    help="The directory of a former course with your work.",
)
def command(wanted: tuple[str, ...], former: Path | None) -> int:
    """Bring notebooks up to date, with your exercises, guesses and own cells in them (default: all labs).

    What lay there is kept under a name with date. Exit code 1 when something could only be kept.

    \b
    Example: backlab update
             backlab update 4.2
             backlab update --from ../course-of-last-term
    """
    outcomes = list(_outcomes(wanted, former))
    for one in outcomes:
        click.echo(f"lab {one.lab}: {one.name} {one.state}")
        for remark in one.remarks:
            click.echo(f"     {remark}")
        if one.kept:
            click.echo(f"     the former file is kept as {one.kept}")
    return 1 if any(one.lost for one in outcomes) else 0


def _outcomes(wanted: tuple[str, ...], former: Path | None) -> Any:
    """One outcome per notebook."""
    from backlab import course
    from backlab.carry.former import bring
    from backlab.carry.update import lab_of, notebooks, update

    files = [Path(name) for name in wanted if name.endswith(".ipynb") and Path(name).exists()]
    for path in files:
        yield update(course.lab(lab_of(path) or path.name), path, path)
    labs = [name for name in wanted if Path(name) not in files]
    for place in course.chosen(labs, every=True) if labs or not files else []:
        if former is not None:
            yield from bring(place, former)
            continue
        found = notebooks(place, place.learner.parent)
        for path in dict.fromkeys([place.learner, *found]):
            yield update(place, path, path)
