// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"
#include "output.hpp"
#include "selection.hpp"
#include "telemetry/adapters/files.hpp"
#include "telemetry/api.hpp"
#include "telemetry/export.hpp"
#include "telemetry/message.hpp"

// An export is written in chunks whose ends follow from the rows alone, each a frame of its own
// where it is packed, so that its bytes do not depend on where it was interrupted. FILE.part holds
// what is written, FILE.part.state how far that is safe and where to go on; at the end FILE.part
// becomes FILE.

namespace telemetry::command_line {
namespace {

constexpr std::uint64_t chunk_rows = 8'192;
constexpr std::size_t chunk_bytes = 4 * 1024 * 1024;  // somewhat more at a long payload
constexpr std::uint64_t checkpoint_chunks = 32;
constexpr std::size_t columns_max = 256;
constexpr std::int64_t progress_ns = 500'000'000;

struct Arguments {
  Settings settings;
  SelectionArguments selection;
  std::vector<std::string> fields;
  std::string output = "-", format, compression;
  bool force = false, json = false;
};

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return text.ends_with(end); });
}

FileCompression compression_of(const Arguments& arguments) {
  const std::string& wanted = arguments.compression;
  if (wanted == "gzip" || (wanted.empty() && arguments.output.ends_with(".gz"))) {
    return FileCompression::gzip;
  }
  if (wanted == "zstd" || (wanted.empty() && arguments.output.ends_with(".zst"))) {
    return FileCompression::zstd;
  }
  return FileCompression::none;
}

RowFormat format_of(const Arguments& arguments) {
  std::string_view name = arguments.output;
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.remove_suffix(packed.size());
  }
  const std::string& wanted = arguments.format;
  if (wanted == "jsonl" || (wanted.empty() && ends_with_any(name, {".jsonl", ".ndjson"}))) {
    return RowFormat::jsonl;
  }
  if (wanted == "json" || (wanted.empty() && name.ends_with(".json"))) return RowFormat::json;
  return RowFormat::csv;
}

std::string check_name(std::string_view name) {
  if (name.empty()) return "the name of a file, or -";
  const bool other = ends_with_any(
      name, {".lz4", ".bz2", ".xz", ".zip", ".parquet", ".xlsx", ".xml", ".GZ", ".ZST", ".CSV"});
  return other ? "a name that ends with .csv, .jsonl or .json, then .gz or .zst" : "";
}

/// What must be the same for an export to go on.
std::string request_of(const Arguments& arguments) {
  std::string text =
      fmt::format("{} {} {}\n", static_cast<int>(format_of(arguments)),
                  static_cast<int>(compression_of(arguments)), arguments.settings.file);
  const SelectionArguments& selection = arguments.selection;
  for (const auto* list : {&selection.filters, &selection.devices, &selection.schemas,
                           &selection.where, &arguments.fields, &arguments.settings.assignments}) {
    for (const std::string& item : *list) text += fmt::format("{}:{} ", item.size(), item);
    text += '\n';
  }
  text += selection.since + '\n' + selection.until + '\n' + selection.zone;
  return fmt::format("{:016x}", hash64(text));
}

/// How far an export is.
struct Progress {
  std::string request;
  std::string cursor;  // behind the last row that is safe in the file
  std::uint64_t bytes = 0;
  std::uint64_t rows = 0;
  std::vector<std::string> fields;

  [[nodiscard]] std::string text() const {
    std::string text =
        fmt::format("telemetry-export 1\n{}\n{}\n{} {}\n", request, cursor, bytes, rows);
    for (const std::string& field : fields) {
      text += '"';
      for (const char c : field) text.append(c == '"' ? 2 : 1, c);
      text += "\",";
    }
    if (!fields.empty()) text.pop_back();
    return text;
  }
  /// False when it is none of ours.
  [[nodiscard]] bool read(std::string_view text) {
    const auto line = [&text] {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view taken = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      return taken;
    };
    if (line() != "telemetry-export 1") return false;
    request = line();
    cursor = line();
    const std::string_view counts = line();
    const char* const end = counts.data() + counts.size();
    const auto read_bytes = std::from_chars(counts.data(), end, bytes);
    if (read_bytes.ec != std::errc() || read_bytes.ptr == end) return false;
    const auto read_rows = std::from_chars(read_bytes.ptr + 1, end, rows);
    if (read_rows.ec != std::errc() || read_rows.ptr != end) return false;
    if (text.empty()) return true;
    auto names = parse_fields(text);
    if (names) fields = *std::move(names);
    return static_cast<bool>(names);
  }
};

/// Where the bytes go: standard output, or a file that appears whole.
class Target {
 public:
  Target(std::string path, FileCompression compression)
      : path_(std::move(path)), environment_(environment()), packer_(compression) {}
  ~Target() { close(); }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  [[nodiscard]] bool is_file() const noexcept { return path_ != "-"; }
  /// @returns true when an export of this request was interrupted; `left` is how far it came.
  /// Errors: already_exists  the file is there, or another export writes it.
  [[nodiscard]] Result<bool> open(const std::string& request, bool force, Progress& left);
  [[nodiscard]] Result<void> write(std::string_view text);
  [[nodiscard]] Result<void> save(Progress progress);
  [[nodiscard]] Result<void> finish();
  [[nodiscard]] bool is_left() const noexcept { return left_; }
  [[nodiscard]] int end_output(int code) { return output_.finish(code); }

 private:
  [[nodiscard]] std::string part() const { return path_ + ".part"; }
  [[nodiscard]] std::string state() const { return path_ + ".part.state"; }
  [[nodiscard]] std::string lock() const { return path_ + ".part.lock"; }
  [[nodiscard]] std::string folder() const {
    const std::size_t slash = path_.rfind('/');
    return slash == std::string::npos ? "." : path_.substr(0, std::max<std::size_t>(slash, 1));
  }
  enum class There : std::uint8_t { nothing, file, other };
  [[nodiscard]] static There there(const std::string& name);
  [[nodiscard]] Result<void> check_free() const;
  [[nodiscard]] Result<std::string> read_state();
  void close() noexcept {
    if (file_ && bytes_ == 0 && !finished_) {  // nothing to go on with
      (void)environment_.files.remove(part());
      (void)environment_.files.remove(lock());
    }
    for (auto* handle : {&file_, &lock_}) {
      if (*handle) environment_.files.close(**handle);
      handle->reset();
    }
  }

  std::string path_;
  Environment environment_;
  files::Packer packer_;
  std::vector<std::uint8_t> packed_;
  Output output_;
  bool left_ = false;  // the reader of standard output has gone
  std::optional<FileSystem::Handle> file_, lock_;
  std::uint64_t bytes_ = 0;
  bool force_ = false, finished_ = false;
};

/// What has the name, without following a link.
Target::There Target::there(const std::string& name) {
  struct stat found {};
  if (::lstat(name.c_str(), &found) != 0) return There::nothing;
  return S_ISREG(found.st_mode) ? There::file : There::other;
}

Result<void> Target::check_free() const {
  const There found = there(path_);
  if (found == There::other) {
    return Error{Errc::already_exists,
                 fmt::format("{} exists and is no regular file; take another name, or -o - and "
                             "redirect standard output",
                             path_)};
  }
  if (found == There::nothing || force_) return {};
  return Error{Errc::already_exists,
               fmt::format("{} exists; take another name, or --force to replace it", path_)};
}

Result<std::string> Target::read_state() {
  FileSystem& files = environment_.files;
  auto file = files.open_read(state());
  if (!file) return file.error();
  std::vector<std::uint8_t> bytes(1024 * 1024);
  auto count = files.read(*file, 0, bytes);
  files.close(*file);
  if (!count) return count.error();
  return std::string(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(*count));
}

Result<bool> Target::open(const std::string& request, bool force, Progress& left) {
  if (!is_file()) return false;
  FileSystem& files = environment_.files;
  force_ = force;
  if (auto free = check_free(); !free) return free.error();
  for (const std::string& name : {part(), state(), lock()}) {
    if (there(name) == There::other) {
      return Error{Errc::failed_precondition,
                   fmt::format("{} is no regular file; remove it, or take another name", name)};
    }
  }
  auto locked = files.lock(lock());
  if (!locked) {
    if (locked.error().code != Errc::already_exists) return locked.error();
    return Error{Errc::already_exists,
                 fmt::format("another export writes {}: {}", path_, locked.error().context)};
  }
  lock_ = *locked;
  bool goes_on = false;
  if (const auto text = read_state(); text) {
    goes_on = left.read(*text);
    if (goes_on && left.request != request) {
      if (!force) {
        return Error{Errc::already_exists,
                     fmt::format("{} is a part of another export; finish that one with its own "
                                 "options, or --force to begin again",
                                 part())};
      }
      goes_on = false;
    }
  }
  auto file = files.open_write(part());
  if (!file) return file.error();
  file_ = *file;
  auto size = files.size(*file_);
  if (!size) return size.error();
  goes_on = goes_on && *size >= left.bytes;
  bytes_ = goes_on ? left.bytes : 0;
  if (auto cut = files.truncate(*file_, bytes_); !cut) return cut.error();
  return goes_on;
}

Result<void> Target::write(std::string_view text) {
  packed_.clear();
  if (auto packed = packer_.pack(text, packed_); !packed) return packed;
  if (!is_file()) {
    left_ = !output_.write({reinterpret_cast<const char*>(packed_.data()), packed_.size()});
    return {};
  }
  auto written = environment_.files.write(*file_, bytes_, packed_);
  if (!written) return written;
  bytes_ += packed_.size();
  return {};
}

/// The state never names bytes that are not on the disk.
Result<void> Target::save(Progress progress) {
  if (!is_file()) return {};
  FileSystem& files = environment_.files;
  if (auto synced = files.sync(*file_); !synced) return synced;
  progress.bytes = bytes_;
  const std::string text = progress.text();
  const std::string next = state() + ".new";
  auto file = files.open_write(next);
  if (!file) return file.error();
  auto done = files.truncate(*file, 0);
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  if (done) done = files.write(*file, 0, bytes);
  if (done) done = files.sync(*file);
  files.close(*file);
  return done ? files.rename(next, state()) : done;
}

Result<void> Target::finish() {
  if (!is_file()) return {};
  FileSystem& files = environment_.files;
  if (auto synced = files.sync(*file_); !synced) return synced;
  if (auto free = check_free(); !free) return free;  // it may have come meanwhile
  if (auto moved = files.rename(part(), path_); !moved) return moved;
  finished_ = true;
  (void)files.remove(state());
  (void)files.remove(lock());
  return files.sync_folder(folder());
}

/// "63 %, 1.2 M rows/s, 0:42 left" now and then, on a terminal.
class Meter {
 public:
  explicit Meter(const Shape& shape)
      : shape_(shape), shown_(::isatty(STDERR_FILENO) != 0), began_(now()), next_(began_) {}
  void show(std::uint64_t rows, std::int64_t time) {
    if (!shown_ || now() < next_) return;
    next_ = now() + progress_ns;
    const double took = static_cast<double>(now() - began_) / 1e9;
    const double all = static_cast<double>(shape_.time_max) - static_cast<double>(shape_.time_min);
    const double part =
        all > 0 ? (static_cast<double>(time) - static_cast<double>(shape_.time_min)) / all : 1;
    const double left = part > 0.001 ? took / part - took : 0;
    fmt::print(stderr, "\r{} rows, {:.0f} %, {:.0f} rows/s, {}:{:02} left   ", rows, part * 100,
               static_cast<double>(rows) / std::max(took, 0.001), static_cast<int>(left) / 60,
               static_cast<int>(left) % 60);
  }
  void end() const {
    if (shown_) fmt::print(stderr, "\r\033[K");
  }
  [[nodiscard]] double seconds() const { return static_cast<double>(now() - began_) / 1e9; }

 private:
  static std::int64_t now() { return environment().clock.monotonic(); }
  const Shape& shape_;
  bool shown_;
  std::int64_t began_, next_;
};

class Export {
 public:
  Export(const Arguments& arguments, Api api)
      : arguments_(arguments),
        api_(std::move(api)),
        target_(arguments.output, compression_of(arguments)) {}
  int run();

 private:
  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] Result<void> write_rows();
  [[nodiscard]] Result<void> end_chunk();
  int say_done(double seconds);

  const Arguments& arguments_;
  Api api_;
  Target target_;
  Query query_;
  Shape shape_;
  Progress progress_;
  std::unique_ptr<RowWriter> writer_;
  std::string chunk_;
  Cursor at_;
  std::uint64_t resumed_rows_ = 0, rows_of_chunk_ = 0, chunks_ = 0;
};

Result<void> Export::prepare() {
  if (auto filled = arguments_.selection.fill(query_); !filled) return filled;
  auto fields = names_of(arguments_.fields);
  if (!fields) return fields.error();
  query_.fields = *std::move(fields);
  auto shape = api_.shape(Principal::local(), query_);
  if (!shape) return shape.error();
  shape_ = *std::move(shape);
  auto goes_on = target_.open(request_of(arguments_), arguments_.force, progress_);
  if (!goes_on) return goes_on.error();
  const bool csv = format_of(arguments_) == RowFormat::csv;
  if (*goes_on) {
    if (csv) query_.fields = progress_.fields;
    auto cursor = parse_cursor(progress_.cursor, query_);
    if (!cursor) return cursor.error();
    at_ = *cursor;
    resumed_rows_ = progress_.rows;
    say(fmt::format("going on behind the first {} rows", resumed_rows_));
  } else {
    progress_ = {request_of(arguments_), {}, 0, 0, {}};
    at_ = {INT64_MIN, 0, shape_.id_max, query_.since.value_or(INT64_MIN),
           query_.until.value_or(INT64_MAX)};
    if (csv && query_.fields.empty()) {
      if (shape_.fields.size() > columns_max) {
        return Error{Errc::invalid_argument,
                     fmt::format("{} columns; name those that you want with --fields, or take "
                                 "--format jsonl",
                                 shape_.fields.size())};
      }
      for (const Shape::Field& field : shape_.fields) query_.fields.push_back(field.path);
      if (shape_.extra) query_.fields.emplace_back("extra");
      if (shape_.payload) query_.fields.emplace_back("payload");
    }
    if (csv) progress_.fields = query_.fields;
  }
  query_.after = at_;
  writer_ = RowWriter::make(
      format_of(arguments_), csv ? query_.fields : std::vector<std::string>(),
      [this](std::string_view text) {
        chunk_ += text;
        return true;
      },
      0, query_.zone, *goes_on);
  return {};
}

Result<void> Export::end_chunk() {
  (void)writer_->flush();
  if (auto written = target_.write(chunk_); !written) return written;
  chunk_.clear();
  rows_of_chunk_ = 0;
  if (++chunks_ % checkpoint_chunks != 0) return {};
  progress_.cursor = to_text(at_, query_);
  return target_.save(progress_);
}

Result<void> Export::write_rows() {
  Meter meter(shape_);
  Result<void> written;
  auto done = api_.query(Principal::local(), query_, [&](const Row& row) {
    (void)writer_->write(row);
    at_.time = row.time;
    at_.id = row.id;
    ++progress_.rows;
    if (++rows_of_chunk_ < chunk_rows && chunk_.size() < chunk_bytes) return true;
    written = end_chunk();
    meter.show(progress_.rows, row.time);
    return written && !target_.is_left();
  });
  meter.end();
  if (!done) return done.error();
  if (!written || target_.is_left()) return written;
  (void)writer_->finish();
  if (auto last = target_.write(chunk_); !last) return last;
  return target_.finish();
}

int Export::say_done(double seconds) {
  if (writer_->left_out() > 0) {
    say(
        fmt::format("{} values of fields have no column; name them with --fields, or take "
                    "--format jsonl",
                    writer_->left_out()));
  }
  if (target_.is_file()) {
    const std::uint64_t rows = progress_.rows - resumed_rows_;
    if (arguments_.json) {
      fmt::print("{{\"file\":{},\"rows\":{},\"resumed_rows\":{},\"seconds\":{:.3f}}}\n",
                 json_string(arguments_.output), progress_.rows, resumed_rows_, seconds);
    } else {
      say(fmt::format("{}: {} rows, {:.1f} s, {:.0f} rows/s", arguments_.output, progress_.rows,
                      seconds, static_cast<double>(rows) / std::max(seconds, 0.001)));
    }
  }
  return target_.end_output(writer_->left_out() > 0 ? 3 : 0);
}

int Export::run() {
  const std::int64_t began = environment().clock.monotonic();
  if (auto ready = prepare(); !ready) return fail(ready.error());
  if (auto written = write_rows(); !written) return target_.end_output(fail(written.error()));
  return say_done(static_cast<double>(environment().clock.monotonic() - began) / 1e9);
}

}  // namespace

void add_export(Command& program) {
  const auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  Command& command = program.command("export", "Writes stored messages into a file");
  a.selection.add_to(command);
  a.settings.add_to(command);
  command
      .option("-o,--output", a.output,
              "The file, which appears when it is whole; - is standard output")
      .type("FILE")
      .check(check_name)
      .show_default();
  command.option("--fields", a.fields, "Only these fields, in this order: a,b.c; may be repeated")
      .type("A,B");
  command.option("--format", a.format, "csv, jsonl or json; else as FILE ends, else csv")
      .one_of({"csv", "jsonl", "json"})
      .type("FORMAT");
  command.option("--compress", a.compression, "gzip, zstd or none; else as FILE ends (.gz, .zst)")
      .one_of({"none", "gzip", "zstd"})
      .type("HOW");
  command.flag("--force", a.force, "Replaces FILE, and what another export has left of it");
  command.flag("--json", a.json, "Says what was done as JSON");
  command.footer(std::string(selection_footer) +
                 "\nAn export that was interrupted goes on when the same command is given again.");
  command.example("telemetry export -c edge.yaml --since 7d -o week.csv.zst");
  command.example(
      "telemetry export -c edge.yaml 'sensors/+/temperature' \\\n"
      "      --fields temperature --format jsonl | gzip > temperature.jsonl.gz");
  command.action([arguments] {
    if (arguments->json && arguments->output == "-") {
      return fail({Errc::invalid_argument, "--json wants -o FILE: standard output has the rows"});
    }
    Result<Api> api = open_api(arguments->settings);
    if (!api) return fail(api.error());
    return Export(*arguments, *std::move(api)).run();
  });
}

}  // namespace telemetry::command_line
