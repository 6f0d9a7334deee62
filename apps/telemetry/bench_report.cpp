// SPDX-License-Identifier: Apache-2.0
// The table, the JSON object, and what follows from the figures. An advice stands only where a
// figure supports it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench.hpp"
#include "output.hpp"

namespace telemetry::command_line::bench {
namespace {

constexpr double margin = 0.5;           // of what was reached is planned with
constexpr double sync_too_fast_us = 20;  // no disk that really writes is so fast
constexpr double sync_slow_us = 5'000;   // SD cards, USB sticks, disks that turn
constexpr double stall_ms = 1'000;
constexpr double default_queue_messages = 1'000;  // mosquitto's max_queued_messages
constexpr std::uint16_t window_for_slow_disks = 5'000;
constexpr std::size_t line_columns = 90;

std::string grouped(double number) {
  std::string digits = fmt::format("{:.0f}", std::round(number));
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

/// Two or three digits that a person may plan with: 48,213 -> 48,000.
std::string rounded(double number) {
  if (number < 100) return fmt::format("{:.3g}", number);
  const double step = std::pow(10, std::floor(std::log10(number)) - 1);
  return grouped(std::floor(number / step) * step);
}

std::string duration(double seconds) {
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7'200) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{:.0f} h", seconds / 3'600);
  if (seconds < 3 * 365 * 86'400.0) return fmt::format("{:.0f} days", seconds / 86'400);
  return fmt::format("{:.0f} years", seconds / 365 / 86'400);
}

std::string size(double bytes) {
  if (bytes < 10e9) return rounded(bytes / 1e6) + " MB";
  return rounded(bytes / 1e9) + " GB";
}

std::string microseconds_text(double us) {
  return us < 1'000 ? fmt::format("{:.0f} us", us) : fmt::format("{:.1f} ms", us / 1e3);
}

std::string names(const DiskFigures& disk) { return fmt::format("{} ({})", disk.folder, disk.use); }

class Adviser {
 public:
  Adviser(const Run& run, const MqttOptions& broker, const Figures& figures)
      : run_(run), broker_(broker), figures_(figures) {}

  std::vector<std::string> all() {
    capacity();
    for (const DiskFigures& disk : figures_.disks) sync(disk);
    outage();
    disk_space();
    if (figures_.broker.skipped.empty()) {
      window();
      broker_queue();
      latency();
    }
    return std::move(out_);
  }

 private:
  template <class... T>
  void add(fmt::format_string<T...> format, T&&... values) {
    out_.push_back(fmt::format(format, std::forward<T>(values)...));
  }

  void capacity() {
    const BrokerFigures& broker = figures_.broker;
    if (broker.skipped.empty()) {
      rate_ = broker.messages_per_s * margin;
      add("From broker to rows this machine took {} messages/s, with the publisher beside it. "
          "Plan with half of it, {} messages/s: the rest is for bursts, for catching up and for "
          "queries.",
          rounded(broker.messages_per_s), rounded(rate_));
      return;
    }
    rate_ = example_rate;
    const double decode = 1e9 / slowest_decode_ns();
    const std::pair<const char*, double> parts[] = {{"decoder", decode},
                                                    {"journal", figures_.journal.messages_per_s},
                                                    {"store", figures_.store.rows_per_s}};
    const auto narrowest =
        std::ranges::min_element(parts, {}, [](const auto& p) { return p.second; });
    add("End to end was not measured. {}. Of the other parts the {} is the narrowest, {} "
        "messages/s; with a broker it is less. Start one and repeat, or name one with --broker.",
        broker.skipped, narrowest->first, rounded(narrowest->second));
  }

  [[nodiscard]] double slowest_decode_ns() const {
    double slowest = 0;
    for (const DecodeFigures& decode : figures_.decode)
      slowest = std::max(slowest, decode.decode_ns);
    return slowest;
  }

  void sync(const DiskFigures& disk) {
    if (disk.in_memory) {
      add("{} is in memory (tmpfs): a power cut takes everything with it. Set {} to a folder on a "
          "disk.",
          names(disk),
          disk.use == "journal"    ? "journal.path"
          : disk.use == "database" ? "storage.sqlite.path"
                                   : "journal.path and storage.sqlite.path");
      return;
    }
    if (disk.sync_p50_us < sync_too_fast_us) {
      add("{}: a sync takes {}. No disk writes so fast: a cache says \"done\" first. Unless it has "
          "a battery or capacitors, a power cut can take acknowledged messages; ask the maker, or "
          "turn the write cache off (hdparm -W0).",
          names(disk), microseconds_text(disk.sync_p50_us));
    }
    if (disk.use == "database") return;  // it is synced at checkpoints only
    if (disk.sync_p50_us > sync_slow_us) {
      slow_sync(disk);
    } else if (disk.sync_p99_us > stall_ms * 1e3) {
      add("{}: one sync in a hundred takes {} or longer, and its acknowledgements wait for it. "
          "Publishers need room for that many messages; what else writes to this disk?",
          names(disk), microseconds_text(disk.sync_p99_us));
    }
  }

  // The program waits four syncs by itself, but 20 ms at the most.
  void slow_sync(const DiskFigures& disk) {
    const double wanted_ms = std::ceil(disk.sync_p50_us * 4 / 1e3);
    const double interval_ms = static_cast<double>(run_.pipeline.ingest.sync_interval_ns) / 1e6;
    const double coalesce_ms = static_cast<double>(broker_.coalesce_ns) / 1e6;
    std::string text = fmt::format(
        "{}: a sync takes {}: as slow as an SD card, a USB stick or a disk with other work.",
        names(disk), microseconds_text(disk.sync_p50_us));
    if (wanted_ms > 20 && interval_ms < wanted_ms) {
      text += fmt::format(
          " Set journal.sync_interval_ms: {:.0f} (now {:g}): each sync then covers "
          "more messages, and a card wears less.",
          wanted_ms, interval_ms);
    }
    if (coalesce_ms < 2) {
      text += fmt::format(" Set mqtt.coalesce_ms: 2 (now {:g}).", coalesce_ms);
    }
    out_.push_back(text + " Messages are acknowledged later, none is lost.");
  }

  void outage() {
    const double bytes = static_cast<double>(run_.pipeline.journal.size_max_bytes);
    const double seconds = bytes / (rate_ * figures_.journal.frame_bytes);
    add("While the store is away the journal holds {} at {} messages/s, {} at a tenth of that "
        "({:.0f} bytes a message, journal.size_max_mb: {}). For longer raise journal.size_max_mb; "
        "an hour at {} messages/s takes {}.",
        duration(seconds), rounded(rate_), duration(seconds * 10), figures_.journal.frame_bytes,
        run_.pipeline.journal.size_max_bytes / 1024 / 1024, rounded(rate_),
        size(rate_ * 3'600 * figures_.journal.frame_bytes));
    const DiskFigures& disk = figures_.disks.front();
    if (static_cast<double>(disk.free_bytes) < bytes) {
      add("{}: only {} MB are free, less than journal.size_max_mb: {}. Lower it, or the disk is "
          "full before the journal is.",
          names(disk), grouped(static_cast<double>(disk.free_bytes) / 1e6),
          run_.pipeline.journal.size_max_bytes / 1024 / 1024);
    }
  }

  void disk_space() {
    const DiskFigures& disk = figures_.disks.back();
    const double free_bytes = static_cast<double>(disk.free_bytes);
    const double per_s = rate_ * figures_.store.row_bytes;
    add("The database grows by {} a day at {} messages/s ({:.0f} bytes a row); the {} that are "
        "free "
        "last {}.",
        size(per_s * 86'400), rounded(rate_), figures_.store.row_bytes, size(free_bytes),
        duration(free_bytes / per_s));
  }

  // A message stays under way for several syncs: few under way are a limit of their own then.
  void window() {
    const double turn_us = run_.in_flight_max / figures_.broker.messages_per_s * 1e6;
    const double sync_us = figures_.disks.front().sync_p50_us;
    if (turn_us > sync_us * 10 || run_.in_flight_max >= window_for_slow_disks) return;
    add("With a sync of {} the end-to-end rate may be limited by the {} messages that this run "
        "lets "
        "be under way. If the broker has max_queued_messages 0, repeat with --in-flight {}.",
        microseconds_text(sync_us), run_.in_flight_max, window_for_slow_disks);
  }

  void broker_queue() {
    const double seconds = default_queue_messages / rate_;
    if (seconds > 60) return;
    add("mosquitto's default max_queued_messages 1000 is full after {} at {} messages/s while the "
        "logger is away or restarts, and drops what follows without a word. Set "
        "max_queued_messages 0 in the broker's configuration (examples/mosquitto/mosquitto.conf).",
        duration(seconds), rounded(rate_));
  }

  void latency() {
    const BrokerFigures& broker = figures_.broker;
    const double age_ms = static_cast<double>(run_.pipeline.consumer.batch_age_ns) / 1e6;
    if (broker.latency_p99_ms > stall_ms) {
      add("One message in a hundred can be queried only {:.1f} s after its publication at {} "
          "messages/s: at that rate the machine is near its limit. Plan with less.",
          broker.latency_p99_ms / 1e3, rounded(broker.latency_messages_per_s));
    } else if (broker.latency_p50_ms > age_ms / 4 && broker.latency_p50_ms < age_ms * 1.5) {
      add("Rows wait up to buffer.flush_interval_sec (now {:g}) for their batch: that is a good "
          "part "
          "of the {:.0f} ms from publication to query. A smaller one shows rows sooner and costs "
          "more "
          "CPU.",
          age_ms / 1e3, broker.latency_p50_ms);
    }
  }

  static constexpr double example_rate = 1'000;  // where no rate was measured

  const Run& run_;
  const MqttOptions& broker_;
  const Figures& figures_;
  double rate_ = example_rate;
  std::vector<std::string> out_;
};

/// "- text", broken into lines.
std::string item(const std::string& text) {
  std::string out = "-", line;
  std::size_t columns = 1;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (columns + 1 + end - at > line_columns) {
      out += "\n ";
      columns = 1;
    }
    out += " " + text.substr(at, end - at);
    columns += 1 + end - at;
    at = end + 1;
  }
  return out + "\n";
}

std::string row(const std::string& part, const std::string& what, const std::string& first,
                const std::string& second) {
  return fmt::format("{:<11} {:<46} {:>17}   {}\n", part, what, first, second);
}

std::string decode_row(const DecodeFigures& decode) {
  return row("decode", fmt::format("{}, {:.0f} bytes", decode.schema, decode.payload_bytes),
             fmt::format("{:.0f} ns", decode.decode_ns),
             fmt::format("{} msg/s of one core", grouped(1e9 / decode.decode_ns)));
}

std::string json_list(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + json_string(text);
  return "[" + out + "]";
}

std::string json_disks(const Figures& figures) {
  std::string out;
  for (const DiskFigures& d : figures.disks) {
    out += fmt::format(R"({}{{"folder":{},"use":"{}","in_memory":{},"free_bytes":{},"syncs":{},)"
                       R"("sync_p50_us":{:.1f},"sync_p99_us":{:.1f},"append_mb_per_s":{:.1f}}})",
                       out.empty() ? "" : ",", json_string(d.folder), d.use, d.in_memory,
                       d.free_bytes, d.syncs, d.sync_p50_us, d.sync_p99_us, d.append_mb_per_s);
  }
  return out;
}

std::string json_decode(const Figures& figures) {
  std::string out;
  for (const DecodeFigures& d : figures.decode) {
    out += fmt::format(
        R"({}{{"schema":{},"payload_bytes":{:.1f},"decode_ns":{:.1f},"messages_per_s":{:.0f}}})",
        out.empty() ? "" : ",", json_string(d.schema), d.payload_bytes, d.decode_ns,
        1e9 / d.decode_ns);
  }
  return out;
}

std::string json_broker(const BrokerFigures& b) {
  if (!b.skipped.empty()) {
    return fmt::format(R"({{"broker":{},"skipped":{}}})", json_string(b.broker),
                       json_string(b.skipped));
  }
  return fmt::format(
      R"({{"broker":{},"messages":{},"messages_per_s":{:.0f},"cpu_per_100000_messages_s":{:.3f},)"
      R"("latency_messages_per_s":{:.0f},"publish_to_queryable_p50_ms":{:.1f},)"
      R"("publish_to_queryable_p99_ms":{:.1f}}})",
      json_string(b.broker), b.messages, b.messages_per_s, b.cpu_per_100000_messages_s,
      b.latency_messages_per_s, b.latency_p50_ms, b.latency_p99_ms);
}

}  // namespace

std::vector<std::string> advice(const Run& run, const MqttOptions& broker, const Figures& figures) {
  return Adviser(run, broker, figures).all();
}

std::string to_text(const Run& run, const Figures& figures,
                    const std::vector<std::string>& advice) {
  std::string out;
  for (const DiskFigures& disk : figures.disks) {
    const std::string of = figures.disks.size() == 1 ? "" : disk.use + ": ";
    out += row("disk", of + "sync of 4 KiB, appended",
               fmt::format("p50 {}", microseconds_text(disk.sync_p50_us)),
               fmt::format("p99 {}", microseconds_text(disk.sync_p99_us)));
    out += row("disk", of + "256 KiB at a time, appended and synced",
               fmt::format("{} MB/s", grouped(disk.append_mb_per_s)), disk.folder);
  }
  for (const DecodeFigures& decode : figures.decode) out += decode_row(decode);
  const JournalFigures& journal = figures.journal;
  out += row("journal",
             fmt::format("append and sync, {} at a time",
                         grouped(static_cast<double>(journal.group_messages))),
             fmt::format("{} msg/s", grouped(journal.messages_per_s)),
             fmt::format("{:.0f} bytes a message", journal.frame_bytes));
  const StoreFigures& store = figures.store;
  out += row("store",
             fmt::format("SQLite, {} rows, {} at a time", grouped(static_cast<double>(store.rows)),
                         grouped(static_cast<double>(store.batch_rows))),
             fmt::format("{} rows/s", grouped(store.rows_per_s)),
             fmt::format("{:.0f} bytes a row", store.row_bytes));
  const BrokerFigures& broker = figures.broker;
  if (!broker.skipped.empty()) {
    out += row("end to end", "not measured", "-", "see below");
  } else {
    out += row("end to end", fmt::format("QoS 1, {}", broker.broker),
               fmt::format("{} msg/s", grouped(broker.messages_per_s)),
               fmt::format("{:.2f} CPU s per 100,000", broker.cpu_per_100000_messages_s));
    out += row(
        "end to end",
        fmt::format("published to queryable at {} msg/s", grouped(broker.latency_messages_per_s)),
        fmt::format("p50 {:.0f} ms", broker.latency_p50_ms),
        fmt::format("p99 {:.0f} ms", broker.latency_p99_ms));
  }
  for (const std::string& why : run.samples.left_out) out += fmt::format("left out: {}\n", why);
  if (run.samples.built_in)
    out += "no schemas are set: the payloads are those of a temperature sensor\n";
  out += fmt::format("all rows and messages were there; {:.0f} s\n\n", figures.seconds);
  for (const std::string& text : advice) out += item(text);
  return out;
}

std::string to_json(const Run& run, const Figures& figures,
                    const std::vector<std::string>& advice) {
  const JournalFigures& j = figures.journal;
  const StoreFigures& s = figures.store;
  return fmt::format(
      R"({{"took_s":{:.1f},"disks":[{}],"decode":[{}],"schemas_left_out":{},)"
      R"("journal":{{"messages":{},"group_messages":{},"messages_per_s":{:.0f},"frame_bytes":{:.1f}}},)"
      R"("store":{{"rows":{},"batch_rows":{},"rows_per_s":{:.0f},"row_bytes":{:.1f}}},)"
      R"("end_to_end":{},"advice":{}}})"
      "\n",
      figures.seconds, json_disks(figures), json_decode(figures), json_list(run.samples.left_out),
      j.messages, j.group_messages, j.messages_per_s, j.frame_bytes, s.rows, s.batch_rows,
      s.rows_per_s, s.row_bytes, json_broker(figures.broker), json_list(advice));
}

}  // namespace telemetry::command_line::bench
