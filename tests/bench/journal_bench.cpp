// SPDX-License-Identifier: Apache-2.0
// What the journal takes on one thread: append and group sync, and the same through the door
// (topic, decode, sequence check). Rounds alternate with plain write + fdatasync of the same bytes,
// the limit that the disk sets, and medians are compared. Each round reads back what it wrote.
//
// usage: bench_journal [MESSAGES] [GROUP] [ROUNDS] [FOLDER]
#include <fcntl.h>
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <vector>

#include "conformance/temporary_folder.hpp"
#include "ingest/topic_cache.hpp"
#include "simulator/temperature_schema.hpp"
#include "telemetry/core/journal_format.hpp"
#include "telemetry/ingest.hpp"
#include "telemetry/journal.hpp"

using namespace telemetry;

namespace {

constexpr std::size_t topics = 1'000;
constexpr std::int64_t start_ns = 1'795'248'000'000'000'000;

[[noreturn]] void fail(const std::string& what) {
  fmt::print(stderr, "bench_journal: {}\n", what);
  std::exit(1);
}

template <class T>
T require(Result<T> result) {
  if (!result) fail(to_string(result.error()));
  return *std::move(result);
}
void require(const Result<void>& result) {
  if (!result) fail(to_string(result.error()));
}

double now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Load {
  std::vector<std::string> topic;
  std::vector<std::string> payload;
  std::size_t bytes = 0;  // of all frames

  explicit Load(std::size_t messages) {
    for (std::size_t i = 0; i < messages; ++i) {
      const std::string sensor = fmt::format("sensor-{:03}", i % topics);
      topic.push_back(fmt::format("sensors/{}/temperature", sensor));
      payload.push_back(fmt::format(R"({{"temperature":{}.51,"humidity":41.2,"sensor_id":"{}",)"
                                    R"("timestamp":"2026-11-21T12:{:02}:{:02}.{:03}Z","seq":{}}})",
                                    i % 50 + 10, sensor, i / 60'000'000 % 60, i / 1'000'000 % 60,
                                    i / 1'000 % 1'000, i / topics + 10'000));
      bytes += core::frame_size(topic.back().size(), payload.back().size(), false);
    }
  }
  std::size_t size() const { return topic.size(); }
};

struct Cost {
  double seconds = 0;
  double cpu = 0;
};

Cost timed(const std::function<void()>& work) {
  const double began = now(CLOCK_MONOTONIC);
  const double cpu = now(CLOCK_THREAD_CPUTIME_ID);
  work();
  return {now(CLOCK_MONOTONIC) - began, now(CLOCK_THREAD_CPUTIME_ID) - cpu};
}

void check(Journal& journal, const Load& load) {
  const auto reader = journal.read_from(0);
  std::size_t read = 0;
  for (;;) {
    const auto frame = require(reader->next());
    if (!frame) break;
    if (frame->header.kind != core::FrameKind::message) continue;
    if (read == load.size() || frame->payload != load.payload[read]) fail("read back otherwise");
    ++read;
  }
  if (read != load.size()) fail(fmt::format("{} of {} messages read back", read, load.size()));
}

Cost append(const Load& load, std::size_t group, const std::string& folder) {
  auto journal = require(Journal::open({.path = folder}, system_environment({})));
  std::vector<Journal::Record> records(group);
  const Cost cost = timed([&] {
    for (std::size_t at = 0; at < load.size(); at += group) {
      const std::size_t count = std::min(group, load.size() - at);
      std::size_t bytes = 0;
      for (std::size_t i = 0; i < count; ++i) {
        records[i] = {};
        records[i].header.received_at = start_ns + static_cast<std::int64_t>(at + i);
        records[i].topic = load.topic[at + i];
        records[i].payload = load.payload[at + i];
        bytes += core::frame_size(records[i].topic.size(), records[i].payload.size(), false);
      }
      require(journal->reserve(bytes));
      const auto ticket = require(journal->append(std::span(records).first(count)));
      require(journal->sync(ticket));
    }
  });
  check(*journal, load);
  return cost;
}

Cost door(const Load& load, std::size_t group, const std::string& folder) {
  std::vector<Diagnostic> diagnostics;
  auto schema = require(Schema::parse(simulator::temperature_schema, "bench", diagnostics));
  auto schemas = require(SchemaSet::make({schema}, diagnostics));
  auto ingest = require(Ingest::open({}, {.path = folder}, schemas, system_environment({})));
  const auto door = ingest->make_door();
  const Cost cost = timed([&] {
    for (std::size_t i = 0; i < load.size(); ++i) {
      door->add({.topic = load.topic[i], .payload = load.payload[i], .qos = 1});
      if ((i + 1) % group == 0 || i + 1 == load.size()) require(door->commit());
    }
  });
  if (ingest->stats().valid != load.size()) fail("the door found a good message bad");
  check(ingest->journal(), load);
  return cost;
}

/// What the disk allows: as many bytes in as many groups, without frames, checksums, threads.
Cost plain(const Load& load, std::size_t group, const std::string& folder) {
  std::filesystem::create_directories(folder);
  const int file = ::open((folder + "/plain").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
  if (file < 0) fail("cannot write in " + folder);
  const std::vector<char> bytes(load.bytes / load.size() * group, 'x');
  const Cost cost = timed([&] {
    for (std::size_t at = 0; at < load.size(); at += group) {
      if (::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
          ::fdatasync(file) != 0) {
        fail("cannot write in " + folder);
      }
    }
  });
  ::close(file);
  return cost;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// A known topic is one look-up; an unknown one asks the trie.
void choose(std::size_t filters, std::size_t rounds) {
  std::vector<Diagnostic> diagnostics;
  std::vector<std::shared_ptr<const Schema>> schemas;
  for (std::size_t i = 0; i < filters; ++i) {
    schemas.push_back(require(Schema::parse(
        fmt::format("{{name: s{0}, version: '1.0', topic_pattern: 'site/{1}/+/line{0}/#', fields: "
                    "[{{name: x, type: any}}]}}",
                    i, i % 100),
        "bench", diagnostics)));
  }
  const auto set = require(SchemaSet::make(std::move(schemas), diagnostics));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < 10'000; ++i) {
    const std::size_t filter = i * 7919 % filters;
    names.push_back(fmt::format("site/{}/device{}/line{}/temperature", filter % 100, i, filter));
  }
  std::vector<double> known;
  std::vector<double> unknown;
  for (std::size_t round = 0; round < rounds; ++round) {
    TopicCache cache(names.size());
    const auto all = [&] {
      for (const std::string& name : names) {
        const KnownTopic* topic = cache.find(name, set.get());
        if (topic == nullptr || topic->schema == nullptr) fail("no schema for " + name);
      }
    };
    const double count = static_cast<double>(names.size());
    unknown.push_back(timed(all).cpu * 1e9 / count);
    known.push_back(timed(all).cpu * 1e9 / count);
  }
  fmt::print("choose among {} filters: known topic {:.0f} ns, unknown {:.0f} ns\n", filters,
             median(known), median(unknown));
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int index, std::size_t fallback) {
    return argc > index ? std::strtoull(argv[index], nullptr, 10) : fallback;
  };
  const std::size_t messages = number(1, 1'000'000);
  const std::size_t group = number(2, 5'000);
  const std::size_t rounds = number(3, 7);
  if (messages == 0 || group == 0 || rounds == 0) fail("usage: MESSAGES GROUP ROUNDS, all above 0");
  const Load load(messages);
  struct Way {
    const char* name;
    Cost (*run)(const Load&, std::size_t, const std::string&);
    std::vector<double> seconds = {}, cpu = {};
  };
  Way ways[] = {{"write + fdatasync", plain}, {"append + sync", append}, {"door", door}};
  for (std::size_t round = 0; round < rounds; ++round) {
    for (Way& way : ways) {
      const test::TemporaryFolder temporary;
      const std::string folder = argc > 4 ? argv[4] : temporary.path();
      const Cost cost = way.run(load, group, folder + "/bench-journal");
      std::filesystem::remove_all(folder + "/bench-journal");
      way.seconds.push_back(cost.seconds);
      way.cpu.push_back(cost.cpu);
    }
  }
  const auto count = static_cast<double>(messages);
  fmt::print("{} messages of {} bytes, {} a group, {} rounds, medians\n", messages,
             load.payload[0].size(), group, rounds);
  for (const Way& way : ways) {
    fmt::print("{:18} {:9.0f} msg/s {:6.0f} ns CPU/msg   {:.2f} of write + fdatasync\n", way.name,
               count / median(way.seconds), median(way.cpu) * 1e9 / count,
               median(ways[0].seconds) / median(way.seconds));
  }
  choose(10'000, rounds);
  return 0;
}
