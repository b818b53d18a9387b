"""`backlab run`: one lab, in this terminal, in a minute."""

from __future__ import annotations

import json
from dataclasses import asdict

import click


@click.command(name="run")
@click.argument("lab", default="4.2")
@click.option("--json", "as_json", is_flag=True, help="Print JSON at the end and nothing else.")
def command(lab: str, as_json: bool) -> int:
    """Run LAB as shipped: its experiments on real servers, its plots into out/LAB/, its checks.

    The exercises are not repaired yet, so some checks are red; that is where the learner begins.

    \b
    Example: backlab run 4.2
    """
    from backlab import course
    from backlab.authoring.run import run
    from backlab.screen import Screen

    place = course.lab(lab)
    with Screen(mute=as_json) as screen:
        result = run(place, screen)
        if as_json:
            click.echo(json.dumps(asdict(result), indent=1))
            return 0
        _closing(screen, result)
    return 0


def _closing(screen, result) -> None:  # type: ignore[no-untyped-def]  # Screen and Result, imported when needed
    """The checks, why they are red, and what to do next."""
    if result.checks:
        red = sum(not line.startswith("PASS") for line in result.checks)
        screen.say()
        screen.say(
            f"  {red} of {len(result.checks)} checks are red, as shipped: repairing them is the exercise"
        )
        for line in result.checks:
            screen.say(f"    {line}", "green" if line.startswith("PASS") else "yellow")
    screen.say()
    screen.say(
        f"  {result.seconds:.0f} s, {len(result.figures)} figures in out/{result.lab}/, nothing left running"
    )
    screen.say(f"  next: make open LAB={result.lab}   (or: backlab open {result.lab})", "bold")
