// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <thread>

#include "commands.hpp"
#include "family_guess.hpp"
#include "message_line.hpp"
#include "new_files.hpp"
#include "output.hpp"
#include "process/backends.hpp"
#include "process/signals.hpp"
#include "settings.hpp"
#include "telemetry/adapters/mqtt.hpp"
#include "telemetry/condition.hpp"
#include "telemetry/core/limits.hpp"
#include "telemetry/core/topic.hpp"
#include "telemetry/infer.hpp"

namespace telemetry::command_line {
namespace {

constexpr std::size_t line_bytes_max = 2 * core::payload_bytes_max;
constexpr std::uint64_t named_max = 10;  // messages that are named; all are counted
constexpr double answer_s = 10;          // of the broker, for the subscription

struct Arguments {
  Settings settings;
  std::string file, broker, out;
  std::vector<std::string> topics;
  double seconds = 60;
  std::uint64_t messages = 100'000;
  bool store = false, json = false;
};

/// What is looked at, and what cannot be used.
class Seen {
 public:
  explicit Seen(std::uint64_t messages_max) : messages_max_(messages_max) {}

  /// @param place names the message where it cannot be used.
  /// @returns false when there are enough.
  bool add(const std::string& place, std::string_view topic, std::string_view payload,
           std::int64_t received_at) {
    families.add(topic, payload, received_at);
    if (const auto added = inference.add(topic, payload, received_at); !added)
      leave_out(place, added.error().context);
    return inference.messages() < messages_max_;
  }
  void leave_out(const std::string& place, std::string_view why) {
    if (left_out_++ < named_max) say(fmt::format("{}: left out: {}", place, why));
  }
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

  SchemaInference inference;
  FamilyGuess families;

 private:
  std::uint64_t messages_max_, left_out_ = 0;
};

bool is_wanted(const Arguments& arguments, std::string_view topic) {
  return arguments.topics.empty() ||
         std::any_of(arguments.topics.begin(), arguments.topics.end(),
                     [&](const std::string& filter) { return core::topic_matches(filter, topic); });
}

/// A line of a file: a record as `telemetry query --format jsonl` writes it, or a bare payload.
bool add_line(const Arguments& arguments, const std::string& place, std::string_view line,
              Seen& seen) {
  if (const auto message = read_message_line(line)) {
    return !is_wanted(arguments, message->topic) ||
           seen.add(place, message->topic, message->payload, message->received_at);
  }
  const auto topic = json_member(line, "topic");
  if (topic && topic->starts_with('"') && json_member(line, "payload")) return true;  // a filter
  if (arguments.topics.size() == 1 && core::is_valid_topic(arguments.topics.front()))
    return seen.add(place, arguments.topics.front(), line, 0);
  seen.leave_out(place,
                 "no record with topic and payload; of payloads alone name the topic: --topic a/b");
  return true;
}

/// The next line, of bounded length. @returns false at the end.
bool next_line(std::istream& in, std::string& line, bool& too_long) {
  line.clear();
  too_long = false;
  auto& buffer = *in.rdbuf();
  int c = buffer.sbumpc();
  if (c == std::istream::traits_type::eof()) return false;
  for (; c != '\n' && c != std::istream::traits_type::eof(); c = buffer.sbumpc()) {
    too_long = too_long || line.size() == line_bytes_max;
    if (!too_long) line += static_cast<char>(c);
  }
  return true;
}

Result<void> read_file(const Arguments& arguments, Seen& seen) {
  std::ifstream file;
  const bool standard = arguments.file == "-";
  if (!standard) {
    errno = 0;
    file.open(arguments.file, std::ios::binary);
    // A folder opens; only reading it fails.
    if (!file || (file.peek() == std::ifstream::traits_type::eof() && file.bad())) {
      return Error{Errc::not_found, fmt::format("{}: cannot read it: {}", arguments.file,
                                                errno_text(errno == 0 ? EIO : errno))};
    }
  }
  std::istream& in = standard ? std::cin : file;
  const std::string name = standard ? "standard input" : arguments.file;
  std::string line;
  bool too_long = false;
  for (std::uint64_t number = 1; next_line(in, line, too_long); ++number) {
    if (!too_long && line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = fmt::format("{}:{}", name, number);
    if (too_long) {
      seen.leave_out(place, fmt::format("longer than {} bytes", line_bytes_max));
    } else if (!add_line(arguments, place, line, seen)) {
      break;
    }
  }
  return {};
}

Result<void> read_store(const Arguments& arguments, Seen& seen) {
  const auto config = arguments.settings.load();
  if (!config) return config.error();
  const auto store = make_reader(*config, environment());
  if (!store) return store.error();
  Query query;
  if (!arguments.topics.empty()) query.topics = arguments.topics;
  std::uint64_t judged = 0;
  const auto read = (*store)->query(query, [&](const Row& row) {
    if (!row.schema.empty()) {
      ++judged;
      return true;
    }
    return seen.add(fmt::format("row {} of {}", row.id, json_string(row.topic)), row.topic, row.raw,
                    row.received_at);
  });
  if (!read) return read.error();
  if (judged > 0) say(fmt::format("{} rows that have a schema were passed over", judged));
  return {};
}

/// Looks at messages and keeps nothing.
class Listener final : public Door {
 public:
  explicit Listener(Seen& seen, Clock& clock) : seen_(seen), clock_(clock) {}
  Result<void> reserve(std::size_t) override { return {}; }
  void add(const Message& message) override {
    if (done_) return;
    const std::int64_t at = message.retained ? 0 : clock_.now();
    const std::string place = "message on " + json_string(message.topic);
    if (seen_.add(place, message.topic, message.payload, at)) return;
    end();
  }
  [[nodiscard]] std::size_t open_bytes() const noexcept override { return 0; }
  [[nodiscard]] std::size_t open_messages() const noexcept override { return 0; }
  [[nodiscard]] bool should_commit() const noexcept override { return false; }
  Result<void> commit(std::vector<Outcome>*) override { return {}; }
  void abort() noexcept override {}

  /// Thread: any.
  void end() {
    const std::scoped_lock lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }
  /// @returns true when it has ended.
  bool wait(double seconds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                             [this] { return done_.load(); });
  }

 private:
  Seen& seen_;
  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> done_{false};
};

/// A connection beside the logger's: it takes no message from its session.
Result<MqttOptions> broker_options(const Arguments& arguments, Environment& environment) {
  Settings settings = arguments.settings;
  if (!arguments.broker.empty()) settings.assignments.push_back("mqtt.broker=" + arguments.broker);
  const auto config = settings.load();
  if (!config) return config.error();
  const bool configured = arguments.topics.empty() && arguments.broker.empty();
  auto brokers =
      mqtt_options_from(*config, "infer", configured ? MqttUse::subscribe : MqttUse::publish);
  if (!brokers) return brokers.error();
  MqttOptions options = std::move(brokers->front());
  if (!configured) {
    options.topics.clear();
    for (const std::string& filter : arguments.topics) options.topics.push_back({.filter = filter});
    if (options.topics.empty()) options.topics.push_back({.filter = "#"});
  }
  for (Subscription& topic : options.topics) {
    topic.qos = 0;
    topic.retained = RetainedPolicy::store;
  }
  std::array<std::uint8_t, 4> random;
  environment.random(random);
  options.client_id = "telemetry-infer-";
  for (const std::uint8_t byte : random) options.client_id += fmt::format("{:02x}", byte);
  options.persistent_session = false;
  options.session_file.clear();
  options.broker_file.clear();
  return options;
}

Result<void> listen(const Arguments& arguments, Seen& seen) {
  Environment here = environment();
  auto options = broker_options(arguments, here);
  if (!options) return options.error();
  Listener listener(seen, here.clock);
  const StopSignals signals([&](int) { listener.end(); }, [] {});
  const auto source = make_mqtt_source(*options, here);
  Result<void> ran;
  std::jthread thread([&](const std::stop_token& stop) {
    ran = source->run(listener, stop);
    listener.end();
  });
  const double first = std::min(arguments.seconds, answer_s);
  bool ended = listener.wait(first);
  const bool answered = source->is_ready();
  if (!ended && answered) ended = listener.wait(arguments.seconds - first);
  thread.request_stop();
  thread.join();
  if (!ran) return ran;
  if (!ended && !answered) {
    return Error{Errc::unavailable,
                 fmt::format("{}:{}: the broker gives no subscription; name another with --broker "
                             "mqtt://HOST:PORT",
                             options->broker, options->port)};
  }
  return {};
}

std::string to_json(const InferredSchema& schema, const std::string& file) {
  return fmt::format(
      R"({{"name":{},"topic_pattern":{},"messages":{},"topics":{},"file":{},"document":{}}})",
      json_string(schema.name), json_string(schema.topic_pattern), schema.messages, schema.topics,
      file.empty() ? "null" : json_string(file), json_string(schema.document));
}

/// Writes one file each.
Result<std::vector<std::string>> write_files(const std::string& folder,
                                             const std::vector<InferredSchema>& schemas) {
  std::vector<std::string> paths;
  std::vector<NewFile> files;
  for (const InferredSchema& schema : schemas) {
    paths.push_back((std::filesystem::path(folder) / (schema.name + ".yaml")).string());
    files.push_back({paths.back(), schema.document});
  }
  if (auto written = write_new_files(folder, files, "with --out"); !written)
    return std::move(written).error();
  return paths;
}

std::string command_for(const FamilyFit& fit, const Arguments& arguments) {
  return fmt::format("telemetry schema library copy {} {}", fit.family,
                     arguments.out.empty() ? "FOLDER" : arguments.out);
}

std::string to_json(const FamilyFit& fit, const Arguments& arguments) {
  return fmt::format(R"({{"family":{},"messages":{},"topics":{},"command":{}}})",
                     json_string(fit.family), fit.messages, fit.topics,
                     json_string(command_for(fit, arguments)));
}

int show(const Arguments& arguments, const Seen& seen) {
  const auto fits = seen.families.fits();
  for (const FamilyFit& fit : fits) {
    if (arguments.json) break;
    say(fmt::format("the library's schemas of {} read {} message{} on {} topic{}: {}", fit.family,
                    fit.messages, fit.messages == 1 ? "" : "s", fit.topics,
                    fit.topics == 1 ? "" : "s", command_for(fit, arguments)));
  }
  if (seen.left_out() > 0)
    say(fmt::format("{} messages used, {} left out", seen.inference.messages(), seen.left_out()));
  const auto schemas = seen.inference.finish();
  if (!schemas) return fail(schemas.error());
  std::vector<std::string> files(schemas->size());
  if (!arguments.out.empty()) {
    auto written = write_files(arguments.out, *schemas);
    if (!written) return fail(written.error());
    files = *std::move(written);
  }
  Output output;
  if (arguments.json) {
    std::string list;
    for (std::size_t i = 0; i < schemas->size(); ++i)
      list += (list.empty() ? "" : ",") + to_json((*schemas)[i], files[i]);
    std::string families;
    for (const FamilyFit& fit : fits)
      families += (families.empty() ? "" : ",") + to_json(fit, arguments);
    output.write(
        fmt::format("{{\"schemas\":[{}],\"families\":[{}],\"messages\":{},\"left_out\":{}}}\n",
                    list, families, seen.inference.messages(), seen.left_out()));
    return output.finish(0);
  }
  if (!arguments.out.empty()) {
    for (std::size_t i = 0; i < schemas->size(); ++i) {
      const InferredSchema& schema = (*schemas)[i];
      output.write(fmt::format("{}: {} from {} messages on {} topic{}\n", files[i],
                               schema.topic_pattern, schema.messages, schema.topics,
                               schema.topics == 1 ? "" : "s"));
    }
    return output.finish(0);
  }
  output.write(schemas->front().document);
  if (schemas->size() == 1) return output.finish(0);
  say(
      fmt::format("{} more schemas are not shown; write all with --out FOLDER, or choose topics "
                  "with --topic",
                  schemas->size() - 1));
  return output.finish(3);
}

int run(const Arguments& arguments) {
  for (const std::string& filter : arguments.topics) {
    if (core::is_valid_filter(filter)) continue;
    return fail({Errc::invalid_argument,
                 fmt::format("--topic \"{}\": not a topic filter; + and # stand alone in a level, "
                             "# only at the end",
                             filter)});
  }
  Seen seen(arguments.messages);
  const auto read = !arguments.file.empty() ? read_file(arguments, seen)
                    : arguments.store       ? read_store(arguments, seen)
                                            : listen(arguments, seen);
  if (!read) return fail(read.error());
  return show(arguments, seen);
}

}  // namespace

void add_schema_infer(Command& schema) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  Command& command = schema.command(
      "infer", "Drafts schemas that fit messages seen on a broker, in a file or in the store");
  const Argument file = command.positional(
      "FILE", a.file,
      "Lines of records as `telemetry query --format jsonl` writes them, or of payloads; - is "
      "standard input");
  a.settings.add_to(command);
  const Argument broker =
      command
          .option("--broker", a.broker,
                  "Broker to listen to; else that of the configuration, without FILE and --store")
          .type("URL")
          .excludes(file);
  command.flag("--store", a.store, "Reads what the store has without a schema")
      .excludes(file)
      .excludes(broker);
  command
      .option("--topic", a.topics,
              "Only these topics; may be repeated. Without: mqtt.topics, or all. Of a FILE of "
              "payloads: their topic")
      .type("FILTER");
  command.option("--seconds", a.seconds, "Listens so long at most")
      .range(0.1, 86'400)
      .type("N")
      .show_default();
  command.option("--messages", a.messages, "Looks at so many at most")
      .range(1, 1e12)
      .type("N")
      .show_default();
  command.option("--out", a.out, "Folder for one file a schema; those that exist stay").type("DIR");
  command.flag("--json", a.json, "One JSON object with all schemas");
  command.footer(
      "A schema is a draft: its comments say what was seen how often. Read it, name the units, "
      "mend the ranges. It needs no logger, and takes nothing from one: the connection has a "
      "session of its own. Ctrl-C ends listening, not the command.\n"
      "Without --out the schema with the most messages is printed. Exit code: 0 done, 1 nothing "
      "to infer from, 2 wrong usage, 3 there are more schemas than the one that is printed.");
  command.example("telemetry schema infer captured.jsonl --topic sensors/sensor-001/temperature");
  command.example("telemetry schema infer --store -c edge.yaml --topic 'house/#' --out drafts");
  command.example("telemetry schema infer --broker mqtt://10.0.0.5 --topic 'house/#' --seconds 60");
  command.example(
      "mosquitto_sub -t sensors/sensor-001/temperature -C 100 | \\\n"
      "      telemetry schema infer - --topic sensors/sensor-001/temperature");
  command.action([arguments] { return run(*arguments); });
}

}  // namespace telemetry::command_line
