// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <new>

#include "form/support.hpp"

namespace {
std::size_t allocations = 0;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // GCC 14 sees free(), not its new
void* operator new(std::size_t bytes) {
  ++allocations;
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#pragma GCC diagnostic pop

using namespace form_test;

TEST_CASE("a warm scratch takes no memory, but one block a document of msgpack") {
  struct Asked {
    Specification specification;
    std::string payload;
    std::size_t blocks;
  };
  const std::string cbor = unhex("a2 6161 83 01 f93e00 c24101 7f626263ff 5f4101ff");
  for (const auto& [specification, payload, blocks] : std::vector<Asked>{
           {{.form = "value"}, "a text that is longer than a small string", 0},
           {{.form = "csv", .columns = {"a", "b"}}, "1,\"a long cell with \"\" within\"\n2,3", 0},
           {{.form = "csv", .header = true}, "a_long_name_of_a_column,b\n1,2", 0},
           {{.form = "pairs"}, "a=1;another_name_of_a_member=\"x;y\"", 0},
           {{.form = "cbor"}, cbor, 0},
           {{.form = "msgpack"}, unhex("82a16101a162d7ff1d6f34546553f100 01"), 2},
           {{.form = "senml"}, R"([{"bn":"a","n":"b","bv":0.1,"v":0.2},{"t":1e9,"v":1}])", 0},
           {{.form = "senml"}, unhex("81 a2 00 6161 03 63787878"), 0},
           {{.form = "sparkplug_b"}, unhex("12 0a 0a 01 74 20 09 65 00004841 12 02 1001 18 07"), 0},
           {{.form = "layout", .layout = {{"a", "i16be", 2}, {"b", "text", 3}}},
            unhex("00010002414243"),
            0},
           {{.form = "cbor", .unpack = {"json_text", "base64", "hex"}}, "\"YTE2MTc0MDE=\"", 0}}) {
    INFO(payload);
    const telemetry::Form form = made(specification);
    telemetry::Form::Scratch scratch;
    std::string out;
    bool all = true;
    std::size_t before = 0;
    for (int i = 0; i < 100; ++i) {
      if (i == 50) before = allocations;
      out.clear();
      all = static_cast<bool>(form.read(payload, out, scratch)) && all;
    }
    const std::size_t after = allocations;
    CHECK(all);
    CHECK(after - before == 50 * blocks);
  }
}
