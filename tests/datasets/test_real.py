"""Real data: unchanged, sourced, and consistent."""

import hashlib

from datasets.cities import CITIES_CSV, cities
from datasets.names import PEOPLE


def test_the_cities_are_those_of_the_source():
    """SOURCES.md names the checksum of the committed file."""
    digest = hashlib.sha256(CITIES_CSV.read_bytes()).hexdigest()
    assert digest in (CITIES_CSV.parent / "SOURCES.md").read_text(encoding="utf-8")


def test_there_are_twenty_cities_and_each_determines_its_country():
    """City -> country -> currency and language, so that the columns are correlated as lab 4.2 needs it."""
    assert len({place.city for place in cities()}) == 20
    assert len({(place.country, place.currency, place.language) for place in cities()}) == len(
        {place.country for place in cities()}
    )
    assert [place.population_thousands for place in cities()] == sorted(
        (place.population_thousands for place in cities()), reverse=True
    )


def test_every_language_has_names():
    """No city's language is without given and family names."""
    assert {place.language for place in cities()} <= set(PEOPLE)
