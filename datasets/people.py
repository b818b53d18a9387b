"""Customers in twenty real cities, as many in each as its population says; one in fifty is a company."""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from datasets.cities import cities
from datasets.names import ascii_only, given_and_family, invented
from datasets.seed import Ints, below, pick, stream
from datasets.table import Table, ids, words

COMPANY_EVERY = 50
SIGN_UP_START_US = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
SIGN_UP_SPAN_S = 4 * 365 * 86_400  # everybody has signed up before the first order of 2024


def is_company(customer_id: NDArray[np.int32] | Ints) -> NDArray[np.bool_]:
    """Which customer ids belong to companies (the B2B customers): every fiftieth."""
    return np.asarray(customer_id % COMPANY_EVERY == 0)


def customers(size: int, seed: int) -> Table:
    """The table of customers: id, name, email, city, country, currency, language, signed_up."""
    places = cities()
    city = pick(stream(seed, "customers.city"), [place.population_thousands for place in places], size)
    names, emails = _names(size, seed, [places[at].language for at in city.tolist()])
    signed_up_s = below(stream(seed, "customers.signed_up"), SIGN_UP_SPAN_S, size)
    return Table(
        "customers",
        {
            "id": ids(size),
            "name": words(names),
            "email": words(emails),
            "city": words([place.city for place in places])[city],
            "country": words([place.country for place in places])[city],
            "currency": words([place.currency for place in places])[city],
            "language": words([place.language for place in places])[city],
            "signed_up": SIGN_UP_START_US + signed_up_s * 1_000_000,
        },
    )


def _names(size: int, seed: int, languages: list[str]) -> tuple[list[str], list[str]]:
    known = {language: given_and_family(language) for language in sorted(set(languages))}
    draws = below(stream(seed, "customers.name"), 2**32, size).tolist()
    companies = iter(invented(stream(seed, "customers.company"), size // COMPANY_EVERY))
    names, emails = [], []
    for at, (draw, language) in enumerate(zip(draws, languages, strict=True), start=1):
        if at % COMPANY_EVERY == 0:
            company = next(companies)
            names.append(f"{company} Trading")
            emails.append(f"orders.{at}@{company.lower()}.example.com")
        else:
            given, family = known[language]
            first, last = given[draw % len(given)], family[draw // len(given) % len(family)]
            names.append(f"{first} {last}")
            emails.append(f"{ascii_only(first)}.{ascii_only(last)}.{at}@example.com".lower())
    return names, emails
