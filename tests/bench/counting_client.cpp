// SPDX-License-Identifier: Apache-2.0
// The least an ingester can do with this client library: libmosquitto with an external loop, QoS 1,
// acknowledged at once, counted, forgotten. What it costs is the floor for telemetry-edge; what it
// reaches is what broker, publisher and machine allow.
//
// usage: counting_client PORT COUNT FILTER   prints "ready" when subscribed, "done" after COUNT
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>

#include <cstdio>
#include <cstdlib>

namespace {

struct Client {
  const char* filter = nullptr;
  unsigned long long count = 0;
};

void on_connect(mosquitto* mosq, void* context, int code) {
  if (code != 0) std::exit(1);
  mosquitto_subscribe(mosq, nullptr, static_cast<Client*>(context)->filter, 1);
}

void on_subscribe(mosquitto*, void*, int, int, const int*) {
  std::puts("ready");
  std::fflush(stdout);
}

void on_message(mosquitto*, void* context, const mosquitto_message*) {
  ++static_cast<Client*>(context)->count;
}

int connect(mosquitto* mosq, int port) {
  mosquitto_property* properties = nullptr;
  mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, 3600);
  mosquitto_property_add_int16(&properties, MQTT_PROP_RECEIVE_MAXIMUM, 10'000);
  const int result = mosquitto_connect_bind_v5(mosq, "127.0.0.1", port, 60, nullptr, properties);
  mosquitto_property_free_all(&properties);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: counting_client PORT COUNT FILTER\n");
    return 2;
  }
  Client client{argv[3]};
  const auto wanted = std::strtoull(argv[2], nullptr, 10);
  mosquitto_lib_init();
  mosquitto* mosq = mosquitto_new("counting-client", false, &client);
  if (mosq == nullptr) return 1;
  mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
  mosquitto_connect_callback_set(mosq, on_connect);
  mosquitto_subscribe_callback_set(mosq, on_subscribe);
  mosquitto_message_callback_set(mosq, on_message);
  if (connect(mosq, std::atoi(argv[1])) != MOSQ_ERR_SUCCESS) return 1;
  bool done = false;
  while (true) {
    const bool writes = mosquitto_want_write(mosq);
    pollfd wait{mosquitto_socket(mosq), static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN), 0};
    if (poll(&wait, 1, 1'000) < 0) return 1;
    if ((wait.revents & POLLIN) != 0 && mosquitto_loop_read(mosq, 1) != MOSQ_ERR_SUCCESS) return 1;
    if (writes && mosquitto_loop_write(mosq, 1) != MOSQ_ERR_SUCCESS) return 1;
    mosquitto_loop_misc(mosq);
    if (!done && client.count >= wanted) {
      std::puts("done");
      std::fflush(stdout);
      done = true;
    }
  }
}
