"""Reads Kafka's protocol off the wire: requests by API key, answers.

    up    length (4 bytes) | API key (2) | its version (2) | correlation id (4) | client id …
    down  length (4 bytes) | correlation id (4) | …

Only these headers are read and the rest is skipped. A *statement* is a request, except the ones that open a
connection (ApiVersions, SaslHandshake, SaslAuthenticate), which count as `control`. Source: kafka.apache.org,
"A Guide To The Kafka Protocol"; names of KRaft's own APIs between brokers are left out and shown by number.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from chaos.wire.conversation import FramedConversation, NotThisProtocol
from chaos.wire.tally import Tally

HEADER = Struct(">Ihh")
LONGEST = 100 << 20  # the broker refuses longer ones too (socket.request.max.bytes)
HIGHEST_KEY, HIGHEST_VERSION = 200, 40
NAMES = dict(
    enumerate(
        """Produce Fetch ListOffsets Metadata LeaderAndIsr StopReplica UpdateMetadata ControlledShutdown
        OffsetCommit OffsetFetch FindCoordinator JoinGroup Heartbeat LeaveGroup SyncGroup DescribeGroups
        ListGroups SaslHandshake ApiVersions CreateTopics DeleteTopics DeleteRecords InitProducerId
        OffsetForLeaderEpoch AddPartitionsToTxn AddOffsetsToTxn EndTxn WriteTxnMarkers TxnOffsetCommit
        DescribeAcls CreateAcls DeleteAcls DescribeConfigs AlterConfigs AlterReplicaLogDirs DescribeLogDirs
        SaslAuthenticate CreatePartitions CreateDelegationToken RenewDelegationToken ExpireDelegationToken
        DescribeDelegationToken DeleteGroups ElectLeaders IncrementalAlterConfigs AlterPartitionReassignments
        ListPartitionReassignments OffsetDelete DescribeClientQuotas AlterClientQuotas
        DescribeUserScramCredentials AlterUserScramCredentials""".split()  # noqa: SIM905
    )
)
NAMES |= {57: "UpdateFeatures", 60: "DescribeCluster", 61: "DescribeProducers", 65: "DescribeTransactions"}
NAMES |= {66: "ListTransactions", 68: "ConsumerGroupHeartbeat", 69: "ConsumerGroupDescribe"}
NAMES |= {71: "GetTelemetrySubscriptions", 72: "PushTelemetry", 75: "DescribeTopicPartitions"}
NAMES |= {74: "ListConfigResources", 88: "StreamsGroupHeartbeat", 89: "StreamsGroupDescribe"}
NAMES |= {90: "DescribeShareGroupOffsets", 91: "AlterShareGroupOffsets", 92: "DeleteShareGroupOffsets"}
NAMES |= {76: "ShareGroupHeartbeat", 77: "ShareGroupDescribe", 78: "ShareFetch", 79: "ShareAcknowledge"}
CONTROL = {"SaslHandshake", "ApiVersions", "SaslAuthenticate"}


class Framer:
    """Cuts one direction into frames, in whatever pieces it arrives; `seen(key, version)` for each."""

    def __init__(self, seen: Callable[[int, int], None], shortest: int) -> None:
        self.seen, self.shortest = seen, shortest
        self.skip = 0  # bytes of the current frame that are still to come
        self.rest = b""

    def feed(self, data: bytes) -> None:
        """Count the frames whose header completes in `data`."""
        if self.skip >= len(data):
            self.skip -= len(data)
            return
        data, at, self.skip, self.rest = self.rest + data, self.skip, 0, b""
        while at + HEADER.size <= len(data):
            length, key, version = HEADER.unpack_from(data, at)
            if not self.shortest <= length <= LONGEST:
                raise NotThisProtocol(f"a frame of length {length}")
            self.seen(key, version)
            at += 4 + length
        if at > len(data):
            self.skip = at - len(data)
        else:
            self.rest = data[at:]


class KafkaConversation(FramedConversation):
    """One connection; once it is not Kafka's protocol (TLS), only `tally.opaque` knows of it."""

    def __init__(self, tally: Tally) -> None:
        super().__init__(tally, Framer(self._request, 8), Framer(self._answer, 4))

    def _request(self, key: int, version: int) -> None:
        if not (0 <= key <= HIGHEST_KEY and 0 <= version <= HIGHEST_VERSION):
            raise NotThisProtocol(f"API key {key} in version {version}")
        name = NAMES.get(key, f"API key {key}")
        self.messages_up += 1
        self.tally.statements += name not in CONTROL
        self.tally.control += name in CONTROL
        self.name(name)

    def _answer(self, key: int, version: int) -> None:  # where a request has these, an answer has its id
        self.messages_down += 1
        self.name("answer")


def as_json(tally: Tally) -> dict[str, object]:
    """All counts of a Kafka wire."""
    return tally.as_json({}, {}, rows=0)
