"""One database address in two spellings: as libpq and psycopg take it, and as SQLAlchemy does."""

from __future__ import annotations

LIBPQ, SQLALCHEMY = "postgresql://", "postgresql+psycopg://"


def sqlalchemy_url(url: str) -> str:
    """A libpq URL as SQLAlchemy wants it, with psycopg 3 as its driver; one that is so already stays."""
    return url.replace(LIBPQ, SQLALCHEMY, 1)


def libpq_url(url: str) -> str:
    """SQLAlchemy's URL as libpq wants it; one that is so already stays."""
    return url.replace(SQLALCHEMY, LIBPQ, 1)
