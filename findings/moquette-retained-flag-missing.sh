#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# moquette sends retained messages without the retain flag when the subscription has QoS 1 or 2: old values look like new ones.
# Expected: a message that is sent because of a new subscription must have RETAIN 1 (MQTT 3.1.1, 3.3.1.3 [MQTT-3.3.1-8]).
# Happens: RETAIN is 1 for a subscription of QoS 0 and 0 for QoS 1 and 2, with and without wildcards: the careful subscriber
#   cannot tell a stored value from a live one.
# Meets: loggers and alarm handlers that skip retained messages: each reconnect writes the last values once more, with the time of
#   the reconnect, and old alarms ring again. Works with mosquitto, so it is found late.
# Do: a time in the payload; do not retain what is an event.
. "$(dirname "$0")/lib/finding.sh"
cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>io.moquette</groupId><artifactId>moquette-broker</artifactId><version>0.17</version>
  </dependency></dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=jars >/dev/null
ls jars/moquette-broker-0.17.jar
export port
port=$(free_port)
cat >Broker.java <<'JAVA'
import io.moquette.broker.Server;
import io.moquette.broker.config.MemoryConfig;
import java.util.Properties;

class Broker {
  public static void main(String[] arguments) throws Exception {
    var settings = new Properties();
    settings.setProperty("host", "127.0.0.1");
    settings.setProperty("port", arguments[0]);
    settings.setProperty("allow_anonymous", "true");
    settings.setProperty("persistence_enabled", "false");
    settings.setProperty("telemetry_enabled", "false");
    new Server().startServer(new MemoryConfig(settings));
    Thread.currentThread().join();
  }
}
JAVA
start broker.log java -cp 'jars/*' Broker.java "$port"
await_port "$port" broker.log
python3 - <<'PY'
import os

from mqtt import Client
from outcome import verdict

port = int(os.environ["port"])
print("expected: retain=True for each new subscription, retain=False for the live message")
publisher = Client(port, "publisher", clean=True)
publisher.publish("alarm/pump", "overheat", retain=True)
stored, subscribers = [], []
for topic_filter in ("alarm/pump", "alarm/+", "#"):
    for qos in (0, 1, 2):
        late = Client(port, f"late{len(stored)}", clean=True)
        late.subscribe(topic_filter, qos)
        stored += [(qos, m) for m in late.messages(5, 1)]
        print(f"new subscription {topic_filter}, QoS {qos}: {stored[-1][1].payload.decode()}, retain={stored[-1][1].retain}")
        subscribers.append(late)
present = Client(port, "present", clean=True)
present.subscribe("other/#")
publisher.publish("other/pump", "ok")
live = present.messages(2, 1)
print(f"live: {live[0].payload.decode()}, retain={live[0].retain}")
verdict(len(stored) == 9 and all(m.retain == (qos == 0) for qos, m in stored) and not live[0].retain,
        "with QoS 1 and 2 a stored message cannot be told from a live one")
PY
