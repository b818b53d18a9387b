"""PostgreSQL's binary COPY format, written table by table with NumPy instead of value by value.

    rows of equal width:  count | length value | length text, padded | ...     one matrix per chunk
    mask out the padding                                                       one stream of bytes

A row is a 16-bit field count, then per field a 32-bit length and its bytes, all big-endian (PostgreSQL
documentation, "COPY", section "Binary Format"). Values are never NULL here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

Bytes = NDArray[np.uint8]

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
EPOCH_US = 946_684_800_000_000  # PostgreSQL counts from 2000-01-01, our columns from 1970
CHUNK_ROWS = 16_384  # a few megabytes: large enough for NumPy, small enough for the processor's cache


def stream(columns: Sequence[NDArray[Any]], kinds: Sequence[TypeEngine[Any]]) -> Iterator[tuple[bytes, int]]:
    """The whole COPY stream in pieces, each with the number of rows sent so far."""
    rows = len(columns[0])
    yield HEADER, 0
    for first in range(0, rows, CHUNK_ROWS):
        part = slice(first, first + CHUNK_ROWS)
        yield encode([column[part] for column in columns], kinds), min(first + CHUNK_ROWS, rows)
    yield TRAILER, rows


def encode(columns: Sequence[NDArray[Any]], kinds: Sequence[TypeEngine[Any]]) -> bytes:
    """The rows of one chunk (integers, microseconds since 1970, UTF-8 bytes), as the column types `kinds`."""
    rows = len(columns[0])
    cells = [_cell(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    width = 2 + sum(4 + cell.shape[1] for cell, _ in cells)
    matrix, used = np.empty((rows, width), np.uint8), np.ones((rows, width), np.bool_)
    matrix[:, :2] = _big_endian(np.full(rows, len(columns), np.int16))
    at = 2
    for cell, lengths in cells:
        end = at + 4 + cell.shape[1]
        matrix[:, at : at + 4] = _big_endian(lengths)
        matrix[:, at + 4 : end] = cell
        if (lengths < cell.shape[1]).any():
            used[:, at + 4 : end] = np.arange(cell.shape[1]) < lengths[:, None]
        at = end
    return (matrix if used.all() else matrix[used]).tobytes()


def _cell(values: NDArray[Any], kind: TypeEngine[Any]) -> tuple[Bytes, NDArray[np.int32]]:
    """The bytes of a column, one row per value, padded to the longest; and how many of them count."""
    rows = len(values)
    if values.dtype.kind != "S":
        cell = _big_endian(values - EPOCH_US if isinstance(kind, DateTime) else values)
        return cell, np.full(rows, cell.shape[1], np.int32)
    text = np.ascontiguousarray(values).view(np.uint8).reshape(rows, values.dtype.itemsize)
    lengths = np.strings.str_len(values).astype(np.int32)
    if isinstance(kind, JSONB):  # its binary form begins with a version number, 1
        return np.hstack([np.ones((rows, 1), np.uint8), text]), lengths + np.int32(1)
    return text, lengths


def _big_endian(values: NDArray[Any]) -> Bytes:
    big = np.ascontiguousarray(values.astype(values.dtype.newbyteorder(">")))
    return big.view(np.uint8).reshape(len(values), values.dtype.itemsize)
