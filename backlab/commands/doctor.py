"""`backlab doctor`: what this machine can run, told before anything starts."""

from __future__ import annotations

import json

import click

# Without these no lab starts; the rest is a remark (Redis, a container engine, images, memory)
NEEDED = {"python", "back end", "cache", "scratch"}


@click.command(name="doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def command(as_json: bool) -> int:
    """Say what this machine can run: Python, back end, servers, images, disk, memory.

    Exit code 0 when a lab can run here, 2 when it cannot; each line that is not well says what to do.

    \b
    Example: backlab doctor
    """
    from dataclasses import asdict

    from services.doctor import Finding, examine

    findings: list[Finding] = examine()
    needed = NEEDED | (set() if _in_containers() else {"postgres"})
    broken = {finding.name for finding in findings if not finding.ok and finding.name in needed}
    if as_json:
        click.echo(json.dumps([{**asdict(f), "needed": f.name in needed} for f in findings], indent=1))
        return 2 if broken else 0
    for finding in findings:
        mark, colour = ("ok", "green") if finding.ok else ("--", "yellow")
        mark, colour = ("NO", "red") if finding.name in broken else (mark, colour)
        said = "; ".join(part for part in (finding.sentence, finding.next_step) if part)
        click.echo(f"{click.style(mark, fg=colour)} {finding.name:<9} {said}")
    click.echo("no lab can run here" if broken else "labs can run here")
    return 2 if broken else 0


def _in_containers() -> bool:
    """Whether servers would run in containers, so that native programs are not needed."""
    from services import backends
    from services.errors import BacklabError

    try:
        return backends.choose() == "container"
    except BacklabError:
        return False
