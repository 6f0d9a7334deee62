// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "telemetry/sink.hpp"

namespace telemetry {
namespace {

constexpr std::size_t name_bytes_max = 64;

class FunctionSink final : public Sink {
 public:
  FunctionSink(std::string name, std::function<Result<void>(const Reading&)> take,
               SinkTraits traits)
      : name_(std::move(name)), take_(std::move(take)), traits_(traits) {}

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] SinkTraits traits() const override { return traits_; }
  [[nodiscard]] Result<void> open() override { return {}; }
  [[nodiscard]] Result<WriteReport> write(const JournalId&, std::span<const BatchPtr> batches,
                                          const OnRejected&) override {
    WriteReport report;
    for (const BatchPtr& batch : batches) {
      for (const Reading& reading : batch->readings) {
        if (auto taken = take_(reading); !taken) return std::move(taken).error();
        ++report.accepted;
      }
    }
    if (!batches.empty()) done_ = batches.back()->last;
    report.durable = done_;
    return report;
  }
  [[nodiscard]] Result<std::uint64_t> flush() override { return done_; }
  void close() noexcept override {}

 private:
  std::string name_;
  std::function<Result<void>(const Reading&)> take_;
  SinkTraits traits_;
  std::uint64_t done_ = 0;
};

}  // namespace

Result<void> check_sink_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const bool good = !name.empty() && name.size() <= name_bytes_max && is_plain(name.front()) &&
                    std::ranges::all_of(name, [&](char c) {
                      return is_plain(c) || c == '_' || c == '.' || c == '-';
                    });
  // Files beside the cursors have these ends.
  const bool free = !name.ends_with(".tmp") && !name.ends_with(".hint");
  if (good && free) return {};
  return Error{Errc::invalid_argument,
               fmt::format("a sink is named {:?}; a name is 1 to {} of a-z A-Z 0-9 _ . -, and "
                           "begins with a letter or digit and does not end in .tmp or .hint",
                           name, name_bytes_max)};
}

std::unique_ptr<Sink> make_function_sink(std::string name,
                                         std::function<Result<void>(const Reading&)> take,
                                         SinkTraits traits) {
  return std::make_unique<FunctionSink>(std::move(name), std::move(take), traits);
}

}  // namespace telemetry
