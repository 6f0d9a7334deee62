#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paho-mqtt's publish() returns an error while the connection is down, and sends that message all the same later.
# Expected: the manual says of the returned rc only "MQTT_ERR_SUCCESS" for success and MQTT_ERR_NO_CONN "if the client is not
#   currently connected"; so rc != 0 means not sent, try again. wait_for_publish() and is_published() raise for it too.
# Happens: with QoS 1 and 2 the message was queued. It goes out after the reconnect, before the ones that were tried again. With
#   QoS 0 the same rc means that it is gone.
# Meets: publishers with a retry loop around publish(): each attempt of an outage arrives, one a second for an
#   hour are 3600 copies.
# Do: with QoS 1 or 2 take rc 4 for "queued" (on_publish tells when it was acknowledged); bound the queue.
. "$(dirname "$0")/lib/finding.sh"
mosquitto_broker
python_packages paho-mqtt==2.2.0
"$python" - <<'PY'
import os
import threading

import paho.mqtt.client as paho

from mqtt import Client
from outcome import verdict

port = int(os.environ["port"])
print("expected: an attempt that reports an error does not arrive: one copy of the reading")
found = {}
for qos in (0, 1):
    reader = Client(port, "reader", clean=True)
    reader.subscribe("reading", 1)
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="sensor")
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    attempts = [client.publish("reading", f"21.5, attempt {n}", qos=qos) for n in (1, 2, 3)]
    results = [int(attempt.rc) for attempt in attempts]
    try:
        raised = attempts[0].is_published()
    except RuntimeError as error:
        raised = str(error)
    client.connect("127.0.0.1", port)
    client.loop_start()
    connected.wait(10)
    last = client.publish("reading", "21.5, attempt 4", qos=qos)
    last.wait_for_publish(10)
    arrived = [m.payload.decode() for m in reader.drain()]
    client.disconnect()
    client.loop_stop()
    reader.disconnect()
    print(f"QoS {qos}: rc of the attempts {[*results, int(last.rc)]} ({paho.error_string(results[0])}); arrived: {arrived}; "
          f"is_published(): {raised}")
    found[qos] = (set(results), len(arrived))
verdict(found == {0: ({4}, 1), 1: ({4}, 4)}, "three refused attempts of QoS 1 arrive; those of QoS 0 do not")
PY
