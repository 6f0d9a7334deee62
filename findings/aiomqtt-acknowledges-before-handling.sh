#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An aiomqtt program that dies loses every QoS 1 message that waited in its queue, although the broker keeps its session.
# Expected: QoS 1 with clean_session=False is "at least once" (MQTT 3.1.1, 4.3.2): after a crash the broker sends again what the
#   program had not handled.
# Happens: messages are acknowledged as they come off the socket, into an unlimited queue in memory; `async for message in
#   client.messages` takes from that queue. The broker has forgotten them long before the loop's body runs.
# Meets: consumers whose body writes to a database: a slow database fills the queue, and a restart of the program loses it.
# Do: max_queued_incoming_messages does not help (it drops); use a client with manual acknowledgement (paho: manual_ack=True).
. "$(dirname "$0")/lib/finding.sh"
mosquitto_broker
python_packages aiomqtt==2.5.1 paho-mqtt==2.1.0
cat >consumer.py <<'PY'
import asyncio, os, sys
import aiomqtt

async def main():
    async with aiomqtt.Client("127.0.0.1", int(os.environ["port"]), identifier="consumer", clean_session=False) as client:
        await client.subscribe("reading", qos=1)
        print("subscribed", flush=True)
        async for message in client.messages:
            print(message.payload.decode(), flush=True)
            await asyncio.sleep(float(sys.argv[1]))  # the slow database

asyncio.run(main())
PY
"$python" - <<'PY'
import os
import subprocess
import sys
import time

from mqtt import Client
from outcome import verdict

print("expected: 200 messages, less those handled before the program was killed, come after its restart")
port = int(os.environ["port"])


def consumer(pause):
    process = subprocess.Popen([sys.executable, "consumer.py", str(pause)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "subscribed\n"
    return process


first = consumer(600)
publisher = Client(port, "publisher", clean=True)
for number in range(200):
    publisher.publish("reading", str(number))
handled = [first.stdout.readline().strip()]
time.sleep(3)
first.kill()
first.wait()
second = consumer(0)
publisher.publish("reading", "after the restart")
while handled[-1] != "after the restart":
    handled.append(second.stdout.readline().strip())
second.kill()
second.wait()
print(f"handled before the kill: {handled[:1]}; after the restart: {handled[1:]}; lost: {200 - len(handled) + 1}")
verdict(handled == ["0", "after the restart"], "199 of 200 messages of QoS 1 are lost, with a persistent session")
PY
