"""`backlab labs`: which labs there are, and whether their notebooks are built."""

from __future__ import annotations

import json

import click


@click.command(name="labs")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(as_json: bool) -> None:
    """List the labs.

    \b
    Example: backlab labs
             backlab labs --json
    """
    from backlab import course

    every = course.labs()
    if as_json:
        rows = [
            {"id": p.id, "title": p.title, "notebook": p.relative, "built": p.learner.exists()} for p in every
        ]
        click.echo(json.dumps(rows, indent=1))
        return
    for place in every:
        built = place.relative if place.learner.exists() else f"not built: backlab build {place.id}"
        click.echo(f"{place.id}  {place.title}\n     {built}")
    if not every:
        click.echo("no lab has a source yet")
