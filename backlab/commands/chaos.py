"""`backlab chaos`: one experiment of Chaos Toolkit, with a picture of what it did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command(name="chaos")
@click.argument("experiment", required=False)
@click.option(
    "--var", "variables", multiple=True, metavar="NAME=VALUE", help="Override a configuration value."
)
@click.option("--json", "as_json", is_flag=True, help="Print Chaos Toolkit's journal and nothing else.")
def command(experiment: str | None, variables: tuple[str, ...], as_json: bool) -> int:
    """Run EXPERIMENT (none named: list them) on servers of its own, draw what happened and report it.

    EXPERIMENT is a name from the list, or a YAML or JSON file of yours. The picture and the report come
    into out/chaos/EXPERIMENT/.

    Exit code 0 when the hypothesis held, 1 when it did not, 2 when nothing can be said.

    \b
    Example: backlab chaos 4_2_database_moves_zone
    """
    from backlab import course
    from backlab.stress import report
    from backlab.stress.experiment import experiment as run
    from backlab.stress.experiment import names

    if experiment is None:
        click.echo("\n".join(names()))
        return 0
    chosen: dict[str, Any] = dict(variable.split("=", 1) for variable in _named(variables))
    outcome = run(experiment, **chosen)
    if as_json:
        click.echo(json.dumps(outcome.journal, indent=1))
        return outcome.exit_code
    click.echo(f"  {outcome}")
    for window in outcome.faults:
        click.echo(f"  fault: {window[2]}, from {window[0]:.1f} to {window[1]:.1f} s")
    if recovered := report.recovery(outcome):
        click.echo(f"  {recovered}")
    saved = report.write(outcome, course.out("chaos") / Path(experiment).stem)
    click.echo(f"  {saved.relative_to(course.root().parent).as_posix()}")
    return outcome.exit_code


def _named(variables: tuple[str, ...]) -> tuple[str, ...]:
    from services.errors import BacklabError

    for variable in variables:
        if "=" not in variable:
            raise BacklabError(f"--var {variable!r} has no value", "write it as NAME=VALUE")
    return variables
