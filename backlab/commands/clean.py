"""`backlab clean`: what labs wrote, and on request what was prepared for them."""

from __future__ import annotations

import shutil

import click


@click.command(name="clean")
@click.option("--caches", is_flag=True, help="Also prepared data, programs, jars and Java's caches.")
def command(caches: bool) -> None:
    """Remove the pictures in out/, and with --caches everything that was prepared to start quickly.

    \b
    Example: backlab clean --caches
    """
    from backlab import course
    from services import cache

    places = [course.root().parent / "out"] + ([cache.directory()] if caches else [])
    for place in places:
        if place.exists():
            size = sum(f.stat().st_size for f in place.rglob("*") if f.is_file() and not f.is_symlink())
            shutil.rmtree(place)
            click.echo(f"removed {place.name}/ ({size / 1e6:,.0f} MB)")
