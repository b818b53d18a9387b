"""A table of a data set: named columns of equal length, in the order of the database's columns."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]  # int32, int64 or bytes; checked when a Table is made


@dataclass(frozen=True)
class Table:
    """Columns as NumPy arrays: int32, int64 (also microseconds since 1970, UTC), or UTF-8 bytes (dtype S)."""

    name: str
    columns: dict[str, Column]

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of {self.name} differ in length: {lengths}")
        for name, column in self.columns.items():
            if column.dtype.kind != "S" and column.dtype not in (np.int32, np.int64):
                raise ValueError(f"column {self.name}.{name} is {column.dtype}; use int32, int64 or bytes")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, column: str) -> Column:
        return self.columns[column]

    def text(self, column: str) -> list[str]:
        """The values of a text column as Python strings."""
        return [value.decode() for value in self.columns[column].tolist()]

    def checksum(self) -> str:
        """SHA-256 over names, types and little-endian values of all columns, as hexadecimal digits."""
        digest = hashlib.sha256(f"{self.name}\n".encode())
        for name, column in self.columns.items():
            little = column.astype(column.dtype.newbyteorder("<"), copy=False)
            digest.update(f"{name} {little.dtype.str} {len(column)}\n".encode())
            digest.update(np.ascontiguousarray(little).tobytes())
        return digest.hexdigest()


def words(values: list[str] | tuple[str, ...]) -> NDArray[np.bytes_]:
    """Strings as an array of UTF-8 bytes."""
    return np.array([value.encode() for value in values], dtype=np.bytes_)


def ids(size: int) -> NDArray[np.int32]:
    """1 .. size."""
    return np.arange(1, size + 1, dtype=np.int32)
