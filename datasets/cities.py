"""Twenty real cities with their population, country, currency and language (see real/SOURCES.md)."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CITIES_CSV = Path(__file__).parent / "real" / "cities.csv"


@dataclass(frozen=True)
class City:
    """A metropolis; `population_thousands` is rounded to the nearest hundred thousand people."""

    city: str
    population_thousands: int
    country: str
    currency: str
    language: str


@cache
def cities() -> tuple[City, ...]:
    """All cities, in the file's order (largest first)."""
    with CITIES_CSV.open(encoding="utf-8", newline="") as lines:
        return tuple(
            City(
                row["city"],
                int(row["population_thousands"]),
                row["country"],
                row["currency"],
                row["language"],
            )
            for row in csv.DictReader(lines)
        )
