"""`backlab chaos`: one experiment of Chaos Toolkit, with a picture of what it did."""

from __future__ import annotations

import json

import click


@click.command(name="chaos")
@click.argument("experiment", required=False)
@click.option(
    "--var", "variables", multiple=True, metavar="NAME=VALUE", help="Override a configuration value."
)
@click.option("--json", "as_json", is_flag=True, help="Print Chaos Toolkit's journal and nothing else.")
def command(experiment: str | None, variables: tuple[str, ...], as_json: bool) -> int:
    """Run EXPERIMENT (none named: list them) on servers of its own and draw what happened.

    Exit code 0 when the hypothesis held, 1 when it did not, 2 when nothing can be said.

    \b
    Example: backlab chaos 4_2_database_moves_zone
    """
    from backlab import course, plot
    from backlab.experiment import experiment as run
    from backlab.experiment import names

    if experiment is None:
        click.echo("\n".join(names()))
        return 0
    outcome = run(experiment, **dict(variable.split("=", 1) for variable in _named(variables)))
    if as_json:
        click.echo(json.dumps(outcome.journal, indent=1))
        return outcome.exit_code
    click.echo(f"  {outcome}")
    for window in outcome.faults:
        click.echo(f"  fault: {window[2]}, from {window[0]:.1f} to {window[1]:.1f} s")
    picture = plot.timeline(outcome.rows, faults=outcome.faults, title=str(outcome))
    saved = picture.save(course.out("chaos") / f"{experiment}.png")
    click.echo(f"  {saved.relative_to(course.root().parent).as_posix()}")
    return outcome.exit_code


def _named(variables: tuple[str, ...]) -> tuple[str, ...]:
    from services.errors import BacklabError

    for variable in variables:
        if "=" not in variable:
            raise BacklabError(f"--var {variable!r} has no value", "write it as NAME=VALUE")
    return variables
