"""`backlab images`: the servers' images, built here where no registry can be reached."""

from __future__ import annotations

import json

import click


@click.group(name="images", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the images that backlab can build, and whether the engine has them.

    \b
    Example: backlab images
             backlab images build postgres
    """
    if ctx.invoked_subcommand is not None:
        return
    from dataclasses import asdict

    from services.images import list_images

    states = list_images()
    if as_json:
        click.echo(json.dumps([asdict(state) for state in states], indent=1))
        return
    for state in states:
        origin = "built here" if state.ours else "from elsewhere"
        there = f"{origin}, {state.size_bytes / 1e6:,.0f} MB" if state.present else "not here"
        click.echo(f"{state.name:<10} {state.tag:<20} {there}")


@command.command(name="build")
@click.argument("names", nargs=-1, metavar="[IMAGE]...")
def build(names: tuple[str, ...]) -> None:
    """Build IMAGEs (all, if none is named); those that are up to date are skipped.

    \b
    Example: backlab images build
    """
    from services.images import build as build_images

    for tag in build_images(names or None, click.echo):
        click.echo(f"ready: {tag}")
