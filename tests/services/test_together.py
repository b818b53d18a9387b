"""Several servers as one: all run, or none is left."""

from __future__ import annotations

import pytest

from services.errors import BacklabError, ServerError
from services.redis import Redis
from services.together import Block, all_at_once, together
from services.urls import libpq_url, sqlalchemy_url


def test_servers_run_together_and_are_gone_after_the_block() -> None:
    """Two of a kind, each its own."""
    pair = [Redis(), Redis()]
    with together(pair):
        assert [one.running for one in pair] == [True, True]
        assert pair[0].port != pair[1].port
    assert [one.running for one in pair] == [False, False]


def test_where_one_cannot_start_none_is_left() -> None:
    """The error is the one that it gave; the other is stopped, and so is one that never started."""
    well, ill = Redis(), Redis(settings={"maxmemory": "a lot"})
    with pytest.raises(ServerError, match="ended while it started"), together([well, ill]):
        pytest.fail("the block must not run")
    assert not well.running


def test_the_first_error_is_raised_after_every_call_has_ended() -> None:
    """Nothing goes on behind the caller's back."""
    done = []

    def fail() -> None:
        raise BacklabError("no", "try something else")

    with pytest.raises(BacklabError, match="no"):
        all_at_once([fail, lambda: done.append(1), lambda: done.append(2)], most=1)
    assert done == [1, 2]


def test_a_block_whose_start_fails_closes_what_had_started() -> None:
    """As a stage whose second server cannot start."""

    class Half(Block):
        def _start(self) -> None:
            self.redis = self._open.enter_context(Redis())
            raise BacklabError("the other half is missing", "look for it")

    half = Half()
    with pytest.raises(BacklabError, match="the other half"), half:
        pytest.fail("the block must not run")
    assert not half.redis.running


def test_an_address_has_two_spellings() -> None:
    """Each way, and what is spelt so already stays."""
    libpq, other = "postgresql://a@h/d", "postgresql+psycopg://a@h/d"
    assert (sqlalchemy_url(libpq), libpq_url(other)) == (other, libpq)
    assert (sqlalchemy_url(other), libpq_url(libpq)) == (other, libpq)
