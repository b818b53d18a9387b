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

    from services.doctor import Finding, examine, to_install

    findings: list[Finding] = examine()
    labs = _labs()
    needed = NEEDED | (set() if _in_containers() else {"postgres"})
    broken = {finding.name for finding in findings if not finding.ok and finding.name in needed}
    if as_json:
        click.echo(
            json.dumps(
                [{**asdict(f), "needed": f.name in needed, "labs": labs.get(f.name, [])} for f in findings],
                indent=1,
            )
        )
        return 2 if broken else 0
    for finding in findings:
        mark, colour = ("ok", "green") if finding.ok else ("--", "yellow")
        mark, colour = ("NO", "red") if finding.name in broken else (mark, colour)
        use = f"labs {', '.join(labs[finding.name])} run with it" if finding.name in labs else ""
        said = "; ".join(part for part in (finding.sentence, finding.next_step, use) if part)
        click.echo(f"{click.style(mark, fg=colour)} {finding.name:<10} {said}")
    apt, brew = to_install(findings)
    if apt:
        click.echo(f"the rest natively: apt install --no-install-recommends {apt}  (brew install {brew})")
        click.echo("  labs start their own: Debian's services may go (systemctl disable --now NAME)")
    click.echo("no lab can run here" if broken else "labs can run here")
    return 2 if broken else 0


def _labs() -> dict[str, list[str]]:
    """The labs that bring up each kind of server."""
    from backlab import course

    found: dict[str, list[str]] = {}
    for lab in course.labs():
        for kind in lab.servers:
            found.setdefault(kind, []).append(lab.id)
    return found


def _in_containers() -> bool:
    """Whether servers would run in containers, so that native programs are not needed."""
    from services import backends
    from services.errors import BacklabError

    try:
        return backends.choose() == "container"
    except BacklabError:
        return False
