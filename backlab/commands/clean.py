"""`backlab clean`: what labs wrote, and on request what was prepared for them."""

from __future__ import annotations

import shutil

import click


@click.command(name="clean")
@click.option("--cache", "with_cache", is_flag=True, help="Also the prepared data directories and programs.")
def command(with_cache: bool) -> None:
    """Remove the pictures in out/, and with --cache everything that was prepared to start quickly.

    \b
    Example: backlab clean --cache
    """
    from backlab import course
    from services import cache

    places = [course.root().parent / "out"] + ([cache.directory()] if with_cache else [])
    for place in places:
        if place.exists():
            size = sum(f.stat().st_size for f in place.rglob("*") if f.is_file() and not f.is_symlink())
            shutil.rmtree(place)
            click.echo(f"removed {place.name}/ ({size / 1e6:,.0f} MB)")
