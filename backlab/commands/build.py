"""`backlab build`: make notebooks from sources, or see whether they still agree."""

from __future__ import annotations

import json

import click

from backlab.commands._which import which_labs


@click.command(name="build")
@which_labs
@click.option("--check", is_flag=True, help="Only compare the notebooks with their sources; execute nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(labs: tuple[str, ...], module: int | None, every: bool, check: bool, as_json: bool) -> int:
    """Make the learner's and the solved notebook of LABs from their sources.

    \b
    Example: backlab build 4.2
             backlab build --all --check
    """
    from backlab import course

    places = course.chosen(labs, module, every)
    return _compare(places, as_json) if check else _build(places, as_json)


def _build(places: list, as_json: bool) -> int:  # type: ignore[type-arg]  # of Place, imported when needed
    from dataclasses import asdict

    from backlab.authoring import run
    from backlab.authoring.build import build
    from backlab.authoring.notebook import assemble
    from backlab.authoring.source import read
    from backlab.screen import Screen

    built = []
    for place in places:
        with Screen() as screen:
            show = run.Watch(place, assemble(read(place)), screen)
            made = build(place, show)
        built.append(asdict(made))
        if not as_json:
            sizes = f"{made.learner_bytes / 1e3:.0f} kB"
            click.echo(f"built lab {place.id} in {made.seconds:.0f} s: {place.relative} ({sizes})")
            if made.kept:
                click.echo(f"  it held somebody's work, which is kept as {made.kept}")
    if as_json:
        click.echo(json.dumps(built, indent=1))
    return 0


def _compare(places: list, as_json: bool) -> int:  # type: ignore[type-arg]  # as above
    from backlab.authoring.build import drift

    found = {place.id: drift(place) for place in places}
    if as_json:
        click.echo(json.dumps(found, indent=1))
    for lab, lines in found.items() if not as_json else ():
        click.echo(
            f"lab {lab}: {'differs from its source; run `backlab build ' + lab + '`' if lines else 'agrees'}"
        )
        for line in lines:
            click.echo(f"  {line}")
    return 1 if any(found.values()) else 0
