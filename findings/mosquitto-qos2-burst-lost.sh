#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mqtt.js publishes 500 messages of QoS 2 in one go to mosquitto 2.0.11: every callback reports success, 20 arrive.
# Expected: QoS 2 is for what may be neither lost nor doubled (MQTT 3.1.1, 4.3.3); after PUBREC the server owns the message.
#   max_inflight_messages (20) is described in mosquitto.conf(5) as the limit of outgoing messages.
# Happens: mosquitto holds 20 incoming QoS 2 messages of a client too. In 3.1.1 it answers PUBREC and PUBCOMP for the rest and
#   drops it, with nothing in the log. In MQTT 5 the rest is refused (0x97), since mqtt.js does not keep to the Receive
#   Maximum 20 of the CONNACK (MQTT 5, 3.3.4 [MQTT-3.3.4-7]); its callback has the error then.
# Meets: gateways that flush a backlog with `for (...) client.publish(..., {qos: 2})`; 3.1.1 is the default of mqtt.js. Clients
#   that keep at most 20 under way (paho, libmosquitto) lose nothing.
# Do: await each publish (or at most 20), or QoS 1 with deduplication, or max_inflight_messages 0 in mosquitto.conf.
. "$(dirname "$0")/lib/finding.sh"
mosquitto_broker
node_packages mqtt@5.16.0
cat >burst.js <<'JS'
const mqtt = require("mqtt");
const [version, together] = process.argv.slice(2).map(Number);
const client = mqtt.connect("mqtt://127.0.0.1:" + process.env.port, {protocolVersion: version, clientId: "gateway"});
client.on("connect", async () => {
  let ok = 0, failed = 0;
  for (let first = 0; first < 500; first += together)
    await Promise.all(Array.from({length: together}, (_, i) => new Promise((resolve) =>
      client.publish("reading", String(first + i), {qos: 2}, (error) => { error ? failed++ : ok++; resolve(); }))));
  console.log(ok + " " + failed);
  client.end();
});
JS
python3 - <<'PY'
import os
import struct
import subprocess

from mqtt import Client
from outcome import verdict

print("expected: what the publisher is told arrives: 500 for 500 successes")


def run(version, together):
    reader = Client(int(os.environ["port"]), "reader", clean=True)
    reader.subscribe("reading", 2)
    output = subprocess.run(["node", "burst.js", str(version), str(together)], stdout=subprocess.PIPE, text=True,
                            check=True, timeout=60).stdout
    ok, failed = map(int, output.split())
    got = set()
    while (found := reader.packet(2)) is not None:
        kind, _, body = found
        if kind == 3:
            reader.keep(found)
            message = reader.waiting.pop()
            got.add(message.payload)
            reader.send(0x50, struct.pack(">H", message.packet_id))
        elif kind == 6:
            reader.send(0x70, body[:2])
    reader.disconnect()
    print(f"MQTT {version}, {together} at a time: {ok} callbacks with success, {failed} with an error, {len(got)} arrived")
    return ok, failed, len(got)


burst, polite, burst5 = run(4, 500), run(4, 20), run(5, 500)
verdict(burst[:2] == (500, 0) and burst[2] < 250 and polite == (500, 0, 500) and burst5[1] > 0 and burst5[0] == burst5[2],
        "3.1.1: success for all of a burst, most of it lost; MQTT 5: what is lost is an error")
PY
