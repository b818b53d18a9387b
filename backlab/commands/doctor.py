"""`backlab doctor`: what this machine can run, told before anything starts."""

from __future__ import annotations

import json

import click


@click.command(name="doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def command(as_json: bool) -> int:
    """Say what this machine can run: Python, back end, Postgres, container engine, disk, memory.

    Exit code 0 when a lab can run here, 2 when it cannot; each line that is not well says what to do.

    \b
    Example: backlab doctor
    """
    from dataclasses import asdict

    from backlab.doctor import examine

    findings = examine()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            mark, colour = {"well": ("ok ", "green"), "note": ("-- ", "yellow")}.get(
                finding.state, ("NO ", "red")
            )
            click.echo(f"{click.style(mark, fg=colour)} {finding.what:<10} {finding.said}")
    return 2 if any(finding.state == "broken" for finding in findings) else 0
