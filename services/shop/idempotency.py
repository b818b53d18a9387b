"""The header `Idempotency-Key`, and what makes two requests the same one."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Header, Response
from pydantic import BaseModel

from services.shop.problems import Problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

Key = Annotated[
    str | None,
    Header(alias=HEADER, min_length=1, max_length=200, description="the same key and body have one effect"),
]


def fingerprint(*parts: BaseModel | str) -> str:
    """What a key is bound to: the whole request, in a form that does not depend on spaces or field order."""
    text = "\n".join(part if isinstance(part, str) else part.model_dump_json() for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()


def must_match(kept: str, asked: str, key: str) -> None:
    """Raise 422 unless the key was bound to the request that is asked now."""
    if kept != asked:
        detail = f"the key {key!r} was used before with another request; take a new key for a new request"
        raise Problem(422, "key-reused", "Key used for another request", detail)


def mark(response: Response, replayed: bool) -> None:
    """Say in the answer that it is an old one."""
    if replayed:
        response.headers[REPLAYED] = "true"
