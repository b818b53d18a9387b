"""`backlab load`: one Locust scenario, headless, against a shop of its own."""

from __future__ import annotations

import click


@click.command(name="load")
@click.argument("scenario", required=False)
@click.option("--users", default=8, show_default=True, help="Users of each kind together.")
@click.option("--seconds", default=10.0, show_default=True, help="How long.")
@click.option("--latency-ms", default=2.0, show_default=True, help="Delay between service and database.")
@click.option("--host", help="Aim at this address of 127.0.0.1 instead of a shop of its own.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON and nothing else.")
def command(
    scenario: str | None, users: int, seconds: float, latency_ms: float, host: str | None, as_json: bool
) -> int:
    """Run SCENARIO (none named: list them) and print pages, failures, latencies, statements a page.

    Exit code 0 when every request was answered, 1 when some were not, 2 when it could not run.

    \b
    Example: backlab load back_office --users 8 --seconds 10
    """
    from backlab.load import load, names

    if scenario is None:
        click.echo("\n".join(names()))
        return 0
    seen = load(scenario, users=users, seconds=seconds, latency_ms=latency_ms, host=host)
    summary = seen.summary()
    click.echo(summary.to_json(orient="index", indent=1) if as_json else summary.round(1).to_string())
    return int(bool(summary["failed"].sum()))
