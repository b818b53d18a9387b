"""`backlab check-source`: name each rule of the house that a lab's source breaks."""

from __future__ import annotations

import json

import click

from backlab.commands._which import which_labs


@click.command(name="check-source")
@which_labs
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(labs: tuple[str, ...], module: int | None, every: bool, as_json: bool) -> int:
    """Name the rules that a lab's source breaks.

    Nothing is executed.

    \b
    Example: backlab check-source 4.1
             backlab check-source --all --json
    """
    from backlab import course
    from backlab.authoring import review

    found = {place.id: review.complaints(place) for place in course.chosen(labs, module, every)}
    if as_json:
        click.echo(json.dumps(found, indent=1))
    for lab, said in found.items() if not as_json else ():
        click.echo(f"lab {lab}: " + (f"{len(said)} rules broken" if said else "keeps the rules"))
        for line in said:
            click.echo(f"  {line}")
    return 1 if any(found.values()) else 0
