"""Errors as RFC 9457 problem documents, the same for every service of the shop.

raise Problem(409, "sold-out", "Sold out", "only 3 of product 17 are left")
    ──▶ 409 application/problem+json {"type": "tag:backlab,2026:sold-out", "title": "Sold out", ...}
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from redis.exceptions import ConnectionError as RedisUnreachable
from redis.exceptions import TimeoutError as RedisTimeout
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
KINDS = "tag:backlab,2026:"  # RFC 9457 asks for a URI; a tag is one that nobody tries to open
RETRY_AFTER_S = 1


class Problem(Exception):
    """What a service answers instead of a result: `title` names the kind, `detail` this occurrence of it."""

    def __init__(self, status: int, kind: str, title: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.kind, self.title, self.detail, self.more = status, kind, title, detail, more

    def response(self) -> Response:
        """The problem document; where trying again makes sense, it says when."""
        body = {"type": f"{KINDS}{self.kind}", "title": self.title, "status": self.status}
        body |= {"detail": self.detail, **self.more}
        headers = {"Retry-After": str(RETRY_AFTER_S)} if self.status == 503 else None
        return JSONResponse(body, self.status, headers, MEDIA_TYPE)


class PassedOn(Exception):
    """A neighbour's problem, which becomes our answer as it is."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(f"a neighbour answered {answer.status_code}")
        self.answer = answer

    def response(self) -> Response:
        """The neighbour's document, with its word on when to try again."""
        kept = {name: value for name, value in self.answer.headers.items() if name.lower() == "retry-after"}
        return Response(self.answer.content, self.answer.status_code, kept, MEDIA_TYPE)


def missing(what: str, identity: object) -> Problem:
    """404: there is no `what` of this id."""
    return Problem(404, "not-found", "Not found", f"there is no {what} {identity}")


def unavailable(detail: str) -> Problem:
    """502: a service behind this one cannot be reached, or talks nonsense."""
    return Problem(502, "neighbour-unavailable", "Neighbour unavailable", detail)


def install(app: FastAPI) -> None:
    """Let `app` answer every failure with a problem document and a status that says whose fault it is."""
    for error, answer in ANSWERS.items():
        app.add_exception_handler(error, answer)


async def _told(_request: Request, error: Any) -> Response:
    response: Response = error.response()
    return response


async def _refused(_request: Request, error: Any) -> Response:
    """No such route, or not by this method."""
    response = Problem(error.status_code, "not-served", "Not served", str(error.detail)).response()
    response.headers.update(error.headers or {})
    return response


async def _misunderstood(_request: Request, error: Any) -> Response:
    errors = [{"where": ".".join(map(str, one["loc"])), "what": one["msg"]} for one in error.errors()]
    first = f"{errors[0]['where']}: {errors[0]['what']}"
    return Problem(422, "not-understood", "Not understood", first, errors=errors).response()


async def _no_connection_free(_request: Request, _error: Exception) -> Response:
    detail = "no database connection became free in time; try again later"
    return Problem(503, "overloaded", "Overloaded", detail).response()


async def _database_gone(_request: Request, _error: Exception) -> Response:
    detail = "the database did not answer; try again later"
    return Problem(503, "database-unavailable", "Database unavailable", detail).response()


async def _neighbour_late(_request: Request, _error: Exception) -> Response:
    detail = "a service behind this one did not answer in time; what it was asked to do may still happen"
    return Problem(504, "neighbour-late", "Neighbour too late", detail).response()


async def _neighbour_gone(_request: Request, error: Exception) -> Response:
    return unavailable(f"{type(error).__name__} from a service behind this one").response()


async def _our_fault(request: Request, error: Exception) -> Response:
    logging.getLogger("shop").error("%s %s", request.method, request.url.path, exc_info=error)
    return Problem(
        500, "defect", "Our fault", "this is a defect of the service; its log says more"
    ).response()


ANSWERS: Mapping[type[Exception], Any] = {
    Problem: _told,
    PassedOn: _told,
    HTTPException: _refused,
    RequestValidationError: _misunderstood,
    PoolTimeout: _no_connection_free,
    OperationalError: _database_gone,
    InterfaceError: _database_gone,
    RedisUnreachable: _database_gone,
    RedisTimeout: _database_gone,
    httpx.TimeoutException: _neighbour_late,
    httpx.HTTPError: _neighbour_gone,
    Exception: _our_fault,
}
