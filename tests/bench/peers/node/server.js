// SPDX-License-Identifier: Apache-2.0
// The gateway's live messages as a Node programmer would write them: mqtt.js in, ws out. A client
// sends {"type":"subscribe","topics":[...],"batch_ms":50}; without batch_ms each message is a text of
// its own. What several clients are sent is made once. Which clients want a topic is found out once
// for each topic, until somebody subscribes or leaves.
import mqtt from "mqtt";
import { WebSocketServer } from "ws";

const [brokerPort, port] = process.argv.slice(2).map(Number);
const waitingMax = 4 << 20; // bytes that wait for a client that does not read
const clients = new Set();
const wanted = new Map(); // topic -> clients

function matches(filter, topic) {
  const want = filter.split("/");
  const have = topic.split("/");
  for (let i = 0; i < want.length; ++i) {
    if (want[i] === "#") return true;
    if (i >= have.length || (want[i] !== "+" && want[i] !== have[i])) return false;
  }
  return want.length === have.length;
}

function whoWants(topic) {
  let found = wanted.get(topic);
  if (!found) {
    found = [...clients].filter((client) => client.topics.some((filter) => matches(filter, topic)));
    wanted.set(topic, found);
  }
  return found;
}

function send(client, data) {
  if (client.socket.bufferedAmount > waitingMax) {
    client.socket.terminate();
    return;
  }
  client.socket.send(data, { binary: false });
}

function flush(client) {
  client.timer = null;
  const batch = client.batch;
  client.batch = [];
  send(client, `{"type":"messages","data":[${batch.join(",")}]}`);
}

const source = mqtt.connect({ host: "127.0.0.1", port: brokerPort });
source.on("message", (topic, payload, packet) => {
  const interested = whoWants(topic);
  if (interested.length === 0) return;
  let value;
  try {
    value = JSON.parse(payload);
  } catch {
    return;
  }
  const record = JSON.stringify({
    topic,
    payload: value,
    timestamp: value.timestamp,
    received_at: new Date().toISOString(),
    device: value.sensor_id,
    schema: "temperature_sensor",
    retained: packet.retain,
  });
  let text;
  for (const client of interested) {
    if (client.batchMs > 0) {
      client.batch.push(record);
      client.timer ??= setTimeout(flush, client.batchMs, client);
    } else {
      text ??= Buffer.from(`{"type":"message","data":${record}}`);
      send(client, text);
    }
  }
});

const server = new WebSocketServer({ host: "127.0.0.1", port, perMessageDeflate: false });
server.on("connection", (socket) => {
  const client = { socket, topics: [], batchMs: 0, batch: [], timer: null };
  clients.add(client);
  socket.on("message", (data) => {
    const asked = JSON.parse(data);
    client.topics = asked.topics;
    client.batchMs = asked.batch_ms ?? 0;
    wanted.clear();
    socket.send('{"type":"subscribed"}');
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    clearTimeout(client.timer);
    clients.delete(client);
    wanted.clear();
  });
});
source.subscribe("sensors/+/temperature", { qos: 0 }, (error) => {
  if (error) throw error;
  console.log("ready");
});
