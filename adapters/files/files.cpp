// SPDX-License-Identifier: Apache-2.0
#include "telemetry/adapters/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "file_name.hpp"
#include "frames.hpp"
#include "growing_file.hpp"
#include "repair.hpp"
#include "telemetry/export.hpp"

// The sink that writes files. docs/files.md describes names, formats and what survives what.
//
// Life of a record: write() makes its line, into a text of at most frame_text_bytes; the text is
// packed as one frame and appended to the open file; what was appended is synced at the latest
// sync_interval after its first record came. Then it counts as durable; until then the journal
// keeps it. A file ends when its hour or day is over, or before a frame that would make it too
// large; then it is synced and loses the suffix .part.
//
// Invariants: a file is a row of whole frames, each of whole lines; only what follows its last sync
// can be torn. No file is opened again once it is closed, none is overwritten. After an error what
// was not synced is taken back, so that the journal can bring it again without repeating it; ids up
// to `durable_` are skipped while this object lives. A crash leaves a .part file, which open() puts
// right; rows between the journal's cursor and the crash come twice.

namespace telemetry {

namespace {

using files::GrowingFile;

constexpr std::size_t frame_text_bytes = 64 * 1024;  // some 250 records
constexpr std::size_t kept_bytes_max = 4 * frame_text_bytes;
constexpr std::int64_t space_check_ns = 1'000'000'000;
constexpr std::int64_t hour_ns = 3'600'000'000'000;
constexpr std::uint64_t mebibyte = 1024 * 1024;

constexpr Option options_table[] = {
    {.key = "name",
     .fallback = "filesystem",
     .doc = "Of this target, in logs, metrics and the journal; entries of a list need different "
            "ones, and keep them."},
    {.key = "base_path",
     .fallback = "./data/files",
     .doc = "Folder of the files, made when it does not exist; one process writes into it."},
    {.key = "file_format",
     .type = OptionType::choice,
     .fallback = "jsonl",
     .doc = "jsonl: a JSON object a line. csv: the columns topic, timestamp, received_at, and the "
            "payload as JSON.",
     .choices = "jsonl|csv"},
    {.key = "compression",
     .type = OptionType::choice,
     .fallback = "none",
     .doc = "How files are packed; zstd is small and fast, gzip is read everywhere, lz4 by few.",
     .choices = "none|gzip|zstd|lz4"},
    {.key = "max_file_size_mb",
     .type = OptionType::integer,
     .fallback = "100",
     .doc = "A file ends before it is larger, whatever the rotation.",
     .unit = "MB",
     .min = 1,
     .max = 1'048'576},
    {.key = "rotation",
     .type = OptionType::choice,
     .fallback = "daily",
     .doc = "When a new file begins: with each hour or day of UTC, by the time of receipt, or only "
            "by size.",
     .choices = "hourly|daily|size"},
    {.key = "sync_interval",
     .type = OptionType::duration,
     .fallback = "5s",
     .doc = "Messages wait about so long for others before they are packed, written and synced; "
            "the journal has them meanwhile. Longer packs a slow stream better.",
     .min = 0,
     .max = 3'600},
    {.key = "free_space_reserve_mb",
     .type = OptionType::integer,
     .fallback = "64",
     .doc = "Writing stops while less than this is free on the disk.",
     .unit = "MB",
     .min = 0,
     .max = 1'048'576},
};

class FilesSink final : public Sink {
 public:
  FilesSink(const FilesOptions& options, Environment environment)
      : options_(options), environment_(std::move(environment)) {}
  ~FilesSink() override { FilesSink::close(); }

  [[nodiscard]] std::string name() const override { return options_.name; }
  [[nodiscard]] SinkTraits traits() const override {
    return {.flush_idle_ns = options_.sync_interval_ns};
  }
  [[nodiscard]] Result<void> open() override;
  [[nodiscard]] Result<WriteReport> write(const JournalId& journal,
                                          std::span<const BatchPtr> batches,
                                          const OnRejected& on_rejected) override;
  [[nodiscard]] Result<std::uint64_t> flush() override;
  void close() noexcept override;

 private:
  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] Result<void> lock_folder();
  [[nodiscard]] Result<void> take(const Reading& reading);
  [[nodiscard]] Result<void> put_frame();
  [[nodiscard]] Result<void> begin_file();
  [[nodiscard]] Result<void> sync_file();
  [[nodiscard]] Result<void> finish_file();
  [[nodiscard]] Result<void> make_durable();
  [[nodiscard]] Result<void> end_file();
  [[nodiscard]] Result<void> check_space();
  void settle() noexcept;
  void leave_file();
  [[nodiscard]] std::int64_t period_of(std::int64_t received_at) const noexcept;
  [[nodiscard]] Result<void> check_open() const {
    if (lock_) return {};
    return Error{Errc::failed_precondition, options_.base_path + ": not open for writing"};
  }

  const FilesOptions options_;
  Environment environment_;
  std::optional<FileSystem::Handle> lock_;
  std::unique_ptr<files::Packer> packer_;
  std::uint64_t last_number_ = 0;
  std::optional<std::int64_t> space_checked_;  // monotonic

  std::unique_ptr<GrowingFile> file_;
  std::int64_t period_ = 0;  // of the open file, or of the text when none is open
  Row row_;
  std::string text_;                   // lines of the next frame
  std::int64_t text_received_at_ = 0;  // of its first record
  std::vector<std::uint8_t> packed_;
  std::int64_t sync_due_ = 0;  // monotonic; of what is not durable
  bool is_proven_ = false;     // the disk works: something was synced since open()

  JournalId journal_{};        // whose sequences these are:
  std::uint64_t taken_ = 0;    // everything up to here is in the text or before it,
  std::uint64_t framed_ = 0;   // in the open file or before it,
  std::uint64_t durable_ = 0;  // synced
};

Result<void> FilesSink::open() {
  close();
  if (auto prepared = prepare(); !prepared) {
    close();
    return prepared;
  }
  return {};
}

Result<void> FilesSink::prepare() {
  if (auto made = environment_.files.create_folder(options_.base_path); !made) return made;
  if (auto locked = lock_folder(); !locked) return locked;
  const auto highest = files::tidy_folder(environment_, options_.name, options_.base_path);
  if (!highest) return highest.error();
  last_number_ = std::max(last_number_, *highest);
  packer_ = std::make_unique<files::Packer>(options_.compression);
  is_proven_ = false;
  return {};
}

Result<void> FilesSink::lock_folder() {
  auto locked = environment_.files.lock(fmt::format("{}/{}", options_.base_path, files::lock_name));
  if (locked) {
    lock_ = *locked;
    return {};
  }
  if (locked.error().code != Errc::already_exists) return locked.error();
  return Error{Errc::already_exists,
               fmt::format("another program writes its files into {}, give each a folder of its "
                           "own (storage.filesystem.base_path): {}",
                           options_.base_path, locked.error().context)};
}

Result<WriteReport> FilesSink::write(const JournalId& journal, std::span<const BatchPtr> batches,
                                     const OnRejected&) {
  if (auto ready = check_open(); !ready) return ready.error();
  if (auto space = check_space(); !space) return space.error();
  if (journal != journal_) {
    if (auto done = make_durable(); !done) return done.error();
    journal_ = journal;
    taken_ = framed_ = durable_ = 0;
  }
  WriteReport report;
  for (const BatchPtr& batch : batches) {
    for (const Reading& reading : batch->readings) {
      if (reading.id <= durable_) continue;
      if (auto taken = take(reading); !taken) return taken.error();
      ++report.accepted;
    }
  }
  if (!batches.empty()) taken_ = std::max(taken_, batches.back()->last);
  settle();
  const bool is_due = !is_proven_ || environment_.clock.monotonic() >= sync_due_;
  if (durable_ < taken_ && is_due) {
    if (auto done = make_durable(); !done) return done.error();
  }
  report.durable = durable_;
  return report;
}

Result<void> FilesSink::take(const Reading& reading) {
  const std::int64_t period = period_of(reading.received_at);
  const bool is_first = !file_ && text_.empty();
  // Only forward: a message with an old time, as a replayed one has, goes where the others go.
  if (!is_first && period > period_) {
    if (auto ended = end_file(); !ended) return ended;
    period_ = period;
  } else if (is_first) {
    period_ = period;
  }
  if (text_.empty()) text_received_at_ = reading.received_at;
  if (durable_ == taken_) {
    sync_due_ = environment_.clock.monotonic() + options_.sync_interval_ns;
  }
  fill_row(reading, row_);
  if (options_.format == FileFormat::csv) {
    append_record_csv(row_, text_);
  } else {
    append_record_json(row_, text_);
    text_ += '\n';
  }
  taken_ = reading.id;
  return text_.size() < frame_text_bytes ? Result<void>() : put_frame();
}

/// Moves the text into the file; into the next one where this one would become too large.
Result<void> FilesSink::put_frame() {
  if (text_.empty()) return {};
  packed_.clear();
  if (auto packed = packer_->pack(text_, packed_); !packed) return packed;
  if (file_ && file_->bytes() + packed_.size() > options_.file_bytes_max) {
    if (auto finished = finish_file(); !finished) return finished;
  }
  if (!file_) {
    if (auto begun = begin_file(); !begun) return begun;
  }
  if (auto written = file_->append(packed_); !written) return written;
  framed_ = taken_;
  text_.clear();
  if (packed_.capacity() > kept_bytes_max) packed_ = {};
  if (text_.capacity() > kept_bytes_max) text_ = {};
  return file_->unsynced_bytes() < files::unsynced_bytes_max ? Result<void>() : sync_file();
}

/// A file is made together with its first frame, so that none is empty for long.
Result<void> FilesSink::begin_file() {
  auto made = GrowingFile::create(
      environment_.files, options_.base_path,
      files::final_name(text_received_at_, ++last_number_, options_.format, options_.compression));
  if (!made) return made.error();
  file_ = *std::move(made);
  if (options_.format != FileFormat::csv) return {};
  std::vector<std::uint8_t> header;
  if (auto packed = packer_->pack(record_csv_header, header); !packed) return packed;
  header.insert(header.end(), packed_.begin(), packed_.end());
  packed_.swap(header);
  return {};
}

Result<void> FilesSink::sync_file() {
  if (file_ && file_->unsynced_bytes() != 0) {
    if (auto synced = file_->sync(); !synced) return synced;
    is_proven_ = true;
  }
  durable_ = framed_;
  return {};
}

Result<void> FilesSink::finish_file() {
  if (auto synced = sync_file(); !synced) return synced;
  const std::unique_ptr<GrowingFile> ended = std::move(file_);
  return ended ? ended->finish() : Result<void>();
}

Result<void> FilesSink::make_durable() {
  if (auto put = put_frame(); !put) return put;
  settle();
  return sync_file();
}

Result<void> FilesSink::end_file() {
  if (auto durable = make_durable(); !durable) return durable;
  return finish_file();
}

/// Sequences that no record has are done with what is before them.
void FilesSink::settle() noexcept {
  if (!text_.empty()) return;
  framed_ = taken_;
  if (!file_ || file_->unsynced_bytes() == 0) durable_ = framed_;
}

Result<std::uint64_t> FilesSink::flush() {
  if (auto ready = check_open(); !ready) return ready.error();
  if (auto done = make_durable(); !done) return done.error();
  // Nothing comes that would end it.
  if (file_ && period_of(environment_.clock.now()) > period_) {
    if (auto ended = end_file(); !ended) return ended.error();
  }
  return durable_;
}

void FilesSink::close() noexcept {
  try {
    leave_file();
  } catch (...) {  // out of memory: open() puts right what is left
  }
  file_.reset();
  text_.clear();
  taken_ = framed_ = durable_;
  packer_.reset();
  space_checked_.reset();
  if (lock_) environment_.files.close(*lock_);
  lock_.reset();
}

void FilesSink::leave_file() {
  if (!file_) return;
  auto left = file_->roll_back();
  if (left) left = file_->finish();
  if (left) return;
  environment_.log(LogLevel::warn, options_.name,
                   fmt::format("{} is left as it is and put right when the folder is opened next: "
                               "{}",
                               file_->path(), to_string(left.error())));
}

Result<void> FilesSink::check_space() {
  const std::int64_t now = environment_.clock.monotonic();
  if (space_checked_ && now - *space_checked_ < space_check_ns) return {};
  const auto free = environment_.files.free_bytes(options_.base_path);
  if (!free) {
    return Error{Errc::unavailable, fmt::format("{}: cannot tell the free space: {}",
                                                options_.base_path, free.error().context)};
  }
  if (*free < options_.free_space_reserve_bytes) {
    return Error{Errc::resource_exhausted,
                 fmt::format("{}: {} MB free on its disk, less than the reserve of {} MB "
                             "(storage.filesystem.free_space_reserve_mb). Free some space; "
                             "messages wait in the journal meanwhile",
                             options_.base_path, *free / mebibyte,
                             options_.free_space_reserve_bytes / mebibyte)};
  }
  space_checked_ = now;
  return {};
}

std::int64_t FilesSink::period_of(std::int64_t received_at) const noexcept {
  if (options_.rotation == FileRotation::size) return 0;
  const std::int64_t length = options_.rotation == FileRotation::daily ? 24 * hour_ns : hour_ns;
  const std::int64_t period = received_at / length;
  return received_at % length < 0 ? period - 1 : period;
}

}  // namespace

OptionTable files_options() noexcept {
  return {.prefix = "storage.filesystem",
          .options = options_table,
          .entry = "{name: archive, base_path: /mnt/archive, compression: zstd}"};
}

Result<FilesOptions> files_options_from(const Config& config, std::string_view section) {
  const auto key = [&](std::string_view name) { return fmt::format("{}.{}", section, name); };
  FilesOptions options;
  options.name = config.text(key("name"));
  if (auto valid = check_sink_name(options.name); !valid) {
    return mistakes_error({config.mistake(key("name"), valid.error().context)});
  }
  options.base_path = config.text(key("base_path"));
  while (options.base_path.size() > 1 && options.base_path.ends_with('/')) {
    options.base_path.pop_back();
  }
  if (options.base_path.empty()) {
    return mistakes_error(
        {config.mistake(key("base_path"), "empty", "name a folder, for example ./data/files")});
  }
  if (config.text(key("file_format")) == "csv") options.format = FileFormat::csv;
  const std::string compression = config.text(key("compression"));
  options.compression = compression == "gzip"   ? FileCompression::gzip
                        : compression == "zstd" ? FileCompression::zstd
                        : compression == "lz4"  ? FileCompression::lz4
                                                : FileCompression::none;
  const std::string rotation = config.text(key("rotation"));
  options.rotation = rotation == "hourly" ? FileRotation::hourly
                     : rotation == "size" ? FileRotation::size
                                          : FileRotation::daily;
  const auto megabytes = [&](std::string_view name) {
    return static_cast<std::uint64_t>(config.integer(key(name))) * mebibyte;
  };
  options.file_bytes_max = megabytes("max_file_size_mb");
  options.sync_interval_ns = config.duration_ns(key("sync_interval"));
  options.free_space_reserve_bytes = megabytes("free_space_reserve_mb");
  return options;
}

std::unique_ptr<Sink> make_files_sink(const FilesOptions& options, Environment environment) {
  return std::make_unique<FilesSink>(options, std::move(environment));
}

}  // namespace telemetry
