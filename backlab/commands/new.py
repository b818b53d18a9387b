"""`backlab new`: lay out an empty lab."""

from __future__ import annotations

import click


@click.command(name="new")
@click.argument("lab")
@click.argument("slug")
def command(lab: str, slug: str) -> None:
    """Lay out an empty lab.

    It builds, and `backlab prove` refuses it until it teaches.

    \b
    Example: backlab new 7.3 "slow traces"
    """
    from backlab import course
    from backlab.authoring import skeleton

    for path in skeleton.layout(lab, slug):
        click.echo(f"made {path.relative_to(course.root().parent).as_posix()}")
    click.echo(f"next: measure in a scratch file, write the source, `backlab build {lab}`")
