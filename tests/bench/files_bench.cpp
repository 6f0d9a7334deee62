// SPDX-License-Identifier: Apache-2.0
// The file sink: readings, judged by the door before, become records, frames and synced files, with
// each compression in turn, round after round; beside it, in the same run, what a logger in Python
// does with the same records: json.dumps into one gzip file. Every file is unpacked again: all must
// hold the same text, a line for every row.
//
// usage: bench_files [ROWS] [ROUNDS] [FOLDER]
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "conformance/temporary_folder.hpp"
#include "frames.hpp"
#include "simulator/temperature_schema.hpp"
#include "telemetry/adapters/files.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/ingest.hpp"

using namespace telemetry;

namespace {

constexpr std::int64_t start_ns = 1'795'248'000'000'000'000;
constexpr std::uint64_t topics = 1'000;
constexpr std::size_t rows_per_write = 5'000;

[[noreturn]] void fail(const std::string& what) {
  fmt::print(stderr, "bench_files: {}\n", what);
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

double seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// One message a second from each topic, judged; the batches of the door.
std::vector<BatchPtr> judged(std::uint64_t rows, const std::string& folder) {
  std::vector<Diagnostic> diagnostics;
  std::vector<std::shared_ptr<const Schema>> schemas{
      require(Schema::parse(simulator::temperature_schema, "bench", diagnostics))};
  JournalOptions journal;
  journal.path = folder + "/journal";
  const auto ingest = require(Ingest::open(
      {}, journal, require(SchemaSet::make(schemas, diagnostics)), system_environment()));
  std::vector<BatchPtr> batches;
  ingest->on_durable([&](const BatchPtr& batch) { batches.push_back(batch); });
  const auto door = ingest->make_door();
  std::string payload;
  std::array<char, core::time_text_bytes_max> text{};
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::uint64_t noise = i * 2'654'435'761u % 1'000;
    const std::int64_t time = start_ns + static_cast<std::int64_t>(i) * 1'000'000;
    const std::string sensor = fmt::format("sensor-{:05}", i % topics);
    payload = fmt::format(R"({{"temperature":{}.{:02},"humidity":{}.{},"sensor_id":"{}",)"
                          R"("timestamp":"{}","seq":{}}})",
                          20 + noise / 100, noise % 100, 40 + noise % 7, noise % 10, sensor,
                          std::string_view(text.data(), core::format_time(time, text)), i / topics);
    const std::string topic = fmt::format("sensors/{}/temperature", sensor);
    door->add({.topic = topic,
               .payload = payload,
               .qos = 1,
               .received_at = time + static_cast<std::int64_t>(2'000'000 + noise * 997)});
    if (door->open_messages() == rows_per_write || i + 1 == rows) require(door->commit());
  }
  return batches;
}

struct Figures {
  double rows_per_s = 0;
  double cpu_ns = 0;
  double bytes_per_row = 0;
};

/// The text of all files, in the order of their names.
std::string text_of(const std::string& folder, FileCompression compression, std::uint64_t& bytes) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename() != ".lock") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::string text;
  for (const auto& path : paths) {
    if (path.extension() == ".part") fail(path.string() + " was not finished");
    std::ifstream in(path, std::ios::binary);
    const std::string all(std::istreambuf_iterator<char>(in), {});
    bytes += all.size();
    if (compression == FileCompression::none) {
      text += all;
      continue;
    }
    files::Unpacker unpacker(compression);
    std::span<const std::uint8_t> left(reinterpret_cast<const std::uint8_t*>(all.data()),
                                       all.size());
    std::vector<char> part(1 << 16);
    while (!left.empty()) {
      const auto step = unpacker.step(left, part);
      if (step.outcome == files::Unpacker::Outcome::damaged) fail(path.string() + " is damaged");
      text.append(part.data(), step.produced);
      left = left.subspan(step.consumed);
    }
  }
  return text;
}

Figures run(FileCompression compression, const std::vector<BatchPtr>& batches, std::uint64_t rows,
            const std::string& folder, std::string& expected) {
  FilesOptions options;
  options.base_path = folder;
  options.compression = compression;
  options.free_space_reserve_bytes = 0;
  const auto sink = make_files_sink(options, system_environment());
  require(sink->open());
  const double began = seconds(CLOCK_MONOTONIC);
  const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  std::uint64_t accepted = 0;
  for (const BatchPtr& batch : batches) {
    accepted += require(sink->write({1}, std::span(&batch, 1), {})).accepted;
  }
  if (require(sink->flush()) != batches.back()->last) fail("not all is durable");
  sink->close();
  Figures result;
  const auto count = static_cast<double>(rows);
  result.rows_per_s = count / (seconds(CLOCK_MONOTONIC) - began);
  result.cpu_ns = (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / count * 1e9;
  std::uint64_t bytes = 0;
  const std::string text = text_of(folder, compression, bytes);
  result.bytes_per_row = static_cast<double>(bytes) / count;
  if (accepted != rows || std::count(text.begin(), text.end(), '\n') != static_cast<long>(rows)) {
    fail(fmt::format("{} rows accepted, {} lines written, {} wanted", accepted,
                     std::count(text.begin(), text.end(), '\n'), rows));
  }
  if (expected.empty()) expected = text;
  if (text != expected) fail("two compressions hold different texts");
  std::filesystem::remove_all(folder);
  return result;
}

/// json.dumps of ready dicts into one gzip file of level 6, on the records that we wrote.
Figures python_peer(const std::string& expected, std::uint64_t rows, const std::string& folder) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/records.jsonl", std::ios::binary) << expected;
  const std::string script =
      "import gzip, json, os, time\n"
      "rows = [json.loads(line) for line in open('records.jsonl')]\n"
      "began, cpu = time.monotonic(), time.process_time()\n"
      "with gzip.open('peer.jsonl.gz', 'wt', compresslevel=6) as out:\n"
      "  for row in rows:\n"
      "    out.write(json.dumps(row, separators=(',', ':')) + '\\n')\n"
      "print(time.monotonic() - began, time.process_time() - cpu,"
      " os.path.getsize('peer.jsonl.gz'), sum(1 for _ in gzip.open('peer.jsonl.gz')))\n";
  std::ofstream(folder + "/peer.py") << script;
  FILE* pipe = popen(("cd " + folder + " && /usr/bin/python3 peer.py").c_str(), "r");
  double wall = 0, cpu = 0, bytes = 0, lines = 0;
  if (pipe == nullptr || fscanf(pipe, "%lf %lf %lf %lf", &wall, &cpu, &bytes, &lines) != 4 ||
      pclose(pipe) != 0 || lines != static_cast<double>(rows)) {
    fail("the peer in Python did not write all rows");
  }
  const auto count = static_cast<double>(rows);
  std::filesystem::remove_all(folder);
  return {count / wall, cpu / count * 1e9, bytes / count};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const std::string& name, const std::vector<Figures>& rounds, double peer) {
  std::vector<double> rates, cpu;
  for (const Figures& one : rounds) {
    rates.push_back(one.rows_per_s);
    cpu.push_back(one.cpu_ns);
  }
  fmt::print(
      "{:12} {:>10.0f} rows/s  {:>6.0f} ns CPU a row  {:>6.1f} bytes a row  {:>5.1f} x peer\n",
      name, median(rates), median(cpu), rounds[0].bytes_per_row, median(rates) / peer);
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int index, std::uint64_t fallback) {
    return argc > index ? std::strtoull(argv[index], nullptr, 10) : fallback;
  };
  const std::uint64_t rows = argument(1, 300'000);
  const std::uint64_t rounds = argument(2, 3);
  const test::TemporaryFolder temporary;
  const std::string folder = argc > 3 ? argv[3] : temporary.path();
  const auto batches = judged(rows, folder);
  const std::pair<const char*, FileCompression> kinds[] = {{"none", FileCompression::none},
                                                           {"gzip", FileCompression::gzip},
                                                           {"zstd", FileCompression::zstd},
                                                           {"lz4", FileCompression::lz4}};
  std::map<std::string, std::vector<Figures>> results;
  std::string expected;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    for (const auto& [name, compression] : kinds) {
      results[name].push_back(run(compression, batches, rows, folder + "/files", expected));
    }
    results["python gzip"].push_back(python_peer(expected, rows, folder + "/peer"));
  }
  std::vector<double> peer;
  for (const Figures& one : results["python gzip"]) peer.push_back(one.rows_per_s);
  fmt::print("{} rows of {} topics, medians of {} rounds\n", rows, topics, rounds);
  for (const auto& [name, compression] : kinds) print(name, results[name], median(peer));
  print("python gzip", results["python gzip"], median(peer));
  return 0;
}
