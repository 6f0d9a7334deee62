// SPDX-License-Identifier: Apache-2.0
#include "served.hpp"

using served::Gateway;

TEST_CASE("requests are counted by route and kind of answer, queries by their time") {
  Gateway gateway(running::some_messages());
  for (const char* target : {"/api/data?topic=a/b", "/api/data", "/api/data?topik=a",
                             "/api/schemas/none", "/nowhere", "/api/data/latest"}) {
    (void)gateway.get(target);
  }
  const std::string text = gateway.get("/metrics").body;
  INFO(text);
  for (const char* line :
       {"http_requests_total{method=\"GET\",route=\"/api/data\",status=\"2xx\"} 2\n",
        "http_requests_total{method=\"GET\",route=\"/api/data\",status=\"4xx\"} 1\n",
        "http_requests_total{method=\"GET\",route=\"/api/schemas/{name}\",status=\"4xx\"} 1\n",
        "http_requests_total{method=\"\",route=\"\",status=\"4xx\"} 1\n",
        "http_request_duration_seconds_count{method=\"GET\",route=\"/api/data\"} 3\n",
        "\ndatabase_query_duration_seconds_count 3\n", "\ntelemetry_web_sockets 0\n"}) {
    CHECK_THAT(text, Catch::Contains(line));
  }
  CHECK_THAT(text, Catch::Contains("\nprocess_cpu_seconds_total ") &&
                       !Catch::Contains("\ntelemetry_disk_free_bytes 0\n"));
}
