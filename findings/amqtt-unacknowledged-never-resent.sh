#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# amqtt forgets QoS 1 messages that a subscriber had not acknowledged when its connection broke.
# Expected: on a reconnect with clean session 0 the server must send unacknowledged messages again, with their packet ids
#   (MQTT 3.1.1, 4.4 [MQTT-4.4.0-1]).
# Happens: CONNACK says "session present", the subscription stands and new messages come; of those that were under way
#   none comes again.
# Meets: consumers on mobile or Wi-Fi links, and those that acknowledge after writing to disk: each broken connection loses what
#   was under way, at "at least once".
# Do: another broker where messages count; amqtt for tests.
. "$(dirname "$0")/lib/finding.sh"
python_packages amqtt==0.12.1 pwdlib==0.3.1
export port
port=$(free_port)
cat >broker.yaml <<YAML
listeners:
  default: {type: tcp, bind: "127.0.0.1:$port"}
plugins:
  amqtt.plugins.authentication.FileAuthPlugin: {password_file: $work/passwords}
YAML
"$python" -c 'from pwdlib.hashers.argon2 import Argon2Hasher; print("user:" + Argon2Hasher().hash("finding"))' >passwords
start broker.log "$work/venv/bin/amqtt" -c broker.yaml
await_port "$port" broker.log
python3 - <<'PY'
import os

from mqtt import Client
from outcome import verdict

port = int(os.environ["port"])
print("expected: 50 unacknowledged messages come again after the reconnect, then the 51st")


def client(name, clean=False):
    return Client(port, name, clean=clean, user="user", password="finding")


logger = client("logger")
logger.subscribe("reading")
publisher = client("publisher", clean=True)
for number in range(50):
    publisher.publish("reading", str(number))
first = logger.messages(3)
logger.close()
logger = client("logger")
again = logger.messages(5)
publisher.publish("reading", "new")
new = [m.payload for m in logger.messages(3)]
print(f"first connection: {len(first)} came, none acknowledged; session present: {logger.session_present}; "
      f"came again: {len(again)}; then: {new}")
verdict(len(first) == 50 and logger.session_present and not again and new == [b"new"],
        "the session is there, what was under way is not")
PY
