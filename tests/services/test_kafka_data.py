"""The kept checkpoint is what the pinned Kafka's own tool writes; only times and checksums differ."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from services import kafka_data
from services.user import User

LENGTH = struct.Struct(">qi")  # base offset, length of what follows
RECORDS = 49  # after these two: epoch, magic, checksum, attributes, times, producer, number of records
CONTROL = 0x20


def batches(checkpoint: bytes) -> Iterator[tuple[bool, bytes]]:
    """Whether a batch is a control batch (which holds times), and its records."""
    at = 0
    while at < len(checkpoint):
        _, length = LENGTH.unpack_from(checkpoint, at)
        batch = checkpoint[at + LENGTH.size : at + LENGTH.size + length]
        yield bool(batch[10] & CONTROL), batch[RECORDS - 4 :]
        at += LENGTH.size + length


def test_the_kept_checkpoint_has_the_records_of_kafkas_own_tool(tmp_path: Path) -> None:
    """A newer Kafka with other features must not start from an older one's."""
    ours, theirs = (
        list(batches(b)) for b in (kafka_data.KEPT.read_bytes(), kafka_data.by_the_tool(tmp_path))
    )
    assert [control for control, _ in ours] == [True, False, True]
    assert ours[1] == theirs[1]
    assert b"metadata.version" in ours[1][1]


def test_each_directory_is_signed_for_its_node(tmp_path: Path) -> None:
    """Two directories of one cluster differ in node and directory id."""
    signed = []
    for node in (1, 2):
        data = tmp_path / str(node)
        data.mkdir()
        kafka_data.format_for(data, "c" * 22, node, User(None))
        lines = (data / "meta.properties").read_text().splitlines()
        signed.append(dict(line.split("=", 1) for line in lines))
    assert {each["cluster.id"] for each in signed} == {"c" * 22}
    assert [each["node.id"] for each in signed] == ["1", "2"]
    assert signed[0]["directory.id"] != signed[1]["directory.id"]
