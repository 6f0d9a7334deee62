#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RabbitMQ's MQTT plugin makes one topic of two: what is published to dev.1/temp arrives as dev/1/temp.
# Expected: topics are compared character by character, only "/" divides levels, a dot is a plain character
#   (MQTT 3.1.1, 4.7), and a subscriber gets only topics that match its filter (3.3.2.1).
# Happens: topics become AMQP routing keys, where the dot divides levels; on the way back every dot is a slash. A subscriber of
#   dev.1/temp gets what was published to dev/1/temp, under that name.
# Meets: device names with dots (v1.2, IP addresses, host names) and consumers that take the device from the topic's levels.
# Do: no dots in topics, or take the device's name from the payload.
. "$(dirname "$0")/lib/finding.sh"
otp='1:25.2.3+dfsg-1+deb12u4'
debian rabbitmq-server=3.10.8-1.1+deb12u1 erlang-{asn1,base,crypto,eldap,inets,mnesia,os-mon,parsetools,public-key,runtime-tools,ssl,syntax-tools,tools,xmerl}="$otp"
# Debian's start scripts name the folder that they are installed to.
erlang=$work/debian/usr/lib/erlang rabbitmq=$work/debian/usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8
sed -i "s#ROOTDIR=/usr/lib/erlang#ROOTDIR=$erlang#" "$erlang"/bin/erl "$erlang"/erts-*/bin/erl
port=$(free_port) amqp=$(free_port)
export port HOME=$work ERL_EPMD_PORT ERL_EPMD_ADDRESS=127.0.0.1 PATH=$erlang/bin:$PATH RABBITMQ_HOME=$rabbitmq
ERL_EPMD_PORT=$(free_port)
export RABBITMQ_MNESIA_BASE=$work/data RABBITMQ_LOG_BASE=$work/log RABBITMQ_CONF_ENV_FILE=$work/none \
  RABBITMQ_ENABLED_PLUGINS_FILE=$work/enabled RABBITMQ_CONFIG_FILE=$work/rabbitmq.conf RABBITMQ_NODENAME=finding@localhost \
  RABBITMQ_DIST_PORT=$(free_port) RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
echo '[rabbitmq_mqtt].' >enabled
printf '%s\n' "listeners.tcp.1 = 127.0.0.1:$amqp" "mqtt.listeners.tcp.1 = 127.0.0.1:$port" >rabbitmq.conf
start epmd.log "$erlang"/erts-*/bin/epmd
start broker.log "$rabbitmq/sbin/rabbitmq-server"
await_port "$port" broker.log
python3 - <<'PY'
import os

from mqtt import Client
from outcome import verdict

port = int(os.environ["port"])


def client(name):
    return Client(port, name, clean=True, user="guest", password="guest")


topics = ["dev.1/temp", "dev/1/temp", "10.0.0.7/temp"]
print(f"expected: the topics as they were published, {topics}; dev.1/temp only for its subscriber")
everything, one, publisher = client("everything"), client("one"), client("publisher")
everything.subscribe("#")
one.subscribe("dev.1/temp")
for topic in topics:
    publisher.publish(topic, topic)
seen = [(m.payload.decode(), m.topic) for m in everything.drain()]
seen_by_one = [(m.payload.decode(), m.topic) for m in one.drain()]
for to, arrived in seen:
    print(f"published to {to}, arrived as {arrived}")
print(f"subscriber of dev.1/temp: {seen_by_one}")
verdict(seen == [(t, t.replace(".", "/")) for t in topics] and len(seen_by_one) == 2,
        "dots arrive as slashes, and a subscriber of the one gets the other")
PY
