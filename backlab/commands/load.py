"""`backlab load`: one Locust scenario, headless, against a shop of its own."""

from __future__ import annotations

from typing import Any

import click


@click.command(name="load")
@click.argument("scenario", required=False)
@click.option("--users", default=8, show_default=True, help="Users of each kind together.")
@click.option("--seconds", default=10.0, show_default=True, help="How long.")
@click.option("--latency-ms", type=float, help="Delay between service and database [the scenario's own].")
@click.option(
    "--shop", type=click.Choice(["one", "each"]), help="The shop in one process, or in one for each service."
)
@click.option(
    "--shape", type=click.Choice(["flat", "steps", "spike", "wave"]), help="How the number of users changes."
)
@click.option("--host", help="Aim at this address of 127.0.0.1 instead of a shop of its own.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON and nothing else.")
def command(scenario: str | None, users: int, seconds: float, as_json: bool, **chosen: Any) -> int:
    """Run SCENARIO (none named: list them) and print pages, failures, latencies; draw out/load/SCENARIO.png.

    Exit code 0 when every request was answered, 1 when some were not, 2 when it could not run.

    \b
    Example: backlab load back_office --users 8 --seconds 10
    """
    from backlab.stress.load import load, names

    if scenario is None:
        click.echo("\n".join(names()))
        return 0
    seen = load(scenario, users=users, seconds=seconds, **chosen)
    summary = seen.summary()
    if as_json:
        click.echo(summary.to_json(orient="index", indent=1))
    else:
        click.echo(summary.round(1).to_string())
        for what, count in seen.evidence.items():
            click.echo(f"{what}: {count:,}")
        click.echo(seen.plot().save(f"out/load/{scenario}.png"))
    return int(bool(summary["failed"].sum()))
