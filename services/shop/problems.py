"""Errors as RFC 9457 problem documents, the same for every service of the shop."""

from __future__ import annotations

import httpx
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException


def problem(status: int, title: str, detail: str) -> JSONResponse:
    """A problem document: `title` names the kind of problem, `detail` this occurrence of it."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Let `app` answer every failure with a problem document and a status that says whose fault it is."""

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, "Not served", str(error.detail))

    @app.exception_handler(RequestValidationError)
    def misunderstood(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return problem(422, "Not understood", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    @app.exception_handler(PoolTimeout)
    def no_connection_free(request: Request, error: PoolTimeout) -> JSONResponse:
        return problem(503, "Overloaded", "no database connection became free in time; try again later")

    @app.exception_handler(DBAPIError)
    def database_gone(request: Request, error: DBAPIError) -> JSONResponse:
        return problem(503, "Database unavailable", "the database did not answer; try again later")

    @app.exception_handler(httpx.HTTPError)
    def neighbour_gone(request: Request, error: httpx.HTTPError) -> JSONResponse:
        return problem(502, "Neighbour unavailable", f"{type(error).__name__} from a service behind this one")
