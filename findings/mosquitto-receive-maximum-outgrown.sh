#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A client with Receive Maximum 7 has 49 messages of mosquitto 2.0.11 under way after it acknowledged the first 7.
# Expected: the server must not have more QoS 1 and 2 messages unacknowledged than the client's Receive Maximum
#   (MQTT 5, 3.3.4 [MQTT-3.3.4-9]); an acknowledgement makes room for one.
# Happens: the first 7 keep to it. Then each PUBACK lets up to 7 more through, and the acknowledgements of one burst
#   multiply: 7 PUBACKs release 49. The same with a queue after a reconnect and with live messages.
# Meets: small clients with a fixed table of as many entries, and clients that acknowledge in batches after a disk sync: the spec
#   lets them disconnect (0x93 "receive maximum exceeded"), which loses them the connection with every batch.
# Do: acknowledge one at a time and wait, take more than you announced, or Receive Maximum 1 (which holds).
. "$(dirname "$0")/lib/finding.sh"
mosquitto_broker
python3 - <<'PY'
import os

from mqtt import Client
from outcome import verdict

port = int(os.environ["port"])
print("expected: as many messages under way as were announced, before and after the acknowledgements")


def run(maximum, queued):
    name = f"{'queued' if queued else 'live'}{maximum}"
    client = Client(port, name, version=5, receive_maximum=maximum)
    client.subscribe(name)
    if queued:
        client.disconnect()
    publisher = Client(port, "publisher", version=5, clean=True)
    for number in range(100):
        publisher.publish(name, str(number))
    if queued:
        client = Client(port, name, version=5, receive_maximum=maximum)
    first = client.messages()
    for message in first:
        client.acknowledge(message)
    second = client.messages()
    print(f"Receive Maximum {maximum}, {'queued' if queued else 'live'}: {len(first)} before the first PUBACK; "
          f"{len(second)} unacknowledged after {len(first)} PUBACKs")
    client.disconnect()
    return len(first), len(second)


found = [run(7, True), run(7, False), run(1, True)]
verdict(found[0][0] == found[1][0] == 7 and found[0][1] > 7 and found[1][1] > 7 and found[2] == (1, 1),
        "more than announced is under way after the first acknowledgements")
PY
