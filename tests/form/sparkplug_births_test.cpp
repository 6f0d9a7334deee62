// SPDX-License-Identifier: Apache-2.0
#include "form/sparkplug_bytes.hpp"
#include "form/support.hpp"

using namespace telemetry;
using namespace form_test;
using namespace sparkplug_bytes;

namespace {

const std::string node_birth = "spBv1.0/plant/NBIRTH/edge";
const std::string node_data = "spBv1.0/plant/NDATA/edge";
const std::string birth = "spBv1.0/plant/DBIRTH/edge/pump";
const std::string data = "spBv1.0/plant/DDATA/edge/pump";

/// What the form makes of messages one after the other.
struct Session {
  SparkplugBirths births;

  std::string read(const std::string& topic, std::string_view payload) {
    static const Form form = made({.form = "sparkplug_b"});
    Form::Scratch scratch;
    std::string out;
    const auto documents = form.read(payload, out, scratch, {topic, &births});
    return documents ? out : "error: " + documents.error().context;
  }
};

std::string born(std::string_view said, std::uint64_t number, std::uint64_t type) {
  return metric(name(said) + alias(number) + datatype(type));
}

}  // namespace

TEST_CASE("an alias has the name and the datatype that the birth said") {
  Session session;
  CHECK(session.read(data, metric(alias(1) + int_value(251))) == R"({"alias":1,"raw":251})");
  CHECK(session.read(birth, born("flow", 1, 1) + born("on", 2, 11)) ==
        "{\"name\":\"flow\",\"alias\":1,\"datatype\":\"Int8\"}\n"
        "{\"name\":\"on\",\"alias\":2,\"datatype\":\"Boolean\"}");
  CHECK(session.read(data, metric(alias(1) + int_value(251))) ==
        R"({"name":"flow","alias":1,"value":-5,"datatype":"Int8"})");
  CHECK(session.read("spBv1.0/plant/DCMD/edge/pump", metric(alias(2) + boolean_value(true))) ==
        R"({"name":"on","alias":2,"flag":true,"datatype":"Boolean"})");
  // What the message says itself counts.
  CHECK(session.read(data, metric(name("other") + alias(1) + int_value(251))) ==
        R"({"name":"other","alias":1,"raw":251})");
  CHECK(session.read(data, metric(alias(1) + datatype(5) + int_value(251))) ==
        R"({"name":"flow","alias":1,"value":251,"datatype":"UInt8"})");
  CHECK(session.read(data, metric(name("flow") + int_value(251))) ==
        R"({"name":"flow","value":-5,"datatype":"Int8"})");
  CHECK(session.read(data, metric(alias(1) + null())) ==
        R"({"name":"flow","alias":1,"null":true,"datatype":"Int8"})");
  // Members of templates have names of their own.
  CHECK(session.read(data, metric(content(18, content(2, alias(1) + int_value(251))))) ==
        R"({"template":{"metrics":[{"alias":1,"raw":251}],"parameters":[]}})");
  CHECK(session.read(data, metric(alias(2) + int_value(1))) ==
        "error: sparkplug_b: byte 0: a value of datatype Boolean is sent as int_value");
}

TEST_CASE("a birth is of one node or device") {
  Session session;
  session.read(birth, born("flow", 1, 3));
  const std::string asked = metric(alias(1) + int_value(1));
  const std::string unknown = R"({"alias":1,"raw":1})";
  for (const char* topic :
       {"spBv1.0/plant/DDATA/edge/fan", "spBv1.0/plant/DDATA/edge2/pump",
        "spBv1.0/plant2/DDATA/edge/pump", "spBv1.0/plant/NDATA/edge", "spBv1.0/plant/DDATA/edge",
        "spBv1.0/plant/DDATA/edge/pump/x", "spBv1.0/plant/XDATA/edge/pump", "spBv1.0", "a",
        "spAv1.0/plant/DDATA/edge/pump"}) {
    INFO(topic);
    CHECK(session.read(topic, asked) == unknown);
  }
  session.read("spBv1.0/plant/DDATA/edge/pump", born("wrong", 1, 3));
  CHECK(session.read(data, asked) == R"({"name":"flow","alias":1,"value":1,"datatype":"Int32"})");
}

TEST_CASE("a birth takes the place of what was said before") {
  Session session;
  session.read(birth, born("flow", 1, 3) + born("level", 2, 3));
  session.read(node_birth, born("load", 1, 3));
  const std::string first = metric(alias(1) + int_value(1));
  const std::string second = metric(alias(2) + int_value(1));
  // The node was born anew: its devices are not yet.
  CHECK(session.read(data, first) == R"({"alias":1,"raw":1})");
  CHECK(session.read(node_data, first) ==
        R"({"name":"load","alias":1,"value":1,"datatype":"Int32"})");
  session.read(birth, born("speed", 1, 3));
  CHECK(session.read(data, first) == R"({"name":"speed","alias":1,"value":1,"datatype":"Int32"})");
  CHECK(session.read(data, second) == R"({"alias":2,"raw":1})");
  CHECK(session.read(node_data, first) ==
        R"({"name":"load","alias":1,"value":1,"datatype":"Int32"})");
  // One that cannot be read is none.
  CHECK(session.read(birth, metric(name("x") + alias(1)) + "\x12").starts_with("error: "));
  CHECK(session.read(data, first) == R"({"name":"speed","alias":1,"value":1,"datatype":"Int32"})");
}

TEST_CASE("births of nodes whose names begin alike do not end each other") {
  Session session;
  session.read("spBv1.0/plant/DBIRTH/edge-2/pump", born("flow", 1, 3));
  session.read(node_birth, born("load", 1, 3));
  CHECK(session.read("spBv1.0/plant/DDATA/edge-2/pump", metric(alias(1))) ==
        R"({"name":"flow","alias":1,"datatype":"Int32"})");
}

TEST_CASE("an alias of two names stands for none") {
  Session session;
  session.read(birth, born("a", 0, 3) + born("b", 0, 3) + born("c", 1, 3) + born("c", 1, 3));
  CHECK(session.read(data, metric(alias(0))) == R"({"alias":0})");
  CHECK(session.read(data, metric(alias(1))) == R"({"name":"c","alias":1,"datatype":"Int32"})");
  CHECK(session.read(data, metric(name("b"))) == R"({"name":"b","datatype":"Int32"})");
}

TEST_CASE("what births say is kept within bounds") {
  const auto is_known = [](SparkplugBirths& births, const std::string& topic) {
    return births.find(topic) != nullptr;
  };
  SECTION("of a birth the first 10,000 metrics") {
    std::vector<std::string> names;
    std::vector<SparkplugBirths::Metric> metrics;
    for (std::size_t i = 0; i <= SparkplugBirths::metrics_max; ++i)
      names.push_back("m" + std::to_string(i));
    for (std::size_t i = 0; i < names.size(); ++i) metrics.push_back({names[i], i, true, 3});
    Session session;
    session.births.learn(birth, metrics);
    CHECK(session.read(data, metric(alias(9'999))) ==
          R"({"name":"m9999","alias":9999,"datatype":"Int32"})");
    CHECK(session.read(data, metric(alias(10'000))) == R"({"alias":10000})");
  }
  SECTION("10,000 nodes and devices, those that were asked for last") {
    SparkplugBirths births;
    const SparkplugBirths::Metric one{"m", 1, true, 3};
    const auto topic = [](const char* kind, std::size_t i) {
      return "spBv1.0/g/" + std::string(kind) + "/n" + std::to_string(i);
    };
    for (std::size_t i = 0; i < SparkplugBirths::nodes_max; ++i)
      births.learn(topic("NBIRTH", i), {&one, 1});
    CHECK(is_known(births, topic("NDATA", 0)));
    births.learn(topic("NBIRTH", SparkplugBirths::nodes_max), {&one, 1});
    CHECK(is_known(births, topic("NDATA", 0)));
    CHECK_FALSE(is_known(births, topic("NDATA", 1)));
    CHECK(is_known(births, topic("NDATA", 2)));
  }
  SECTION("64 MiB") {
    SparkplugBirths births;
    const std::string large(6 * 1024 * 1024, 'x');
    const SparkplugBirths::Metric one{large, 1, true, 3};
    for (int i = 0; i < 20; ++i) births.learn("spBv1.0/g/NBIRTH/n" + std::to_string(i), {&one, 1});
    int kept = 0;
    for (int i = 0; i < 20; ++i) kept += is_known(births, "spBv1.0/g/NDATA/n" + std::to_string(i));
    CHECK(kept == 10);
    CHECK(is_known(births, "spBv1.0/g/NDATA/n19"));
    // Room comes back.
    for (int i = 0; i < 20; ++i) births.learn("spBv1.0/g/NBIRTH/n" + std::to_string(i), {});
    kept = 0;
    for (int i = 0; i < 20; ++i) kept += is_known(births, "spBv1.0/g/NDATA/n" + std::to_string(i));
    CHECK(kept == 20);
  }
}
