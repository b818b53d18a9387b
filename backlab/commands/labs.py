"""`backlab labs`: which labs there are, where the learner stands in each, and which run here."""

from __future__ import annotations

import json

import click


@click.command(name="labs")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def command(as_json: bool) -> None:
    """List the labs as the course page does: minutes, servers, where you are, what this machine lacks.

    \b
    Example: backlab labs
             backlab labs --json
    """
    from backlab.workbench import page
    from services.runnable import missing

    rows = page.rows(missing(page.kinds()))
    if as_json:
        click.echo(json.dumps([row.plain for row in rows], indent=1))
        return
    for row in rows:
        minutes = f"{row.minutes} minutes, " if row.minutes else ""
        click.echo(f"{row.id}  {row.title}")
        click.echo(f"     {minutes}{', '.join(row.servers) or 'no server'}; {row.standing.words}")
        click.echo(f"     {row.notebook if row.built else f'not there: {row.remedy}'}")
        if row.trouble:
            click.echo(f"     cannot be opened, {row.trouble}: backlab update {row.id}")
        for kind, step in row.lacking.items():
            click.echo(f"     lacks {kind}: {step}")
    if not rows:
        click.echo("no lab has a source yet")
