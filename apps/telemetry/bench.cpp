// SPDX-License-Identifier: Apache-2.0
#include "bench.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "commands.hpp"
#include "output.hpp"
#include "process/signals.hpp"
#include "settings.hpp"

namespace telemetry::command_line {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t free_bytes_min = 512ull * 1024 * 1024;

// Shares of the time that a part gets, in percent.
constexpr double disk_share = 15, decode_share = 5, journal_share = 12, store_share = 18,
                 broker_share = 50;

struct Arguments {
  Settings settings;
  std::string path, broker;
  double seconds = 60;
  std::uint16_t in_flight_max = 450;
  bool json = false;
};

/// A fresh folder in `parent`, removed with all that is in it.
class TemporaryFolder {
 public:
  static Result<std::unique_ptr<TemporaryFolder>> make(const fs::path& parent) {
    std::string path = (parent / "telemetry-bench-XXXXXX").string();
    if (::mkdtemp(path.data()) != nullptr) return std::make_unique<TemporaryFolder>(path);
    const bool denied = errno == EACCES || errno == EROFS || errno == EPERM;
    return Error{denied ? Errc::permission_denied : Errc::unavailable,
                 fmt::format("{}: no folder can be made there: {}; name another one on the same "
                             "disk with --path",
                             parent.string(), errno_text(errno))};
  }
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  ~TemporaryFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
    if (error) say(fmt::format("{} is left over: {}; remove it", path_, error.message()));
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

dev_t device_of(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_dev : dev_t{};
}

/// Where to measure the disk of a folder or file that may not exist yet: beside it, so that nothing
/// comes between the files of a journal or a database; in it when it is a disk of its own.
fs::path beside(const std::string& folder) {
  const fs::path absolute = fs::absolute(folder).lexically_normal();
  fs::path place =
      absolute.has_filename() ? absolute.parent_path() : absolute.parent_path().parent_path();
  std::error_code ignored;
  while (place.has_relative_path() && !fs::is_directory(place, ignored))
    place = place.parent_path();
  const bool own_disk =
      fs::is_directory(absolute, ignored) && device_of(absolute) != device_of(place);
  return own_disk ? absolute : place;
}

struct Place {
  std::string use;
  fs::path path;
};

/// The folders to measure, the journal's first; one when both are on the same disk.
Result<std::vector<Place>> places(const Arguments& arguments, const Config& config) {
  if (!arguments.path.empty()) {
    std::error_code ignored;
    if (fs::is_directory(arguments.path, ignored)) {
      return std::vector<Place>{{"journal and database", fs::absolute(arguments.path)}};
    }
    return Error{Errc::not_found, fmt::format("--path {}: there is no such folder; make it, or "
                                              "name one that exists",
                                              arguments.path)};
  }
  const fs::path journal = beside(config.text("journal.path"));
  const fs::path database = beside(config.text("storage.sqlite.path"));
  if (device_of(journal) == device_of(database)) {
    return std::vector<Place>{{"journal and database", journal}};
  }
  return std::vector<Place>{{"journal", journal}, {"database", database}};
}

Result<void> check_free(FileSystem& files, const Place& place, bench::DiskFigures& figures) {
  const auto free = files.free_bytes(place.path.string());
  if (!free) return free.error();
  figures.free_bytes = *free;
  if (*free >= free_bytes_min) return {};
  return Error{Errc::resource_exhausted,
               fmt::format("{}: {} MB are free, the measurement needs {} MB for a minute; make "
                           "room, or name another folder with --path",
                           place.path.string(), *free / 1'000'000, free_bytes_min / 1'000'000)};
}

/// The settings for a broker that was named on the command line.
void set_broker(const std::string& broker, Settings& settings) {
  const std::size_t colon = broker.rfind(':');
  const bool plain =
      broker.find("://") == std::string::npos && broker.find('[') == std::string::npos;
  if (plain && colon != std::string::npos) {
    settings.assignments.push_back("mqtt.broker=" + broker.substr(0, colon));
    settings.assignments.push_back("mqtt.port=" + broker.substr(colon + 1));
  } else if (!broker.empty()) {
    settings.assignments.push_back("mqtt.broker=" + broker);
  }
}

/// Says which part is running, to a person who waits.
class Progress {
 public:
  Progress(Clock& clock, double seconds)
      : clock_(clock), seconds_(seconds), began_(clock.monotonic()) {}
  /// @returns the time for a part, ns.
  std::int64_t begin(const std::string& part, double share) const {
    const double part_s = seconds_ * share / 100;
    if (::isatty(STDERR_FILENO) != 0) {
      say(fmt::format("{:4.0f} s  {}, about {:.0f} s", passed_s(), part, part_s));
    }
    return static_cast<std::int64_t>(part_s * 1e9);
  }
  [[nodiscard]] double passed_s() const {
    return static_cast<double>(clock_.monotonic() - began_) / 1e9;
  }

 private:
  Clock& clock_;
  double seconds_;
  std::int64_t began_;
};

/// Gives a part a folder of its own, and removes it: the next part finds the space.
template <class Measure>
auto in_folder(const Place& place, const Measure& measure) -> decltype(measure(std::string())) {
  auto folder = TemporaryFolder::make(place.path);
  if (!folder) return folder.error();
  return measure((*folder)->path());
}

Result<bench::Figures> measure(const bench::Run& run, const std::vector<Place>& all,
                               const MqttOptions& broker, const Arguments& arguments) {
  bench::Figures figures;
  const Progress progress(run.environment.clock, arguments.seconds);
  for (const Place& place : all) {
    bench::DiskFigures checked;
    if (auto room = check_free(run.environment.files, place, checked); !room) return room.error();
    const double share = disk_share / static_cast<double>(all.size());
    const auto budget = progress.begin("disk of the " + place.use, share);
    auto disk = in_folder(
        place, [&](const std::string& folder) { return bench::measure_disk(run, folder, budget); });
    if (!disk) return disk.error();
    disk->folder = place.path.string();
    disk->use = place.use;
    disk->free_bytes = checked.free_bytes;
    figures.disks.push_back(*disk);
  }
  auto decode = bench::measure_decode(run, progress.begin("decode", decode_share));
  if (!decode) return decode.error();
  figures.decode = *std::move(decode);
  auto budget = progress.begin("journal", journal_share);
  auto journal = in_folder(all.front(), [&](const std::string& folder) {
    return bench::measure_journal(run, folder, budget);
  });
  if (!journal) return journal.error();
  figures.journal = *journal;
  budget = progress.begin("store", store_share);
  auto store = in_folder(all.back(), [&](const std::string& folder) {
    return bench::measure_store(run, folder, budget);
  });
  if (!store) return store.error();
  figures.store = *store;
  budget = progress.begin("end to end", broker_share);
  auto end_to_end = in_folder(all.front(), [&](const std::string& folder) {
    return in_folder(all.back(), [&](const std::string& database) {
      return bench::measure_broker(run, broker, !arguments.broker.empty(), folder, database,
                                   budget);
    });
  });
  if (!end_to_end) return end_to_end.error();
  figures.broker = *std::move(end_to_end);
  figures.seconds = progress.passed_s();
  return figures;
}

Result<std::string> run(Arguments arguments, const std::atomic<bool>& stop) {
  set_broker(arguments.broker, arguments.settings);
  const auto config = arguments.settings.load();
  if (!config) return config.error();
  auto brokers = mqtt_options_from(*config, "bench", MqttUse::publish);
  if (!brokers) return brokers.error();
  auto sqlite = sqlite_options_from(*config);
  if (!sqlite) return sqlite.error();
  auto pipeline = pipeline_options(*config);
  if (!pipeline) return pipeline.error();
  const auto all = places(arguments, *config);
  if (!all) return all.error();
  std::vector<Diagnostic> diagnostics;
  const auto samples =
      bench::make_samples(pipeline->schema_path, pipeline->schema_path_optional, diagnostics);
  print(diagnostics);
  if (!samples) return samples.error();
  const bench::Run run{environment(), stop, *pipeline, *sqlite, *samples, arguments.in_flight_max};
  const auto figures = measure(run, *all, brokers->front(), arguments);
  if (!figures) return figures.error();
  const auto advice = bench::advice(run, brokers->front(), *figures);
  return arguments.json ? bench::to_json(run, *figures, advice)
                        : bench::to_text(run, *figures, advice);
}

int bench_machine(const Arguments& arguments) {
  std::atomic<bool> stop{false};
  const StopSignals signals([&](int) { stop = true; }, [&] { stop = true; });
  const auto text = run(arguments, stop);
  if (!text) return fail(text.error());
  Output output;
  output.write(*text);
  return output.finish(0);
}

constexpr const char* footer =
    "With --config it measures the disks of journal.path and storage.sqlite.path, the "
    "schemas of schema.path and the broker of the section mqtt; without, the current "
    "folder, a temperature sensor and localhost:1883. It needs 512 MB of free space for "
    "the time that it runs, works in a temporary folder telemetry-bench-XXXXXX and "
    "removes it, also on Ctrl-C. Your journal and database are not touched. Messages go "
    "to a topic of their own, $telemetry-bench/RANDOM/..., which subscribers of # do not "
    "get; nothing stays in the broker. It loads broker and disk for that time: not "
    "beside work that must not be slowed down.";

}  // namespace

void add_bench(Command& program) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  Command& command = program.command(
      "bench", "Measures this machine in a minute: disk, decode, store, end to end; and advises");
  a.settings.add_to(command);
  command.option("--path", a.path, "Existing folder on the disk to measure; else journal.path")
      .type("DIR");
  command
      .option("--broker", a.broker,
              "Broker for the end-to-end part; that it does not answer is an error then. "
              "Without: mqtt.broker, and the part is skipped when it does not answer")
      .type("HOST[:PORT]");
  command.option("--seconds", a.seconds, "About how long all of it may take")
      .range(1, 3'600)
      .type("N")
      .show_default();
  command
      .option("--in-flight", a.in_flight_max,
              "Messages under way in the end-to-end part; more is faster on slow disks, but "
              "only for a broker with max_queued_messages 0: others drop messages")
      .range(100, 10'000)
      .type("N")
      .show_default();
  command.flag("--json", a.json, "One JSON object instead of the table");
  command.footer(footer);
  command.example("telemetry bench");
  command.example("telemetry bench --config edge.yaml");
  command.example("telemetry bench --path /mnt/usb --broker 10.0.0.5:1883 --seconds 20 --json");
  command.action([arguments] { return bench_machine(*arguments); });
}

}  // namespace telemetry::command_line
