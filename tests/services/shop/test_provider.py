"""The payment provider: one charge per key, a record of every request, and nothing remembered wrongly."""

from __future__ import annotations

from collections import Counter
from functools import partial

import httpx
import pytest

from tests.services.shop.asking import at_once, problem

BODY = {"amount_cents": 1999, "currency": "EUR", "reference": "basket"}


@pytest.fixture
def provider(shop):
    """A client of the provider itself."""
    with httpx.Client(base_url=shop.url_of("provider"), timeout=30) as made:
        yield made


def charge(provider, key: str | None, **changed: object) -> httpx.Response:
    """A charge with a key, or without."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return provider.post("/charges", json={**BODY, **changed}, headers=headers)


def outcomes(provider, key: str) -> Counter:
    """What came of the requests with a key."""
    return Counter(entry["outcome"] for entry in provider.get("/audit", params={"key": key}).json())


def test_sixteen_requests_at_once_with_one_key_are_one_charge(provider):
    """The same charge for all; fifteen of them are told that it is an old one."""
    answers = at_once([partial(charge, provider, "at-once", reference="a")] * 16)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 15
    assert outcomes(provider, "at-once") == {"charged": 1, "replayed": 15}
    assert provider.get("/charges", params={"reference": "a"}).json()["count"] == 1


def test_the_same_key_with_another_amount_is_refused_and_changes_nothing(provider):
    """The first charge stays as it was, and the audit shows the attempt."""
    first = charge(provider, "changed", reference="b").json()
    problem(charge(provider, "changed", reference="b", amount_cents=1), 422, "key-reused")
    assert charge(provider, "changed", reference="b").json() == first
    assert outcomes(provider, "changed") == {"charged": 1, "refused": 1, "replayed": 1}


def test_the_body_s_form_does_not_matter_only_what_it_says(provider):
    """Other order of fields, other spaces: the same request."""
    first = charge(provider, "form", reference="c").json()
    text = '{ "reference": "c",  "currency": "EUR", "amount_cents": 1999 }'
    headers = {"Idempotency-Key": "form", "Content-Type": "application/json"}
    assert provider.post("/charges", content=text, headers=headers).json() == first


def test_without_a_key_each_request_is_a_charge(provider):
    """The provider cannot know that it was meant once."""
    at_once([partial(charge, provider, None, reference="d")] * 5)
    told = provider.get("/charges", params={"reference": "d"}).json()
    assert (told["count"], told["amount_cents"]) == (5, 5 * 1999)


def test_two_keys_are_two_charges(provider):
    """Two equal purchases are legal."""
    assert (
        charge(provider, "x", reference="e").json()["id"] != charge(provider, "y", reference="e").json()["id"]
    )


@pytest.mark.parametrize(
    "changed", [{"amount_cents": 0}, {"amount_cents": -5}, {"currency": "euro"}, {"reference": ""}]
)
def test_a_charge_that_makes_no_sense_is_not_understood(provider, changed):
    """And is not charged."""
    problem(charge(provider, None, **changed), 422, "not-understood")
