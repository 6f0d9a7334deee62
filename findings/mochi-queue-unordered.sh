#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mochi sends what waited for an absent subscriber in no order, all at once, and some of it twice.
# Expected: messages of one topic and QoS come in the order in which they were published (MQTT 5, 4.6), and at most Receive
#   Maximum of them before an acknowledgement (MQTT 5, 3.3.4 [MQTT-3.3.4-9]).
# Happens: the queue of a session is a map, walked in the order of Go's maps. Readings of one sensor arrive shuffled, and a
#   client that said Receive Maximum 10 gets all 1000 without having acknowledged one.
# Meets: whoever keeps the last value per topic (an older one overwrites a newer one after each reconnect), and small clients
#   that count on Receive Maximum.
# Do: order by a time or number in the payload; keep a subscriber of mochi connected.
. "$(dirname "$0")/lib/finding.sh"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

func main() {
	server := mqtt.New(nil)
	check(server.AddHook(new(auth.AllowHook), nil))
	check(server.AddListener(listeners.NewTCP(listeners.Config{ID: "tcp", Address: "127.0.0.1:" + os.Getenv("port")})))
	fmt.Println("mochi", mqtt.Version)
	check(server.Serve())
	select {}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
GO
go mod init finding 2>/dev/null
go get github.com/mochi-mqtt/server/v2@v2.7.9 2>/dev/null
go mod tidy 2>/dev/null
go build -o broker .
go list -m github.com/mochi-mqtt/server/v2
export port
port=$(free_port)
start broker.log ./broker
await_port "$port" broker.log
python3 - <<'PY'
import os

from mqtt import Client
from outcome import verdict

port = int(os.environ["port"])
print("expected: ten messages before the first acknowledgement, then the rest; numbers 0 to 999 in order")
logger = Client(port, "logger", version=5, receive_maximum=10)
logger.subscribe("reading")
logger.disconnect()
publisher = Client(port, "publisher", version=5, clean=True)
for number in range(1000):
    publisher.publish("reading", str(number))
logger = Client(port, "logger", version=5, receive_maximum=10)
early = logger.messages(3)
for message in early:
    logger.acknowledge(message)
got = [int(m.payload) for m in early + logger.drain(3)]
print(f"before the first acknowledgement: {len(early)}; in all {len(got)}, {len(set(got))} different ones; "
      f"the first: {got[:8]}")
verdict(len(early) == 1000 and set(got) == set(range(1000)) and got[:1000] != sorted(got[:1000]),
        "all at once and in no order")
PY
