"""Prepare a database for the shop, before its first process starts: `python -m services.shop.prepare`.

an empty database ──▶ the seeded seven tables ──▶ the shop's own, empty        (what is there already stays)
"""

from __future__ import annotations

import argparse
import sys

import psycopg

from datasets.shop import SIZES
from services.errors import BacklabError
from services.shop import load, records
from services.shop.settings import Settings
from services.urls import libpq_url


def prepare(url: str, size: str, seed: int) -> bool:
    """Make what the SQLAlchemy `url` lacks; True when it was filled. Safe to repeat."""
    libpq = libpq_url(url)
    with psycopg.connect(libpq) as connection:
        found = connection.execute("SELECT to_regclass('public.products')").fetchone()
    is_empty = found is None or found[0] is None
    if is_empty:
        load.fill(libpq, size, seed)
    records.create(url)
    return is_empty


def main() -> None:
    """Prepare the database of the settings."""
    parser = argparse.ArgumentParser(
        prog="python -m services.shop.prepare", description="Fill a database for the shop."
    )
    parser.add_argument("--size", choices=SIZES, default="S")
    parser.add_argument("--seed", type=int, default=42)
    asked = parser.parse_args()
    try:
        url = Settings.from_environment().database_url
        if not url:
            raise BacklabError("SHOP_DATABASE_URL is not set", "name the database that is to be prepared")
        filled = prepare(url, asked.size, asked.seed)
    except BacklabError as why:
        print(why, file=sys.stderr)
        sys.exit(2)
    print(f"the shop of size {asked.size}, seed {asked.seed}" if filled else "the shop is there already")


if __name__ == "__main__":
    main()
