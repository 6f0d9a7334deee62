#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# HiveMQ CE answers "success" to each of 5000 messages for an absent subscriber, and keeps the first 1000.
# Expected: with QoS 1 the PUBACK passes responsibility to the server (MQTT 5, 4.3.2), and what a session cannot hold can be
#   told: reason code 0x97 "quota exceeded" exists for it (MQTT 5, 3.4.2.1).
# Happens: max-queue-size (1000) of each session is documented; that the publisher gets 0x00 for what is dropped is not what one
#   expects. No $SYS topic counts it, the log says nothing, and the subscriber gets the oldest messages, not the newest.
# Meets: a logger behind the broker is down for a night; every device reports full delivery.
# Do: set <queued-messages><max-queue-size> to the longest outage, and watch com.hivemq.messages.dropped.count in JMX.
. "$(dirname "$0")/lib/finding.sh"
cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>com.hivemq</groupId><artifactId>hivemq-community-edition-embedded</artifactId><version>2024.3</version>
  </dependency></dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=jars >/dev/null
ls jars/hivemq-community-edition-embedded-2024.3.jar
export port
port=$(free_port)
mkdir conf data extensions
cat >conf/config.xml <<XML
<hivemq>
  <listeners><tcp-listener><port>$port</port><bind-address>127.0.0.1</bind-address></tcp-listener></listeners>
  <anonymous-usage-statistics><enabled>false</enabled></anonymous-usage-statistics>
</hivemq>
XML
cat >Broker.java <<'JAVA'
import com.hivemq.embedded.EmbeddedHiveMQ;
import java.nio.file.Path;

class Broker {
  public static void main(String[] args) throws Exception {
    EmbeddedHiveMQ.builder().withConfigurationFolder(Path.of("conf")).withDataFolder(Path.of("data"))
        .withExtensionsFolder(Path.of("extensions")).build().start().join();
    Thread.currentThread().join();
  }
}
JAVA
start broker.log java -cp 'jars/*' Broker.java
await_port "$port" broker.log
python3 - <<'PY'
import collections
import os

from mqtt import Client
from outcome import verdict

port = int(os.environ["port"])
print("expected: 5000 successes and 5000 messages, or other codes for what is not kept")
logger = Client(port, "logger", version=5)
logger.subscribe("reading")
logger.disconnect()
publisher = Client(port, "publisher", version=5, clean=True)
codes = collections.Counter(publisher.publish("reading", str(n)) for n in range(5000))
logger = Client(port, "logger", version=5)
got = [int(m.payload) for m in logger.drain(5)]
print(f"PUBACK reason codes {dict(codes)}; session present: {logger.session_present}; "
      f"{len(got)} came, numbers {got[0]} to {got[-1]}")
dropped = [line for line in open("broker.log") if "drop" in line.lower()]
print(f"lines about it in the broker's log: {len(dropped)}")
verdict(codes == {0: 5000} and got == list(range(1000)) and not dropped, "4000 of 5000 acknowledged messages are gone")
PY
