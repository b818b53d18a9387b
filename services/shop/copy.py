"""PostgreSQL's binary COPY format, written column by column with NumPy instead of value by value.

    column -> (lengths, bytes) --cumulative offsets--> every field at its place in one buffer

A row is a 16-bit field count, then per field a 32-bit length and its bytes, all big-endian (PostgreSQL
documentation, "COPY", section "Binary Format"). Values are never NULL here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
CHUNK_ROWS = 65_536


@dataclass(frozen=True)
class Field:
    """One column of a chunk: a row of `cells` per value, of which the first `lengths` bytes count."""

    cells: Bytes
    lengths: NDArray[np.int32]

    @classmethod
    def of(cls, values: NDArray[Any], kind: TypeEngine[Any]) -> Field:
        """Encode `values` (integers, microseconds since 1970, or UTF-8 bytes) as the column type `kind`."""
        if values.dtype.kind == "S":
            text = _matrix(values, values.dtype.itemsize)
            if isinstance(kind, JSONB):  # its binary form begins with a version number, 1
                text = np.hstack([np.ones((len(values), 1), np.uint8), text])
            used = text != 0
            return cls(text, (used * np.arange(1, text.shape[1] + 1)).max(axis=1).astype(np.int32))
        if isinstance(kind, DateTime):
            values = values - EPOCH_US
        big = np.ascontiguousarray(values.astype(values.dtype.newbyteorder(">")))
        width = big.dtype.itemsize
        return cls(_matrix(big, width), np.full(len(values), width, np.int32))


def _matrix(values: NDArray[Any], width: int) -> Bytes:
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), width)


def encode(fields: Sequence[Field]) -> bytes:
    """The rows of one chunk."""
    rows = len(fields[0].lengths)
    sizes = 2 + sum(4 + field.lengths.astype(np.int64) for field in fields)
    at = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    out = np.zeros(int(sizes.sum()), np.uint8)
    _place(out, at, _matrix(np.full(rows, len(fields), ">i2"), 2))
    at = at + 2
    for field in fields:
        _place(out, at, _matrix(field.lengths.astype(">i4"), 4))
        at = at + 4
        width = field.cells.shape[1]
        if (field.lengths == width).all():
            _place(out, at, field.cells)
        else:
            inside = np.arange(width) < field.lengths[:, None]
            out[(at[:, None] + np.arange(width))[inside]] = field.cells[inside]
        at = at + field.lengths
    return out.tobytes()


def _place(out: Bytes, at: NDArray[np.int64], cells: Bytes) -> None:
    for column in range(cells.shape[1]):
        out[at + column] = cells[:, column]


def stream(columns: Sequence[NDArray[Any]], kinds: Sequence[TypeEngine[Any]]) -> Iterator[tuple[bytes, int]]:
    """The whole COPY stream in pieces, each with the number of rows sent so far."""
    rows = len(columns[0])
    yield HEADER, 0
    for first in range(0, rows, CHUNK_ROWS):
        part = slice(first, first + CHUNK_ROWS)
        fields = [Field.of(column[part], kind) for column, kind in zip(columns, kinds, strict=True)]
        yield encode(fields), min(first + CHUNK_ROWS, rows)
    yield TRAILER, rows
