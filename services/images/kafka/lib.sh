# Shared by run and record: where things lie, and how Java is called.
CONFIG=/opt/kafka/config/server.properties
FORMATTED=/opt/kafka/formatted
AOT=/opt/kafka/server.aot
DEFAULT_CLUSTER=5L6g3nShT-eMCtK--X86sw
LOGGER=org.slf4j.simpleLogger

java_options() { # the options of every Java here, one a line; KAFKA_HEAP_OPTS and the others as in the official image
    local word
    for word in ${KAFKA_HEAP_OPTS:--Xms128m -Xmx512m} \
        ${KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseSerialGC -XX:TieredStopAtLevel=1} \
        ${KAFKA_JMX_OPTS:-} ${KAFKA_OPTS:-} -XX:-UsePerfData \
        "-D$LOGGER.defaultLogLevel=${KAFKA_LOG4J_ROOT_LOGLEVEL:-info}" \
        "-D$LOGGER.log.org.apache.kafka.common.config.AbstractConfig=warn" \
        "-Dlog4j2.loggerContextFactory=org.apache.logging.log4j.simple.SimpleLoggerContextFactory" \
        "-D$LOGGER.showDateTime=true" "-D$LOGGER.showThreadName=false" "-D$LOGGER.showShortLogName=true"; do
        echo "$word"
    done
    local pairs pair
    IFS=, read -ra pairs <<<"${KAFKA_LOG4J_LOGGERS:-}"
    for pair in "${pairs[@]}"; do
        echo "-D$LOGGER.log.$pair"
    done
}

class_path() { # in one order, which the ahead-of-time cache depends on
    printf '%s:' /opt/kafka/libs/*.jar
}

setting() { # NAME: its last value in the configuration
    sed -n "s/^$1=//p" "$CONFIG" | tail -n 1
}

format() { # OPTIONS: Kafka's own tool
    java -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$(class_path)" kafka.tools.StorageTool format \
        --cluster-id "${CLUSTER_ID:-$DEFAULT_CLUSTER}" --config "$CONFIG" --ignore-formatted "$@"
}
