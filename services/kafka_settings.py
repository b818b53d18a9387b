"""What our Kafka is told unless the caller says otherwise: a small node, time-outs that fit into a lab."""

from __future__ import annotations

SMALL = {
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "group.coordinator.threads": "1",
    "log.cleaner.dedupe.buffer.size": str(8 << 20),  # of the heap, where the default takes 128 MB
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}
SOON = {  # in labs of 45 s nobody waits out a session of 45 s
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.min.heartbeat.interval.ms": "100",
    "group.share.min.session.timeout.ms": "1000",
    "group.share.min.heartbeat.interval.ms": "100",
    "group.share.min.record.lock.duration.ms": "1000",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "transaction.max.timeout.ms": "60000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "log.initial.task.delay.ms": "500",
    "log.retention.check.interval.ms": "1000",
    "log.cleaner.backoff.ms": "1000",
    "log.segment.delete.delay.ms": "1000",
}
PLAIN = {
    "auto.create.topics.enable": "false",
    "inter.broker.listener.name": "INTER",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": ",".join(
        f"{name}:PLAINTEXT" for name in ("DIRECT", "INTER", "CONTROLLER", "FAULTY")
    ),
}
DEFAULTS = {**SMALL, **SOON, **PLAIN}

_LOGGER = "org.slf4j.simpleLogger"
LOGGING = {
    f"{_LOGGER}.showDateTime": "true",
    f"{_LOGGER}.dateTimeFormat": "yyyy-MM-dd HH:mm:ss.SSS",
    f"{_LOGGER}.showThreadName": "false",
    f"{_LOGGER}.showShortLogName": "true",
    # 300 lines of settings, twice, would bury why a start has failed
    f"{_LOGGER}.log.org.apache.kafka.common.config.AbstractConfig": "warn",
    # Kafka asks Log4j for its levels; a full Log4j, which nobody logs to, would look up this machine's name
    "log4j2.loggerContextFactory": "org.apache.logging.log4j.simple.SimpleLoggerContextFactory",
}


def variable(name: str) -> str:
    """The environment variable by which the image takes a setting: dots, underscores and dashes are spelt."""
    return "KAFKA_" + name.replace("_", "__").replace("-", "___").replace(".", "_").upper()
