"""`backlab clean`: what labs wrote, and on request what was prepared for them."""

from __future__ import annotations

import shutil
from pathlib import Path

import click


@click.command(name="clean")
@click.option("--caches", is_flag=True, help="Also prepared data and images, programs, jars, Java's caches.")
def command(caches: bool) -> None:
    """Remove the pictures in out/, and with --caches everything that was prepared to start quickly.

    A cohort's reports in out/grades/ stay.

    \b
    Example: backlab clean --caches
    """
    from backlab import course
    from services import cache

    grades = course.out("grades")
    out = sorted(place for place in grades.parent.glob("*") if place != grades)
    for place in [*out, *([cache.directory()] if caches else [])]:
        _remove(place)
    if caches:
        _forget_images()
    if grades.exists():
        click.echo("kept out/grades/, the reports of cohorts: remove it yourself when you no longer need it")


def _remove(place: Path) -> None:
    from services import cache

    size = cache.size_bytes(place)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink()
    click.echo(f"removed {place.name} ({cache.megabytes(size)})")


def _forget_images() -> None:
    from services.engine import Engine
    from services.errors import BacklabError

    try:
        engine = Engine.connect()
    except BacklabError:
        return  # without an engine there are no images
    from services import prepared_images  # takes 0.3 s to import

    if count := prepared_images.prune(engine, keep=0):
        click.echo(f"removed {count} prepared image{'s' if count > 1 else ''}")
